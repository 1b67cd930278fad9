//! What SQLite is wherever it runs, in this process or behind a service: its language, its catalog, its keys, and
//! values that have a storage class each. What speaks it is a [`Database`]; [`LiteSession`] answers jobs on one.
//!
//! - `dialect`: the language; `narrow`: the same within the limits of a service
//! - `catalog`, `key`, `since`: what must be known of a table
//! - `value`: values in and out; `storage`: with their storage class; `literal`: those that cannot be bound; `row`: rows as JSON
//! - `select`: what a statement selects; `session`: statements of a job
//! - `remote`: all of that behind a service

mod catalog;
mod dialect;
mod key;
mod literal;
mod narrow;
#[cfg(any(feature = "turso", feature = "d1"))]
mod remote;
mod row;
mod select;
mod session;
mod since;
mod storage;
mod value;

use std::ops::ControlFlow;

use crate::error::JobError;
use crate::job::{Privileges, ServerFacts};
use crate::sql::{Dialect, Statement};

pub(super) use dialect::{SQLITE, SqliteDialect};
pub(super) use literal::composed;
pub(super) use narrow::NarrowDialect;
#[cfg(any(feature = "turso", feature = "d1"))]
pub(super) use remote::{Asking, EachRow, Remote, names, open_remote};
pub(super) use row::Cells;
pub(super) use session::LiteSession;
pub(super) use value::{Value, is_exact, write_value};

/// What the names of SQLite's own tables begin with, and those of the functions that can be asked like tables: they tell
/// the names of all tables and columns, and where the file is.
pub(super) const SYSTEM: &[&str] = &["sqlite_", "pragma_", "dbstat"];

/// A database of SQLite's language, as one job has it.
pub(super) trait Database {
    /// The language.
    fn dialect(&self) -> &'static dyn Dialect {
        &SQLITE
    }

    /// What the names of its own tables begin with, which are not listed.
    fn own_prefixes(&self) -> &'static [&'static str] {
        &["sqlite_"]
    }

    /// False where numbers may come rounded, or where infinities do not come. Values of keys are then asked for so
    /// that they come exactly.
    fn tells_numbers(&self) -> bool {
        true
    }

    /// True where integers come rounded. All columns of a target are then asked for so that they come exactly.
    fn rounds(&self) -> bool {
        false
    }

    /// Runs a statement and hands over its rows, as they come, until there are no more, or `each` has enough.
    fn query(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut EachCells<'_>,
    ) -> Result<(), JobError>;

    /// As `query`, for a short answer: what the catalog says, a number of rows.
    fn lookup(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut EachCells<'_>,
    ) -> Result<(), JobError> {
        self.query(sql, params, each)
    }

    /// As `lookup`, about tables themselves.
    fn ask_catalog(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut EachCells<'_>,
    ) -> Result<(), JobError> {
        self.lookup(sql, params, each)
    }

    /// The next statement is most likely followed by this one.
    fn announce(&mut self, _statement: &dyn Fn(&dyn Dialect) -> Result<Statement, JobError>) {}

    /// Makes ready for statements that sort.
    fn prepare_sort(&mut self) -> Result<(), JobError> {
        Ok(())
    }

    /// From now on statements see the same rows.
    fn begin_snapshot(&mut self) -> Result<(), JobError> {
        Ok(())
    }

    /// What the server says about itself.
    fn server(&mut self) -> Result<ServerFacts, JobError>;

    /// What may be done with it beyond reading.
    fn privileges(&mut self) -> Result<Privileges, JobError>;
}

/// Takes the rows of a statement, until it has enough of them.
pub(super) type EachCells<'a> = dyn FnMut(&dyn Cells) -> Result<ControlFlow<()>, JobError> + 'a;
