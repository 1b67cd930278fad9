//! `query`, `batchRead` and `count`.

use rusqlite::Connection;

use super::error::failure;
use super::rows::{number, send_rows};
use crate::error::JobError;
use crate::job::Summary;
use crate::job::{JobControl, RowSink};
use crate::options::{CountOptions, QueryOptions};
use crate::sql::{self, Dialect, Selection, whole_name};

/// Rows by filter, with the total.
pub(super) fn query(
    connection: &mut Connection,
    job: &JobControl,
    target: &str,
    options: &QueryOptions,
    sink: &mut RowSink,
) -> Result<Summary, JobError> {
    let from = Dialect::Sqlite.quote(whole_name(target)?);
    let select = select_list(options.select.as_deref());
    let selection = Selection::of(Dialect::Sqlite, &select, &from, options);
    // One read transaction, so that rows and total are of the same moment.
    let transaction = connection
        .transaction()
        .map_err(|error| failure(job, &error))?;
    let rows = send_rows(&transaction, job, &selection.statement(), sink)?;
    let total = match options.known_total(rows) {
        Some(total) => total,
        None => {
            let count = sql::count(Dialect::Sqlite, &from, &options.filter);
            number(&transaction, job, &count)?
        }
    };
    Ok(Summary {
        total: Some(total),
        ..Summary::default()
    })
}

/// Rows by filter, without the total.
pub(super) fn batch_read(
    connection: &Connection,
    job: &JobControl,
    target: &str,
    options: &QueryOptions,
    sink: &mut RowSink,
) -> Result<Summary, JobError> {
    let from = Dialect::Sqlite.quote(whole_name(target)?);
    let select = select_list(options.select.as_deref());
    let selection = Selection::of(Dialect::Sqlite, &select, &from, options);
    send_rows(connection, job, &selection.statement(), sink)?;
    Ok(Summary::default())
}

/// The number of rows a filter lets through.
pub(super) fn count(
    connection: &Connection,
    job: &JobControl,
    target: &str,
    options: &CountOptions,
    sink: &mut RowSink,
) -> Result<Summary, JobError> {
    let from = Dialect::Sqlite.quote(whole_name(target)?);
    let count = sql::count(Dialect::Sqlite, &from, &options.filter);
    sink.count(number(connection, job, &count)?);
    Ok(Summary::default())
}

/// The named columns, or all of them.
pub(super) fn select_list(columns: Option<&[String]>) -> String {
    match columns {
        Some(columns) => Dialect::Sqlite.columns(columns.iter().map(String::as_str)),
        None => format!("{}.*", sql::TABLE_ALIAS),
    }
}
