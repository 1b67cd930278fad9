//! Targets are collections and views of the source's database. A dot is part of a name.

use crate::error::JobError;
use crate::options::Target;

/// A collection's name. What no server takes for one is refused.
pub fn collection(name: &str) -> Result<Target, JobError> {
    if name.is_empty() || name.starts_with('.') || name.contains(['\0', '$']) {
        return Err(JobError::invalid_target(name));
    }
    Ok(Target::whole(name))
}
