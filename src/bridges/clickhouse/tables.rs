//! What the server says about its tables.

use std::collections::HashMap;
use std::sync::Arc;

use super::catalog::{Column, Origin};
use super::dialect::ClickHouse;
use super::error::Failure;
use super::row::JsonRow;
use super::statements::{ClickHouseSession, plain};
use super::types::ColumnType;
use crate::error::JobError;
use crate::limits;
use crate::options::{Predicate, Target};
use crate::sql::{Builder, Dialect};

impl ClickHouseSession<'_> {
    /// The columns of a target, in their order.
    pub(super) fn columns_of(&mut self, target: &Target) -> Result<Arc<Vec<Column>>, Failure> {
        let from = self.from(target);
        let catalog = self.catalog;
        catalog.columns.get_or(&from, || {
            let mut columns = Vec::new();
            let sql = format!("DESCRIBE TABLE {from}");
            let mut room = Room::default();
            self.each_row(&plain(sql), 3, &mut |row| {
                room.take(row)?;
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
            let mut room = Room::default();
            self.each_row(&plain(sql.clone()), 2, &mut |row| {
                room.take(row)?;
                types.push(ColumnType::parse(&row.string(1)?));
                Ok(())
            })?;
            Ok(Arc::new(types))
        })
    }

    /// The types of these columns; of parts of columns (`a.b`) too. Those of the first target come first.
    fn types_by_name(
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
                if row.value(0)?.len() > limits::SORTING_KEY_BYTES {
                    return Err(too_much("sorting key"));
                }
                key = row.string(0)?;
                Ok(())
            })?;
            Ok(key)
        })
    }

    /// From now on the language knows the types of these columns.
    pub(super) fn learn(
        &mut self,
        targets: &[&Target],
        names: Vec<String>,
    ) -> Result<(), JobError> {
        let types = match names.is_empty() {
            true => Default::default(),
            false => self.types_by_name(targets, names)?,
        };
        self.dialect = ClickHouse::knowing(types);
        Ok(())
    }

    /// The same, for the columns that a filter names.
    pub(super) fn learn_filter(
        &mut self,
        target: &Target,
        filter: &Predicate,
    ) -> Result<(), JobError> {
        let mut names = Vec::new();
        names_of(filter, &mut names);
        self.learn(&[target], names)
    }
}

/// What may still be said about columns.
struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(limits::CLICKHOUSE_TABLE)
    }
}

impl Room {
    /// Takes the room of a column: of its name and its type.
    fn take(&mut self, row: &JsonRow<'_>) -> Result<(), JobError> {
        let bytes = row.value(0)?.len() + row.value(1)?.len() + limits::CLICKHOUSE_COLUMN;
        let left = self.0.checked_sub(bytes);
        self.0 = left.ok_or_else(|| too_much("columns"))?;
        Ok(())
    }
}

fn too_much(what: &str) -> JobError {
    JobError::query_failed(format!(
        "what the server says about the table's {what} is more than this runner holds of it"
    ))
}

/// Adds the columns that a filter names.
pub(super) fn names_of(filter: &Predicate, names: &mut Vec<String>) {
    filter.for_each_column(&mut |name| names.push(name.to_owned()));
}
