//! What the process is told at its start, by flags, environment and files, as types. Not for the sources'
//! configuration, which is `sources`' business.

mod effective;
mod environment;
mod error;
mod flags;
mod health;
mod identity;
mod log_filter;
mod log_format;
mod number;
mod oversight;
mod settings;
mod variable;
mod variable_list;
pub mod variables;

pub use effective::{Given, Origin, effective};
pub use environment::Environment;
pub use error::ConfigError;
pub use flags::Flags;
pub use health::HealthSettings;
pub use identity::Identity;
pub use log_filter::LogFilter;
pub use log_format::LogFormat;
pub use oversight::OversightSettings;
pub use settings::{Settings, Survey};
pub use variable::{Privacy, Topic, Variable};
pub use variable_list::VARIABLES;
