//! SQL engines: what a job's kinds come to is said here once, over what an engine's own folder provides. An engine
//! connects ([`Connector`]), and on a connection it has a [`Session`] for one job: it knows its [`Dialect`] and its
//! catalog. It can [`Select`]: it runs statements and hands over rows that write themselves.
//!
//! - `bridge`: a source of such an engine
//! - `any`: what selects, of whatever engine, so that the answers are compiled once
//! - `answer`: `read`, `query`, `batchRead`, `count`, `listTargets`, `introspectTarget`, `test`
//! - `aggregate`: `aggregate`

mod aggregate;
mod answer;
mod any;
mod bridge;
#[cfg(test)]
mod memory;

use std::any::Any;
use std::sync::Arc;

use crate::bridges::description::DescribedColumn;
use crate::bridges::pool::Connector;
use crate::error::JobError;
use crate::job::{Columns, JobControl, Package, Privileges, ServerFacts};
use crate::json::Text;
use crate::options::{AggregateOptions, Predicate, ReadOptions, Target, TimeUnit};
use crate::sql::{Bound, ColumnFacts, Dialect, KeyPart, Statement, Table};

pub(super) use bridge::SqlBridge;

/// The connection of an engine.
pub(super) type ConnectionOf<E> = <<E as SqlEngine>::Connector as Connector>::Connection;

/// One source's engine: what its configuration said, and what it remembers of its tables.
pub(super) trait SqlEngine: Send + Sync + 'static {
    /// Makes its connections.
    type Connector: Connector;

    /// A connection as one job has it.
    type Session<'s>: Select;

    /// Its facts.
    fn package(&self) -> &'static Package;

    /// Whether the source has geohash buckets of two columns, and of one.
    fn geohashes(&self) -> (bool, bool) {
        (false, false)
    }

    /// Runs the statements of one job, which can be stopped meanwhile. A connection whose answer was not read to
    /// its end must not be reusable afterwards.
    fn job<T>(
        &self,
        connection: &mut ConnectionOf<Self>,
        job: &Arc<JobControl>,
        work: impl FnOnce(&mut Self::Session<'_>) -> Result<T, JobError>,
    ) -> Result<T, JobError>;
}

/// Takes the rows of a statement.
pub(super) type Each<'a> = dyn FnMut(&dyn Row) -> Result<(), JobError> + 'a;

/// A connection during one job: what is asked on it but for rows.
pub(super) trait Session {
    /// The language. It may know the columns of what was asked for last.
    fn dialect(&self) -> &dyn Dialect;

    /// The columns of a target, for deciding which of them a job may name.
    fn columns(&mut self, target: &Target) -> Result<Columns, JobError>;

    /// Makes ready for a filter on a target: some languages must know the columns it names.
    fn prepare_filter(&mut self, _target: &Target, _filter: &Predicate) -> Result<(), JobError> {
        Ok(())
    }

    /// Ready SQL of a target's own key; nothing without one.
    fn key(&mut self, target: &Target) -> Result<Vec<String>, JobError>;

    /// What an aggregate must know of a table.
    fn table(&mut self, target: &Target, needs: Needs) -> Result<Table, JobError> {
        let columns = match needs.columns {
            true => Some(self.columns(target)?),
            false => None,
        };
        let names = columns.map(|columns| match columns {
            Columns::Known(columns) => columns.into_iter().map(|column| column.name).collect(),
            Columns::NoSuchTarget | Columns::Schemaless { .. } => Vec::new(),
        });
        let plain = |names: Vec<String>| {
            let names = names.into_iter();
            names.map(|name| (name, ColumnFacts::default())).collect()
        };
        Ok(Table {
            name: self.dialect().target(target),
            columns: names.map(plain),
            others: ColumnFacts::default(),
            key: match needs.key {
                true => self.key(target)?,
                false => Vec::new(),
            },
        })
    }

    /// After the next rows the number that this statement answers with is most likely asked for.
    fn announce(&mut self, _statement: &dyn Fn(&dyn Dialect) -> Result<Statement, JobError>) {}

    /// Runs a statement that answers with one number.
    fn number(&mut self, statement: &Statement) -> Result<u64, JobError>;

    /// Forgets what was remembered of a target on which a statement failed: it may have been changed.
    fn forget(&mut self, _target: &Target) {}

    /// From now on statements see the same rows.
    fn begin_snapshot(&mut self) -> Result<(), JobError> {
        Ok(())
    }

    /// Ends what [`Session::begin_snapshot`] began.
    fn end_snapshot(&mut self) -> Result<(), JobError> {
        Ok(())
    }

