//! What the process is told at its start, by flags, environment and files, as types. Not for the sources'
//! configuration, which is `sources`' business.

mod flags;
mod health;
mod log_format;
mod number;
mod oversight;
mod secret;
mod settings;

pub use flags::Flags;
pub use health::HealthSettings;
pub use log_format::LogFormat;
pub use oversight::OversightSettings;
pub use secret::Secret;
pub use settings::{ConfigError, Identity, Settings};
