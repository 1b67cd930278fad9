//! What is known of a target: its columns with their types, and its key. Asked of the database once a
//! second at most, because every job needs it and tables change rarely; a table changed within that second
//! is noticed by what its rows look like.

use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::connection::Connection;
use super::dialect::POSTGRES;
use super::error;
use super::list::SelectList;
use super::types::Column;
use crate::bridges::remembered::{Remembered, Weighed};
use crate::bridges::told::Told;
use crate::error::JobError;
use crate::limits;
use crate::options::Target;
use crate::sql::Dialect;

/// A table, a view or the like.
#[derive(Default)]
pub struct Relation {
    /// The schema it is in.
    pub schema: String,
    /// Its columns in their order.
    pub columns: Vec<Column>,
    /// Names of the primary key's columns, most significant first; empty without one.
    pub key: Vec<String>,
    /// True when no two rows have the same key: tables that inherit from this one keep their own.
    pub unique: bool,
    everything: OnceLock<Arc<SelectList>>,
}

impl Relation {
    /// The column of exactly this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        Column::find(&self.columns, name)
    }

    /// The select list of these columns, or of all of them.
    pub fn select_list(&self, names: Option<&[String]>) -> Arc<SelectList> {
        match names {
            Some(names) => Arc::new(SelectList::new(&self.columns, names)),
            None => {
                let all = || {
                    let names: Vec<_> = self.columns.iter().map(|c| c.name.clone()).collect();
                    Arc::new(SelectList::new(&self.columns, &names))
                };
                Arc::clone(self.everything.get_or_init(all))
            }
        }
    }
}

impl Weighed for Relation {
    /// With its select list, which names each column a few times.
    fn weight(&self) -> usize {
        let columns = self.columns.iter();
        let columns = columns.map(|column| 2 * size_of::<Column>() + 6 * column.name.len());
        self.schema.len() + self.key.weight() + columns.sum::<usize>()
    }
}

/// The relations of one source.
#[derive(Default)]
pub struct Catalog(Remembered<Arc<Relation>>);

impl Catalog {
    /// The target's relation; `None` when there is no such thing.
    pub fn relation(
        &self,
        connection: &mut Connection,
        target: &Target,
    ) -> Result<Option<Arc<Relation>>, JobError> {
        let name = quoted(target);
        if let Some(relation) = self.0.get(&name) {
            return Ok(Some(relation));
        }
        let relation = load(connection, target)?.map(Arc::new);
        if let Some(relation) = &relation {
            self.0.put(&name, Arc::clone(relation));
        }
        Ok(relation)
    }

    /// Forgets a target whose rows do not look as expected.
    pub fn forget(&self, target: &Target) {
        self.0.forget(&quoted(target));
    }
}

fn quoted(target: &Target) -> String {
    (&POSTGRES as &dyn Dialect).target(target)
}

/// The key is the table's own: looking for constraints by name would find those of other tables too.
const COLUMNS: &str = "SELECT a.attname::text, t.oid, t.typtype = 'd', \
     pg_catalog.array_position(k.conkey, a.attnum), n.nspname::text, \
     c.relkind = 'r' AND c.relhassubclass \
     FROM pg_catalog.pg_class c \
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid \
     JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
     LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p' \
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND a.attnum > 0 AND NOT a.attisdropped AND ";

fn load(connection: &mut Connection, target: &Target) -> Result<Option<Relation>, JobError> {
    let (place, params) = match target.schema() {
        Some(schema) => (
            "n.nspname = $1 AND c.relname = $2",
            vec![schema.into(), target.table().into()],
        ),
        None => (
            "pg_catalog.pg_table_is_visible(c.oid) AND c.relname = $1",
            vec![target.table().into()],
        ),
    };
    let mut columns: Vec<(Column, bool)> = Vec::new();
    let mut key: Vec<(i32, String)> = Vec::new();
    let mut schema = String::new();
    let mut inherited = false;
    let mut told = Told::default();
    connection.rows(
        &format!("{COLUMNS}{place} ORDER BY a.attnum"),
        &params,
        |row| {
            let get = |e: postgres::Error| error::executing(&e);
            let name: String = row.try_get(0).map_err(get)?;
            told.column(name.len())?;
            if let Some(position) = row.try_get(3).map_err(get)? {
                key.push((position, name.clone()));
            }
            let column = Column {
                name,
                oid: row.try_get(1).map_err(get)?,
            };
            columns.push((column, row.try_get(2).map_err(get)?));
            schema = row.try_get(4).map_err(get)?;
            inherited = row.try_get(5).map_err(get)?;
            Ok(())
        },
    )?;
    if columns.is_empty() && !exists(connection, target)? {
        return Ok(None);
    }
    key.sort_unstable();
    let mut relation = Relation {
        schema,
        columns: Vec::with_capacity(columns.len()),
        unique: !inherited && !key.is_empty(),
        key: key.into_iter().map(|(_, name)| name).collect(),
        everything: OnceLock::new(),
    };
    for (mut column, is_domain) in columns {
        if is_domain {
            column.oid = under_domain(connection, column.oid)?;
        }
        relation.columns.push(column);
    }
    Ok(Some(relation))
}

/// A table may have no columns at all.
fn exists(connection: &mut Connection, target: &Target) -> Result<bool, JobError> {
    let found = "SELECT count(pg_catalog.to_regclass($1))";
    Ok(connection.number(found, &[Value::String(quoted(target))])? > 0)
}

/// The type under a domain, which may be over a domain again.
fn under_domain(connection: &mut Connection, domain: u32) -> Result<u32, JobError> {
    let mut oid = domain;
    for _ in 0..limits::RESULT_COLUMNS {
        let mut next = None;
        let sql = "SELECT typbasetype FROM pg_catalog.pg_type WHERE oid = $1 AND typtype = 'd'";
        connection.rows(sql, &[Value::from(oid)], |row| {
            next = row
                .try_get::<_, Option<u32>>(0)
                .map_err(|e| error::executing(&e))?;
            Ok(())
        })?;
        match next {
            Some(base) if base != oid => oid = base,
            _ => break,
        }
    }
    Ok(oid)
}
