//! The flags that `start`, `status` and `doctor` share.

use crate::secret::Secret;

/// Values given on the command line. An empty value is given all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--id`.
    pub id: Option<String>,
    /// `--token`.
    pub token: Option<Secret>,
    /// `--gateway`.
    pub gateway: Option<String>,
}
