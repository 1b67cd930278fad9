//! The policy (`SEMILAYER_POLICY`): what jobs may touch, said by the customer and not by the gateway. Per source
//! it allows or denies targets and columns and caps what one job may send.
//!
//! A source without an entry, neither its own nor `*`, is refused. Names are compared by the database's own
//! rules ([`crate::job::NameRules`]). Where a target's columns are restricted, only columns that the database's catalog has
//! and the policy allows may be named: everything else a database understands in the place of a column, such as
//! a row id, a whole row or a function of one, is thereby refused too.

mod file;
mod paths;
mod permit;
mod table;

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::error::{ErrorCode, JobError};
use crate::policy::file::{PolicyFile, SourceEntry};
use crate::sources::variable_name;
use crate::{files, limits};

pub use permit::Permit;

/// Stands for every source, or every target, that has no entry of its own.
const ALL: &str = "*";

/// The rules of all sources.
#[derive(Debug)]
pub struct Policy {
    sources: Vec<Arc<(String, SourceEntry)>>,
}

impl Policy {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, or has a mistake, told with its line and column.
    pub fn load(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let bytes =
            files::read(path, limits::POLICY_BYTES).map_err(|error| match error.kind() {
                io::ErrorKind::FileTooLarge => format!("{shown} is too long"),
                _ => format!("{shown}: {error}"),
            })?;
        let text =
            String::from_utf8(bytes).map_err(|_| format!("{shown} does not hold UTF-8 text"))?;
        Self::parse(&text).map_err(|error| format!("{shown}: {error}"))
    }

    /// As [`Policy::load`], from its text.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self {
            sources: PolicyFile::parse(text)?
                .sources
                .0
                .into_iter()
                .map(Arc::new)
                .collect(),
        })
    }

    /// Number of entries, for the log.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// True when it has no entry: every job is refused.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The rules for a job on a source: all that concern it, those of `*` among them. An entry names its name as the
    /// environment's variables have it: what a runner-local source reads does not depend on case and punctuation of
    /// its name either, so a gateway cannot get around an entry by spelling the name differently. It may also name the
    /// id of a source that is not `local`: a gateway could give any id to one that is.
    ///
    /// # Errors
    /// `POLICY_DENIED` when there is no entry for it.
    pub fn admit(&self, id: &str, name: &str, local: bool) -> Result<Permit, JobError> {
        let variable = variable_name(name);
        let own = |entry: &&Arc<(String, SourceEntry)>| {
            let key = &entry.0;
            key == ALL || !local && key == id || variable_name(key) == variable
        };
        let entries: Vec<_> = self.sources.iter().filter(own).cloned().collect();
        if entries.is_empty() {
            return Err(denied(format!(
                "the policy has no entry for source \"{name}\""
            )));
        }
        Ok(Permit::new(entries))
    }
}

fn denied(message: String) -> JobError {
    JobError::new(ErrorCode::PolicyDenied, message)
}

#[cfg(test)]
mod tests;
