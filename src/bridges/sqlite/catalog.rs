//! What the file says about its tables.

use std::ops::ControlFlow;

use super::session::SqliteSession;
use super::value::Param;
use crate::bridges::description::DescribedColumn;
use crate::error::JobError;
use crate::job::TargetColumn;
use crate::options::Target;

/// The arguments of a pragma about a table, and their parameters: its name, and its schema if it has one.
pub(super) fn place(target: &Target) -> (&'static str, Vec<Param<'_>>) {
    let table = Param::text(target.table());
    match target.schema() {
        Some(schema) => ("?1, ?2", vec![table, Param::text(schema)]),
        None => ("?1", vec![table]),
    }
}

/// The tables, by name; SQLite's own begin with `sqlite_`.
pub(super) fn targets(
    session: &SqliteSession<'_>,
    each: &mut dyn FnMut(&str) -> Result<(), JobError>,
) -> Result<(), JobError> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' \
               AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    session.query(sql, Vec::new(), |row| {
        let name: String = row.get(0).map_err(|error| session.failed(&error))?;
        each(&name)?;
        Ok(ControlFlow::Continue(()))
    })
}

/// The columns of a table or view as they are shown. Generated ones are not listed, as in the official bridge:
/// nothing can be written to them.
pub(super) fn describe(
    session: &SqliteSession<'_>,
    target: &Target,
    each: &mut dyn FnMut(&DescribedColumn<'_>),
) -> Result<(), JobError> {
    let (place, params) = place(target);
    let sql =
        format!("SELECT name, type, \"notnull\", pk FROM pragma_table_info({place}) ORDER BY cid");
    session.query(&sql, params, |row| {
        let read = || -> rusqlite::Result<(String, String, bool, i64)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        };
        let (name, declared, not_null, key) = read().map_err(|error| session.failed(&error))?;
        each(&DescribedColumn {
            name: &name,
            data_type: if declared.is_empty() {
                "TEXT"
            } else {
                &declared
            },
            nullable: !not_null,
            primary_key: key > 0,
        });
        Ok(ControlFlow::Continue(()))
    })
}

/// All columns of a table or view, in their order. Hidden ones of virtual tables are not among `*`; generated
/// ones are.
pub(super) fn columns(
    session: &SqliteSession<'_>,
    target: &Target,
) -> Result<Vec<TargetColumn>, JobError> {
    let mut columns = Vec::new();
    let (place, params) = place(target);
    let sql =
        format!("SELECT name, pk > 0, hidden = 1 FROM pragma_table_xinfo({place}) ORDER BY cid");
    session.query(&sql, params, |row| {
        let read = || -> rusqlite::Result<TargetColumn> {
            Ok(TargetColumn {
                name: row.get(0)?,
                key: row.get(1)?,
                hidden: row.get(2)?,
            })
        };
        columns.push(read().map_err(|error| session.failed(&error))?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(columns)
}
