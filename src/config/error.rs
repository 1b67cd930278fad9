//! What is wrong with what the process is told at its start.

use std::fmt;

use crate::gateway::AddressError;

/// Why the process cannot start. The words of the first two are the official ones.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// No runner id.
    MissingId,
    /// No token.
    MissingToken,
    /// The gateway's URL is not usable.
    Gateway(AddressError),
    /// A variable has a value that cannot be used; the value is not repeated, it may be a secret.
    Variable {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingId => f.write_str(
                "Missing runner id. Pass --id or set SEMILAYER_RUNNER_ID (shown in the Console).",
            ),
            Self::MissingToken => f.write_str(
                "Missing runner token. Pass --token or set SEMILAYER_RUNNER_TOKEN \
                 (rk_... from the Console, shown once on create).",
            ),
            Self::Gateway(error) => write!(
                f,
                "Gateway URL (--gateway or SEMILAYER_GATEWAY_URL) {error}"
            ),
            Self::Variable { name, problem } => write!(f, "{name} {problem}"),
        }
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    /// What is wrong with a variable.
    pub fn variable(name: &'static str, problem: impl Into<String>) -> Self {
        Self::Variable {
            name,
            problem: problem.into(),
        }
    }

    /// Whether it is about who the runner is and where its gateway is: without that there is nothing to show.
    pub fn is_of_identity(&self) -> bool {
        match self {
            Self::MissingId | Self::MissingToken | Self::Gateway(_) => true,
            Self::Variable { name, .. } => *name == TOKEN_FILE,
        }
    }
}

/// The variable that names the token's file.
pub(super) const TOKEN_FILE: &str = "SEMILAYER_RUNNER_TOKEN_FILE";

/// What is wrong so far.
#[derive(Default)]
pub(super) struct Problems(pub(super) Vec<ConfigError>);

impl Problems {
    /// What was found, if nothing is wrong with it.
    pub(super) fn note<T>(&mut self, found: Result<T, ConfigError>) -> Option<T> {
        found.map_err(|problem| self.0.push(problem)).ok()
    }
}
