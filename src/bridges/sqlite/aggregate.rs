//! `aggregate`: buckets of rows, with their values by storage class.

use std::ops::ControlFlow;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::error::failure;
use super::key::Key;
use super::rows::for_each_row;
use super::value::{Param, bind, write_value};
use crate::bridges::aggregate::{self, Statements, Values, check_geohash};
use crate::error::JobError;
use crate::job::Summary;
use crate::job::{JobControl, RowSink};
use crate::json::{js_number, write_number_of_text};
use crate::limits;
use crate::options::{AggregateOptions, TimeUnit};
use crate::sql::{Aggregation, ColumnFacts, Columns, Dialect, Statement, parts_of_name};

/// Buckets of rows.
pub(super) fn aggregate(
    connection: &mut Connection,
    job: &JobControl,
    target: &str,
    options: &AggregateOptions,
    sink: &mut RowSink,
) -> Result<Summary, JobError> {
    check_geohash(options, false, false)?;
    // One read transaction, so that all statements see the same rows.
    let transaction = connection
        .transaction()
        .map_err(|error| failure(job, &error))?;
    // Every sort and every window may take as much memory as the page cache.
    transaction
        .execute_batch(&format!("PRAGMA cache_size = -{}", limits::SQLITE_SORT_KIB))
        .map_err(|error| failure(job, &error))?;
    let database = Database {
        connection: &transaction,
        job,
    };
    let target = parts_of_name(options.target.as_deref().unwrap_or(target))?;
    let mut joins = Vec::with_capacity(options.joins.len());
    let mut names = Vec::with_capacity(options.joins.len());
    for join in &options.joins {
        let parts = parts_of_name(&join.target)?;
        joins.push(quoted(&parts));
        names.push(database.columns(&parts)?);
    }
    let columns = Names {
        target: if joins.is_empty() {
            Vec::new()
        } else {
            database.columns(&target)?
        },
        joined: names,
    };
    let single_rows = options.measures.iter().any(|m| m.aggregate.is_of_one_row());
    let key = match target.last() {
        // A view has none.
        Some(table) if single_rows => Key::find(&transaction, job, table).ok(),
        _ => None,
    };
    let key: Vec<_> = key
        .iter()
        .flat_map(Key::parts)
        .map(|part| part.expression.clone())
        .collect();
    let aggregation = Aggregation {
        dialect: Dialect::Sqlite,
        options,
        from: &quoted(&target),
        joins: &joins,
        key: &key,
        columns: &columns,
        samples: false,
        percentile_of_doubles: false,
    };
    aggregate::answer(&aggregation, &mut { database }, sink)?;
    Ok(Summary::default())
}

fn quoted(parts: &[&str]) -> String {
    let parts: Vec<_> = parts
        .iter()
        .map(|part| Dialect::Sqlite.quote(part))
        .collect();
    parts.join(".")
}

/// Names of columns, of which SQLite says nothing else worth knowing.
struct Names {
    target: Vec<String>,
    joined: Vec<Vec<String>>,
}

impl Columns for Names {
    fn facts(&self, _: Option<usize>, _: &str) -> ColumnFacts {
        ColumnFacts::default()
    }

    fn owner(&self, column: &str) -> Option<usize> {
        let has = |names: &Vec<String>| names.iter().any(|name| name.eq_ignore_ascii_case(column));
        if has(&self.target) {
            return None;
        }
        self.joined.iter().position(has)
    }
}

struct Database<'a> {
    connection: &'a Connection,
    job: &'a JobControl,
}

impl Database<'_> {
    /// The names of a table's columns.
    fn columns(&self, table: &[&str]) -> Result<Vec<String>, JobError> {
        let mut names = Vec::new();
        let (sql, params) = match table {
            [.., schema, table] => (
                "SELECT name FROM pragma_table_xinfo(?1, ?2)",
                vec![Param::text(table), Param::text(schema)],
            ),
            [table] => (
                "SELECT name FROM pragma_table_xinfo(?1)",
                vec![Param::text(table)],
            ),
            [] => return Ok(names),
        };
        for_each_row(self.connection, self.job, sql, params, |row| {
            names.push(row.get(0).map_err(|error| failure(self.job, &error))?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(names)
    }
}

impl Statements for Database<'_> {
    fn rows(
        &mut self,
        statement: &Statement,
        each: &mut dyn FnMut(&dyn Values) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        log::trace!("{}", statement.sql);
        let params = statement
            .params
            .iter()
            .map(bind)
            .collect::<Result<_, _>>()?;
        for_each_row(self.connection, self.job, &statement.sql, params, |row| {
            each(&Bucket { row, job: self.job })?;
            Ok(ControlFlow::Continue(()))
        })
    }
}

struct Bucket<'a> {
    row: &'a Row<'a>,
    job: &'a JobControl,
}

impl Bucket<'_> {
    fn value(&self, column: usize) -> Result<ValueRef<'_>, JobError> {
        self.row
            .get_ref(column)
            .map_err(|error| failure(self.job, &error))
    }
}

impl Values for Bucket<'_> {
    fn write(&self, out: &mut String, column: usize) -> Result<(), JobError> {
        write_value(out, self.value(column)?);
        Ok(())
    }

    fn write_number(&self, out: &mut String, column: usize) -> Result<(), JobError> {
        match self.value(column)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                write_number_of_text(out, &String::from_utf8_lossy(bytes));
            }
            number_or_null => write_value(out, number_or_null),
        }
        Ok(())
    }

    fn write_time(&self, out: &mut String, column: usize, _: TimeUnit) -> Result<(), JobError> {
        // The label was made by the statement; NULL is what is no time.
        write_value(out, self.value(column)?);
        Ok(())
    }

    fn text(&self, column: usize) -> Result<String, JobError> {
        Ok(match self.value(column)? {
            ValueRef::Null => "null".to_owned(),
            ValueRef::Integer(whole) => whole.to_string(),
            ValueRef::Real(float) => js_number(float),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                String::from_utf8_lossy(bytes).into_owned()
            }
        })
    }

    fn whole(&self, column: usize) -> Result<u64, JobError> {
        let whole = self
            .row
            .get::<_, i64>(column)
            .map_err(|error| failure(self.job, &error))?;
        Ok(u64::try_from(whole).unwrap_or(0))
    }
}
