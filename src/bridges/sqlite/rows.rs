//! Running a statement and writing its rows.

use std::ops::ControlFlow;

use rusqlite::{Connection, Row, Statement, params_from_iter};

use super::error::failure;
use super::value::{Param, bind, write_value};
use crate::error::JobError;
use crate::job::{JobControl, RowSink};
use crate::json::write_string;
use crate::sql;

/// Runs a statement and hands over its rows until there are no more, or `each` has enough.
pub(super) fn for_each_row(
    connection: &Connection,
    job: &JobControl,
    sql: &str,
    params: Vec<Param<'_>>,
    mut each: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, JobError>,
) -> Result<(), JobError> {
    job.check()?;
    let failed = |error: rusqlite::Error| failure(job, &error);
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query(params_from_iter(params)).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        if each(row)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// Runs a statement of the shared builder and sends its rows. Returns their number.
pub(super) fn send_rows(
    connection: &Connection,
    job: &JobControl,
    statement: &sql::Statement,
    sink: &mut RowSink,
) -> Result<u64, JobError> {
    let params = statement
        .params
        .iter()
        .map(bind)
        .collect::<Result<_, _>>()?;
    let mut shape = None;
    let mut rows = 0;
    for_each_row(connection, job, &statement.sql, params, |row| {
        let shape = match &shape {
            Some(shape) => shape,
            None => shape.insert(RowShape::new(job, row.as_ref(), 0)?),
        };
        sink.row(|out| shape.write(job, row, out))?;
        rows += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(rows)
}

/// Runs a statement of the shared builder that yields one number.
pub(super) fn number(
    connection: &Connection,
    job: &JobControl,
    statement: &sql::Statement,
) -> Result<u64, JobError> {
    let params = statement
        .params
        .iter()
        .map(bind)
        .collect::<Result<_, _>>()?;
    let mut number = 0;
    for_each_row(connection, job, &statement.sql, params, |row| {
        let value: i64 = row.get(0).map_err(|error| failure(job, &error))?;
        number = u64::try_from(value).unwrap_or(0);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(number)
}

/// The keys of the rows of one statement, escaped once.
pub(super) struct RowShape {
    /// One a shown column, with its colon: `"id":`. `None` where a later column has the same name.
    keys: Vec<Option<String>>,
}

impl RowShape {
    /// Takes the column names of a statement that is running; the last `hidden` columns are not shown.
    pub(super) fn new(
        job: &JobControl,
        statement: &Statement<'_>,
        hidden: usize,
    ) -> Result<Self, JobError> {
        let shown = statement.column_count().saturating_sub(hidden);
        let names = (0..shown)
            .map(|i| statement.column_name(i))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| failure(job, &error))?;
        let keys = names
            .iter()
            .enumerate()
            .map(|(i, name)| {
                if names.iter().skip(i + 1).any(|later| later == name) {
                    return None;
                }
                let mut key = String::with_capacity(name.len() + 3);
                write_string(&mut key, name);
                key.push(':');
                Some(key)
            })
            .collect();
        Ok(Self { keys })
    }

    /// Writes one row as an object.
    pub(super) fn write(
        &self,
        job: &JobControl,
        row: &Row<'_>,
        out: &mut String,
    ) -> Result<(), JobError> {
        out.push('{');
        let mut first = true;
        for (i, key) in self.keys.iter().enumerate() {
            let Some(key) = key else { continue };
            if !first {
                out.push(',');
            }
            first = false;
            out.push_str(key);
            let value = row.get_ref(i).map_err(|error| failure(job, &error))?;
            write_value(out, value);
        }
        out.push('}');
        Ok(())
    }
}
