//! What the process is told at its start, by flags, environment and files, as types. Not for the sources'
//! configuration, which is `sources`' business.

mod effective;
mod environment;
mod flags;
mod health;
mod log_filter;
mod log_format;
mod number;
mod oversight;
mod settings;
mod variable_list;
pub mod variables;

pub use crate::secret::Secret;
pub use effective::{Given, Origin, effective};
pub use environment::Environment;
pub use flags::Flags;
pub use health::HealthSettings;
pub use log_filter::LogFilter;
pub use log_format::LogFormat;
pub use oversight::OversightSettings;
pub use settings::{ConfigError, Identity, Settings, Survey};
pub use variables::{Privacy, Topic, VARIABLES, Variable};
