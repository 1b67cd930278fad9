//! What SQLite is wherever it runs, in this process or behind a service: its language, its catalog, its keys, and
//! values that have a storage class each. What speaks it is a [`Database`]; [`LiteSession`] answers jobs on one.
//!
//! - `dialect`: the language; `catalog`, `key`, `since`: what must be known of a table
//! - `value`: values in and out; `literal`: those that cannot be bound; `row`: rows as JSON
//! - `session`: statements of a job

// Until they are bridges of every build.
#![cfg_attr(not(feature = "turso"), allow(dead_code, unused_imports))]

mod catalog;
mod dialect;
mod key;
mod literal;
mod row;
mod session;
mod since;
mod value;

use std::ops::ControlFlow;

use crate::error::JobError;
use crate::job::{Privileges, ServerFacts};
use crate::options::Target;
use crate::sql::{Dialect, Statement};

pub(super) use catalog::{Known, columns};
pub(super) use dialect::{SQLITE, SqliteDialect};
pub(super) use key::{Key, unhex};
pub(super) use literal::spelled_out;
pub(super) use row::{Cells, Layout, Record};
pub(super) use session::LiteSession;
pub(super) use value::{MAX_EXACT, Value, bind, write_value};

/// A database of SQLite's language, as one job has it.
pub(super) trait Database {
    /// The language.
    fn dialect(&self) -> &'static dyn Dialect {
        &SQLITE
    }

    /// What is remembered of its tables, where asking takes a while.
    fn known(&self) -> Option<&Known> {
        None
    }

    /// What the names of its own tables begin with, which are not listed.
    fn own_prefixes(&self) -> &'static [&'static str] {
        &["sqlite_"]
    }

    /// False where numbers may come rounded, or where infinities do not come.
    fn tells_numbers(&self) -> bool {
        true
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
    fn announce(&mut self, _statement: &dyn Fn(&dyn Dialect) -> Statement) {}

    /// A select list of these columns of a target, or of all of them, and of a key.
    fn select(
        &mut self,
        _target: &Target,
        names: Option<&[String]>,
        key: Option<&Key>,
    ) -> Result<Selected, JobError> {
        let mut sql = self.dialect().select_list(names);
        if let Some(key) = key {
            sql.push_str(", ");
            sql.push_str(&key.select_list());
        }
        let hidden = key.map_or(0, Key::width);
        Ok(Selected {
            sql,
            hidden,
            places: (1..=hidden).rev().collect(),
        })
    }

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

/// A select list.
#[derive(Default)]
pub(super) struct Selected {
    /// The list.
    pub sql: String,
    /// Columns at its end that are not shown.
    pub hidden: usize,
    /// Where the columns of the key are, counted from its end.
    pub places: Vec<usize>,
}

/// Takes the rows of a statement, until it has enough of them.
pub(super) type EachCells<'a> = dyn FnMut(&dyn Cells) -> Result<ControlFlow<()>, JobError> + 'a;
