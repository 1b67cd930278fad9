//! The columns of a target, as policy and bridges speak of them.

/// A column of a target, as the database's catalog has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetColumn {
    /// Its name.
    pub name: String,
    /// Part of the key that `read` goes by.
    pub key: bool,
    /// Not among "all columns", though it may be named.
    pub hidden: bool,
}
