//! `listTargets`, `introspectTarget` and `test`.

use std::ops::ControlFlow;

use rusqlite::Connection;

use super::error::failure;
use super::rows::{for_each_row, number};
use super::value::Param;
use crate::bridges::description::{DescribedColumn, Description, send_target};
use crate::error::JobError;
use crate::job::{JobControl, RowSink};
use crate::job::{Privileges, ServerFacts, Summary, TargetColumn};
use crate::options::Predicate;
use crate::sql::{self, Dialect, whole_name};

/// The tables, by name; SQLite's own begin with `sqlite_`.
pub(super) fn list_targets(
    connection: &Connection,
    job: &JobControl,
    sink: &mut RowSink,
) -> Result<Summary, JobError> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' \
               AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    for_each_row(connection, job, sql, Vec::new(), |row| {
        let name: String = row.get(0).map_err(|error| failure(job, &error))?;
        send_target(sink, &name)?;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(Summary::default())
}

/// Columns and number of rows of one table or view. Generated columns are not listed, as in the official
/// bridge: nothing can be written to them.
pub(super) fn introspect(
    connection: &mut Connection,
    job: &JobControl,
    target: &str,
    sink: &mut RowSink,
) -> Result<Summary, JobError> {
    let table = whole_name(target)?;
    let transaction = connection
        .transaction()
        .map_err(|error| failure(job, &error))?;
    // This first: it is what fails when there is no such table.
    let count = sql::count(
        Dialect::Sqlite,
        &Dialect::Sqlite.quote(table),
        &Predicate::always(),
    );
    let rows = number(&transaction, job, &count)?;
    let mut description = Description::default();
    let sql = "SELECT name, type, \"notnull\", pk FROM pragma_table_info(?1) ORDER BY cid";
    let params = vec![Param::text(table)];
    for_each_row(&transaction, job, sql, params, |row| {
        let read = || -> rusqlite::Result<(String, String, bool, i64)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        };
        let (name, declared, not_null, key) = read().map_err(|error| failure(job, &error))?;
        description.column(&DescribedColumn {
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
    })?;
    description.send(sink, target, rows)?;
    Ok(Summary::default())
}

/// All columns of a table or view, in their order. Hidden ones of virtual tables are not among `*`; generated
/// ones are.
pub(super) fn columns(
    connection: &Connection,
    job: &JobControl,
    target: &str,
) -> Result<Vec<TargetColumn>, JobError> {
    let mut columns = Vec::new();
    let sql = "SELECT name, pk > 0, hidden = 1 FROM pragma_table_xinfo(?1) ORDER BY cid";
    let params = vec![Param::text(whole_name(target)?)];
    for_each_row(connection, job, sql, params, |row| {
        let read = || -> rusqlite::Result<TargetColumn> {
            Ok(TargetColumn {
                name: row.get(0)?,
                key: row.get(1)?,
                hidden: row.get(2)?,
            })
        };
        columns.push(read().map_err(|error| failure(job, &error))?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(columns)
}

/// Opens the file for real: its catalog is read.
pub(super) fn test(connection: &Connection, job: &JobControl) -> Result<Summary, JobError> {
    let mut version = String::new();
    let sql = "SELECT sqlite_version(), (SELECT COUNT(*) FROM sqlite_schema)";
    for_each_row(connection, job, sql, Vec::new(), |row| {
        version = row.get(0).map_err(|error| failure(job, &error))?;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(Summary {
        server: Some(ServerFacts {
            version: format!("SQLite {version}"),
            tls: false,
            read_only: true,
        }),
        ..Summary::default()
    })
}

/// There are no roles in a file: what decides is how it was opened.
pub(super) fn privileges(connection: &Connection, job: &JobControl) -> Result<Summary, JobError> {
    let read_only = connection
        .is_readonly("main")
        .map_err(|error| failure(job, &error))?;
    let mut privileges = Privileges::default();
    if !read_only {
        privileges
            .beyond_reading
            .push("write to the database file".to_owned());
    }
    Ok(Summary {
        privileges: Some(privileges),
        ..Summary::default()
    })
}
