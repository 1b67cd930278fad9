//! The statements of one job.

use std::ops::ControlFlow;

use rusqlite::{Connection, Row, Statement as Prepared, params_from_iter};

use super::catalog;
use super::dialect::SQLITE;
use super::error::failure;
use super::key::{Key, bind_key};
use super::row::{Layout, SqliteRow};
use super::since::changed_since;
use super::value::{Param, bind};
use crate::bridges::description::DescribedColumn;
use crate::bridges::sql::{Each, SelectList, Session, Walk};
use crate::error::JobError;
use crate::job::{Columns, JobControl, Privileges, ServerFacts};
use crate::limits;
use crate::options::{AggregateOptions, ReadOptions, Target};
use crate::sql::{Dialect, Statement};

/// A connection in the read transaction of a job.
pub(super) struct SqliteSession<'s> {
    pub connection: &'s Connection,
    pub job: &'s JobControl,
}

/// What a statement selects. In a walk the key comes last, for the cursor; it is shown only where it was asked for.
pub(super) struct List {
    sql: String,
    pub key: Option<Key>,
}

impl SelectList for List {
    fn sql(&self) -> &str {
        &self.sql
    }
}

impl List {
    /// Columns at the end that are not shown.
    pub fn hidden(&self) -> usize {
        self.key.as_ref().map_or(0, |key| key.parts().len())
    }
}

impl SqliteSession<'_> {
    /// Runs a statement and hands over its rows until there are no more, or `each` has enough.
    pub fn query(
        &self,
        sql: &str,
        params: Vec<Param<'_>>,
        mut each: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, JobError>,
    ) -> Result<(), JobError> {
        log::trace!("{sql}");
        self.job.check()?;
        let run = |statement: &mut Prepared<'_>| {
            let rows = statement.query(params_from_iter(params));
            let mut rows = rows.map_err(|error| self.failed(&error))?;
            while let Some(row) = rows.next().map_err(|error| self.failed(&error))? {
                if each(row)?.is_break() {
                    break;
                }
            }
            Ok(())
        };
        // A long text holds the values of one job, or at least the number of them.
        if sql.len() > limits::KEPT_STATEMENT {
            let prepared = self.connection.prepare(sql);
            let mut prepared = prepared.map_err(|error| self.failed(&error))?;
            return run(&mut prepared);
        }
        let prepared = self.connection.prepare_cached(sql);
        let mut prepared = prepared.map_err(|error| self.failed(&error))?;
        run(&mut prepared)
    }

    /// The error of a statement that failed.
    pub fn failed(&self, error: &rusqlite::Error) -> JobError {
        failure(self.job, error)
    }
}

impl Session for SqliteSession<'_> {
    type List = List;

    fn dialect(&self) -> &dyn Dialect {
        &SQLITE
    }

    fn columns(&mut self, target: &Target) -> Result<Columns, JobError> {
        let columns = catalog::columns(self, target)?;
        Ok(match columns.is_empty() {
            true => Columns::NoSuchTarget,
            false => Columns::Known(columns),
        })
    }

    fn list(&mut self, _: &Target, names: Option<&[String]>) -> Result<List, JobError> {
        Ok(List {
            sql: self.dialect().select_list(names),
            key: None,
        })
    }

    fn walk(&mut self, target: &Target, options: &ReadOptions) -> Result<Walk<List>, JobError> {
        let key = Key::find(self, target)?;
        let list = self.dialect().select_list(options.fields.as_deref());
        Ok(Walk {
            key: key.parts().to_vec(),
            after: match &options.cursor {
                Some(cursor) => key.position(cursor)?,
                None => Vec::new(),
            },
            since: match &options.changed_since {
                Some(since) => changed_since(self, target, &options.tracking_column, since)?,
                None => Vec::new(),
            },
            list: List {
                sql: format!("{list}, {}", key.select_list()),
                key: Some(key),
            },
        })
    }

    fn prepare_aggregate(&mut self, _: &AggregateOptions) -> Result<List, JobError> {
        // Every sort and every window may take as much memory as the page cache.
        self.connection
            .execute_batch(&format!("PRAGMA cache_size = -{}", limits::SQLITE_SORT_KIB))
            .map_err(|error| self.failed(&error))?;
        Ok(List {
            sql: String::new(),
            key: None,
        })
    }

    /// A view has none.
    fn key(&mut self, target: &Target) -> Result<Vec<String>, JobError> {
        let key = Key::find(self, target)?;
        Ok(key.parts().iter().map(|p| p.expression.clone()).collect())
    }

    fn rows(
        &mut self,
        statement: &Statement,
        list: &List,
        each: &mut Each<'_>,
    ) -> Result<(), JobError> {
        // The values of a walk carry their storage class.
        let bind = if list.key.is_some() { bind_key } else { bind };
        let params = statement.params.iter().map(bind);
        let params = params.collect::<Result<_, _>>()?;
        let mut layout = None;
        self.query(&statement.sql, params, |row| {
            let layout = match &layout {
                Some(layout) => layout,
                None => layout.insert(Layout::new(self, row.as_ref(), list.hidden())?),
            };
            each(&SqliteRow {
                row,
                layout,
                list,
                session: self,
            })?;
            Ok(ControlFlow::Continue(()))
        })
    }

    fn number(&mut self, statement: &Statement) -> Result<u64, JobError> {
        let params = statement.params.iter().map(bind);
        let mut number = 0;
        self.query(&statement.sql, params.collect::<Result<_, _>>()?, |row| {
            let value: i64 = row.get(0).map_err(|error| self.failed(&error))?;
            number = u64::try_from(value).unwrap_or(0);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(number)
    }

    fn targets(
        &mut self,
        each: &mut dyn FnMut(&str) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        catalog::targets(self, each)
    }

    fn describe(
        &mut self,
        target: &Target,
        each: &mut dyn FnMut(&DescribedColumn<'_>),
    ) -> Result<(), JobError> {
        catalog::describe(self, target, each)
    }

    /// Opens the file for real: its catalog is read.
    fn server(&mut self) -> Result<ServerFacts, JobError> {
        let mut version = String::new();
        let sql = "SELECT sqlite_version(), (SELECT COUNT(*) FROM sqlite_schema)";
        self.query(sql, Vec::new(), |row| {
            version = row.get(0).map_err(|error| self.failed(&error))?;
            Ok(ControlFlow::Break(()))
        })?;
        Ok(ServerFacts {
            version: format!("SQLite {version}"),
            tls: false,
            read_only: self
                .connection
                .is_readonly(rusqlite::MAIN_DB)
                .unwrap_or(false),
        })
    }

    /// There are no roles in a file: what decides is how it was opened.
    fn privileges(&mut self) -> Result<Privileges, JobError> {
        let read_only = self.connection.is_readonly("main");
        let mut privileges = Privileges::default();
        if !read_only.map_err(|error| self.failed(&error))? {
            let may = "write to the database file".to_owned();
            privileges.beyond_reading.push(may);
        }
        Ok(privileges)
    }
}
