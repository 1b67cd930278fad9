//! The targets of a job.

use crate::job::{Columns, NameRules, TargetColumn};
use crate::options::{ColumnRole, NamedColumn, Target};

/// A target of a job, and what is known of it.
pub(super) struct Table {
    pub(super) target: Target,
    pub(super) columns: Columns,
    pub(super) restricted: bool,
}

impl Table {
    /// The columns of the database that a job may mean by this name.
    pub(super) fn known<'t>(
        &'t self,
        names: &'t NameRules,
        name: &'t str,
    ) -> impl Iterator<Item = &'t TargetColumn> {
        let columns = match &self.columns {
            Columns::Known(columns) => columns.as_slice(),
            Columns::NoSuchTarget | Columns::Schemaless { .. } => &[],
        };
        columns
            .iter()
            .filter(move |known| names.is_column(&known.name, name))
    }
}

/// The place of the table that a column is of: a filter may name one that only a joined table has.
pub(super) fn owner(names: &NameRules, tables: &[Table], column: NamedColumn<'_>) -> usize {
    if let Some(join) = column.join {
        return join + 1;
    }
    let schemaless = |table: &Table| matches!(table.columns, Columns::Schemaless { .. });
    if column.role != ColumnRole::Filter || tables.first().is_none_or(schemaless) {
        return 0;
    }
    let has = |table: &Table| table.known(names, column.name).next().is_some();
    tables.iter().position(has).unwrap_or(0)
}
