//! Running the statements of one job.

use std::ops::ControlFlow;

use rusqlite::{Connection, Row, Statement, params_from_iter};

use super::error::failure;
use crate::bridges::lite::{Cells, Database, EachCells, Value};
use crate::error::JobError;
use crate::job::{JobControl, KeptBy, Privileges, ServerFacts};
use crate::limits;

/// A connection in the read transaction of a job.
pub(super) struct OpenFile<'s> {
    pub(super) connection: &'s Connection,
    pub(super) job: &'s JobControl,
}

impl OpenFile<'_> {
    fn run(
        &self,
        statement: &mut Statement<'_>,
        params: &[Value<'_>],
        each: &mut EachCells<'_>,
    ) -> Result<(), JobError> {
        let failed = |error| failure(self.job, &error);
        let mut rows = statement.query(params_from_iter(params)).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            if each(&SqliteRow { row, job: self.job })?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn is_read_only(&self) -> Result<bool, JobError> {
        let read_only = self.connection.is_readonly(rusqlite::MAIN_DB);
        read_only.map_err(|error| failure(self.job, &error))
    }
}

impl Database for OpenFile<'_> {
    fn query(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut EachCells<'_>,
    ) -> Result<(), JobError> {
        log::trace!("{sql}");
        self.job.check()?;
        let failed = |error| failure(self.job, &error);
        // A long text holds the values of one job, or at least the number of them.
        if sql.len() > limits::KEPT_STATEMENT {
            let mut prepared = self.connection.prepare(sql).map_err(failed)?;
            return self.run(&mut prepared, params, each);
        }
        let mut prepared = self.connection.prepare_cached(sql).map_err(failed)?;
        self.run(&mut prepared, params, each)
    }

    /// Every sort and every window may take as much memory as the page cache.
    fn prepare_sort(&mut self) -> Result<(), JobError> {
        let sql = format!("PRAGMA cache_size = -{}", limits::SQLITE_SORT_KIB);
        let done = self.connection.execute_batch(&sql);
        done.map_err(|error| failure(self.job, &error))
    }

    /// Opens the file for real: its catalog is read.
    fn server(&mut self) -> Result<ServerFacts, JobError> {
        let mut version = String::new();
        let sql = "SELECT sqlite_version(), (SELECT COUNT(*) FROM sqlite_schema)";
        self.query(sql, &[], &mut |row| {
            version = row.text(0)?.unwrap_or_default();
            Ok(ControlFlow::Break(()))
        })?;
        Ok(ServerFacts {
            version: format!("SQLite {version}"),
            tls: false,
            read_only: self.is_read_only().unwrap_or(false),
            kept_by: KeptBy::File,
        })
    }

    /// There are no roles in a file: what decides is how it was opened.
    fn privileges(&mut self) -> Result<Privileges, JobError> {
        let mut privileges = Privileges::default();
        if !self.is_read_only()? {
            let may = "write to the database file".to_owned();
            privileges.beyond_reading.push(may);
        }
        Ok(privileges)
    }
}

/// A row of a statement that is running.
struct SqliteRow<'a> {
    row: &'a Row<'a>,
    job: &'a JobControl,
}

impl Cells for SqliteRow<'_> {
    fn width(&self) -> usize {
        self.row.as_ref().column_count()
    }

    fn name(&self, column: usize) -> Result<&str, JobError> {
        let name = self.row.as_ref().column_name(column);
        name.map_err(|error| failure(self.job, &error))
    }

    fn value(&self, column: usize) -> Result<Value<'_>, JobError> {
        let value = self.row.get_ref(column);
        value
            .map(Value::from)
            .map_err(|error| failure(self.job, &error))
    }
}
