//! How log lines look.

use crate::config::ConfigError;

/// `SEMILAYER_LOG_FORMAT`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

impl LogFormat {
    /// `variable` looks into the environment; an empty value counts as unset.
    pub fn load(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        const NAME: &str = "SEMILAYER_LOG_FORMAT";
        match variable(NAME).as_deref() {
            None | Some("" | "text") => Ok(Self::Text),
            Some("json") => Ok(Self::Json),
            Some(_) => Err(ConfigError::variable(NAME, "must be text or json")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_formats_are_known() {
        let load = |value: &str| LogFormat::load(|_| Some(value.to_owned()));
        assert_eq!(load(""), Ok(LogFormat::Text));
        assert_eq!(load("json"), Ok(LogFormat::Json));
        assert!(load("JSON5").is_err());
    }
}
