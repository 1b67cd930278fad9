//! Runner-local configuration: `SEMILAYER_SOURCE_<NAME>_<KEY>`.

use std::ffi::OsString;
use std::fmt;

/// The part of the process' environment that describes sources. Holds secrets: never printed.
#[derive(Clone, Default)]
pub struct SourceEnvironment {
    variables: Vec<(String, OsString)>,
}

impl SourceEnvironment {
    /// Takes the variables that begin with `SEMILAYER_SOURCE_` out of `variables`.
    pub fn from_env(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self {
            variables: variables
                .into_iter()
                .filter_map(|(name, value)| {
                    let name = name.into_string().ok()?;
                    Some((name.strip_prefix("SEMILAYER_SOURCE_")?.to_owned(), value))
                })
                .collect(),
        }
    }
}

impl fmt::Debug for SourceEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceEnvironment({} variables)", self.variables.len())
    }
}
