//! A source as the gateway describes it.

use std::fmt;

use serde_json::{Map, Value};

/// Where a source's configuration comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialsLocation {
    /// The gateway sends it with the job.
    Managed,
    /// It is in this process' environment, as `SEMILAYER_SOURCE_<NAME>_<KEY>`.
    RunnerLocal,
}

/// One database, as an assignment or a job names it.
#[derive(Clone, PartialEq)]
pub struct Source {
    /// Stable id.
    pub id: String,
    /// The name people gave it; runner-local variables are derived from it.
    pub name: String,
    /// Name of its bridge's package.
    pub bridge: String,
    /// Where `config` comes from.
    pub credentials: CredentialsLocation,
    /// What the bridge's constructor takes; empty until it is read from the environment when runner-local.
    /// Holds secrets: never printed.
    pub config: Map<String, Value>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("bridge", &self.bridge)
            .field("credentials", &self.credentials)
            .field("config", &format_args!("{} keys", self.config.len()))
            .finish()
    }
}
