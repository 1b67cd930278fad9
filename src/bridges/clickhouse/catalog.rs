//! What is remembered of a source's tables.

use std::sync::Arc;

use super::types::ColumnType;
use crate::bridges::remembered::{Remembered, Weighed};

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// Its name.
    pub(super) name: String,
    /// Its type in the server's own words.
    pub(super) spelled: String,
    /// Its type.
    pub(super) kind: ColumnType,
    /// How it gets its values.
    pub(super) origin: Origin,
}

impl Weighed for Column {
    fn weight(&self) -> usize {
        self.name.len() + self.spelled.len() + self.kind.weight()
    }
}

impl Weighed for ColumnType {
    fn weight(&self) -> usize {
        self.text.len()
    }
}

/// How a column gets its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// They are written to it.
    Written,
    /// They are made of others, when a row is written or when it is read. It is not among `*`.
    Computed,
    /// It has none: others are made of what is written to it.
    Ephemeral,
}

/// For a moment: what must be asked.
#[derive(Default)]
pub(super) struct Catalog {
    pub(super) columns: Remembered<Arc<Vec<Column>>>,
    /// Types of expressions, by table and expressions.
    pub(super) types: Remembered<Arc<Vec<ColumnType>>>,
    pub(super) sorting: Remembered<String>,
}

impl Catalog {
    /// Forgets a target that may have been changed.
    pub(super) fn forget(&self, from: &str) {
        self.columns.forget(from);
        self.sorting.forget(from);
    }
}
