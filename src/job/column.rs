//! The columns of a target, as policy and bridges speak of them.

/// What a bridge knows of the columns of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Columns {
    /// These, as the database's catalog has them.
    Known(Vec<TargetColumn>),
    /// There is no such target.
    NoSuchTarget,
    /// Every row may have others, some of them inside of others: `address.city`.
    Schemaless {
        /// What `read` goes by; its cursor shows it.
        key: &'static str,
    },
}

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