    /// The names of the targets that the bridge lists.
    fn targets(
        &mut self,
        each: &mut dyn FnMut(&str) -> Result<(), JobError>,
    ) -> Result<(), JobError>;

    /// The columns of a target in their order.
    fn describe(
        &mut self,
        target: &Target,
        each: &mut dyn FnMut(&DescribedColumn<'_>),
    ) -> Result<(), JobError>;

    /// What the server says about itself.
    fn server(&mut self) -> Result<ServerFacts, JobError>;

    /// What the role may do beyond reading.
    fn privileges(&mut self) -> Result<Privileges, JobError>;
}

/// A session that selects rows. What is selected it says itself, in a list of a type of its own.
pub(super) trait Select: Session {
    /// What a statement selects, and how its rows are to be written.
    type List: SelectList;

    /// These columns of a target, or all of them.
    fn list(&mut self, target: &Target, names: Option<&[String]>) -> Result<Self::List, JobError>;

    /// How a target is walked from the cursor on; without any key it cannot be.
    fn walk(
        &mut self,
        target: &Target,
        options: &ReadOptions,
    ) -> Result<Walk<Self::List>, JobError>;

    /// The statement of a page of a walk, where it is not that of [`crate::sql::Page`].
    fn page(
        &self,
        _from: &str,
        _list: &Self::List,
        _fetch: u64,
    ) -> Result<Option<Statement>, JobError> {
        Ok(None)
    }

    /// The rows that the total of a walk counts: mostly all of them.
    fn counted(&self, _list: &Self::List) -> Predicate {
        Predicate::always()
    }

    /// Makes ready for an aggregate; the list of its statements, whose rows are read value by value.
    fn prepare_aggregate(&mut self, options: &AggregateOptions) -> Result<Self::List, JobError>;

    /// Runs a statement and hands over its rows one by one, as the database sends them.
    fn rows(
        &mut self,
        statement: &Statement,
        list: &Self::List,
        each: &mut Each<'_>,
    ) -> Result<(), JobError>;

    /// True when this filter lets one row through at most.
    fn is_pinned(&self, _list: &Self::List, _filter: &Predicate) -> bool {
        false
    }

    /// As `rows`, for a statement that looks up one row by its whole key.
    fn one_row(
        &mut self,
        statement: &Statement,
        list: &Self::List,
        each: &mut Each<'_>,
    ) -> Result<(), JobError> {
        self.rows(statement, list, each)
    }
}

/// What a statement selects.
pub(super) trait SelectList: Any {
    /// The SQL.
    fn sql(&self) -> &str;
}

/// The way of a `read` through a target.
pub(super) struct Walk<L> {
    /// What is selected, the key included; rows show what was asked for.
    pub list: L,
    /// The key, most significant first.
    pub key: Vec<KeyPart>,
    /// Where the page before ended; see [`after`](crate::sql::Page::after).
    pub after: Vec<serde_json::Value>,
    /// What `changedSince` comes to; nothing when there is no such column.
    pub since: Vec<Bound>,
}

/// What an aggregate must know of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needs {
    /// Its columns, because a filter may name one of another table.
    pub columns: bool,
    /// Its key, by which `first` and `last` decide between equals.
    pub key: bool,
    /// It is joined, and rows without a match have NULL in its columns.
    pub joined: bool,
}

/// A row of a statement.
pub(super) trait Row: Values {
    /// Appends it as a JSON object.
    fn write_row(&self, out: &mut Text) -> Result<(), JobError>;

    /// The cursor that stands for it in a walk.
    fn cursor(&self) -> Result<String, JobError>;
}

/// The values of a row, as aggregates show them.
pub(super) trait Values {
    /// Appends the value as rows show it.
    fn write(&self, out: &mut Text, column: usize) -> Result<(), JobError>;

    /// Appends the value as JavaScript's `Number(x)` has it; `null` for NULL and what is not finite.
    fn write_number(&self, out: &mut Text, column: usize) -> Result<(), JobError>;

    /// Appends the label of a time bucket. Mostly the statement has made it; NULL is what is no time.
    fn write_time(&self, out: &mut Text, column: usize, _unit: TimeUnit) -> Result<(), JobError> {
        self.write(out, column)
    }

    /// The value as JavaScript's `String(x)` has it.
    fn text(&self, column: usize) -> Result<String, JobError>;

    /// A number of rows, or a rank.
    fn whole(&self, column: usize) -> Result<u64, JobError>;
}
