//! What the server says about its tables.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::Failure;
use super::session::ClickHouseSession;
use super::types::ColumnType;
use crate::bridges::remembered::Remembered;
use crate::error::JobError;
use crate::limits;
use crate::options::Target;
use crate::sql::{Builder, Dialect, Statement};

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

/// What is remembered of a source's tables for a moment.
pub(super) struct Catalog {
    columns: Remembered<Arc<Vec<Column>>>,
    /// Types of expressions, by table and expressions.
    types: Remembered<Arc<Vec<ColumnType>>>,
    sorting: Remembered<String>,
}

impl Default for Catalog {
    fn default() -> Self {
        Self {
            columns: Remembered::new(limits::CATALOG_FRESH),
            types: Remembered::new(limits::CATALOG_FRESH),
            sorting: Remembered::new(limits::CATALOG_FRESH),
        }
    }
}

impl Catalog {
    /// Forgets a target that may have been changed.
    pub(super) fn forget(&self, from: &str) {
        self.columns.forget(from);
        self.sorting.forget(from);
    }
}

impl ClickHouseSession<'_> {
    /// The columns of a target, in their order.
    pub(super) fn columns_of(&mut self, target: &Target) -> Result<Arc<Vec<Column>>, Failure> {
        let from = self.from(target);
        let catalog = self.catalog;
        catalog.columns.get_or(&from, || {
            let mut columns = Vec::new();
            let sql = format!("DESCRIBE TABLE {from}");
            self.each_row(&plain(sql), 3, &mut |row| {
                let spelled = row.string(1)?;
                columns.push(Column {
                    name: row.string(0)?,
                    kind: ColumnType::parse(&spelled),
                    spelled,
                    origin: match row.string(2)?.as_str() {
                        "MATERIALIZED" | "ALIAS" => Origin::Computed,
                        "EPHEMERAL" => Origin::Ephemeral,
                        _ => Origin::Written,
                    },
                });
                Ok(())
            })?;
            Ok(Arc::new(columns))
        })
    }

    /// The types of expressions over a target called `t`.
    pub(super) fn types_of(
        &mut self,
        target: &Target,
        expressions: &[String],
    ) -> Result<Arc<Vec<ColumnType>>, Failure> {
        let from = self.from(target);
        let sql = format!(
            "DESCRIBE TABLE (SELECT {} FROM {from} AS t)",
            expressions.join(", ")
        );
        let catalog = self.catalog;
        catalog.types.get_or(&sql, || {
            let mut types = Vec::new();
            self.each_row(&plain(sql.clone()), 2, &mut |row| {
                types.push(ColumnType::parse(&row.string(1)?));
                Ok(())
            })?;
            Ok(Arc::new(types))
        })
    }

    /// The types of these columns; of parts of columns (`a.b`) too. Those of the first target come first.
    pub(super) fn types_by_name(
        &mut self,
        targets: &[&Target],
        names: Vec<String>,
    ) -> Result<HashMap<String, ColumnType>, Failure> {
        let mut types = HashMap::new();
        let mut wanted = names;
        wanted.sort_unstable();
        wanted.dedup();
        for target in targets {
            if wanted.is_empty() {
                break;
            }
            let columns = self.columns_of(target)?;
            wanted.retain(
                |name| match columns.iter().find(|column| column.name == *name) {
                    Some(column) => {
                        types.insert(name.clone(), column.kind.clone());
                        false
                    }
                    None => true,
                },
            );
        }
        // With others joined to it, the server says which table a part is of.
        if let ([target], false) = (targets, wanted.is_empty()) {
            let language: &dyn Dialect = &self.dialect;
            let expressions: Vec<_> = wanted.iter().map(|name| language.column(name)).collect();
            let found = self.types_of(target, &expressions)?;
            types.extend(wanted.into_iter().zip(found.iter().cloned()));
        }
        Ok(types)
    }

    /// The expressions by which a table is sorted, as the server spells them; empty for one that is not.
    pub(super) fn sorting_key(&mut self, target: &Target) -> Result<String, JobError> {
        let from = self.from(target);
        let catalog = self.catalog;
        catalog.sorting.get_or(&from, || {
            let mut key = String::new();
            let statement = {
                let mut builder = Builder::new(&self.dialect);
                builder.push("SELECT sorting_key FROM system.tables WHERE database = ");
                match target.schema() {
                    Some(schema) => builder.bind(schema.into()),
                    None => builder.push("currentDatabase()"),
                };
                builder.push(" AND name = ").bind(target.table().into());
                builder.finish()?
            };
            self.each_row(&statement, 1, &mut |row| {
                key = row.string(0)?;
                Ok(())
            })?;
            Ok(key)
        })
    }
}

/// A statement without parameters.
pub(super) fn plain(sql: impl Into<String>) -> Statement {
    Statement {
        sql: sql.into(),
        params: Vec::new(),
    }
}
