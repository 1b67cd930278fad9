//! Statements of `query`, `batchRead` and `count`.

use crate::error::JobError;
use crate::options::{Order, Predicate, QueryOptions};
use crate::sql::{Builder, Dialect, Statement, TABLE_ALIAS};

/// Rows of one table by filter, order and window.
#[derive(Clone, Copy)]
pub struct Selection<'a> {
    /// The language.
    pub dialect: &'a dyn Dialect,
    /// Ready select list; columns are qualified with [`TABLE_ALIAS`].
    pub select: &'a str,
    /// The table, quoted and perhaps with its schema, without an alias.
    pub from: &'a str,
    /// The filter.
    pub filter: &'a Predicate,
    /// The order, most significant first.
    pub order: &'a [Order],
    /// Most rows to return.
    pub limit: Option<u64>,
    /// Rows to skip.
    pub offset: Option<u64>,
}

impl<'a> Selection<'a> {
    /// What a `query` or a `batchRead` asks for.
    pub fn of(
        dialect: &'a dyn Dialect,
        select: &'a str,
        from: &'a str,
        options: &'a QueryOptions,
    ) -> Self {
        Self {
            dialect,
            select,
            from,
            filter: &options.filter,
            order: &options.order,
            limit: options.limit,
            offset: options.offset,
        }
    }

    /// The statement that yields the rows.
    ///
    /// # Errors
    /// Those of [`Builder::finish`].
    pub fn statement(&self) -> Result<Statement, JobError> {
        let mut builder = Builder::new(self.dialect);
        builder
            .push("SELECT ")
            .push(self.select)
            .from(self.from)
            .filter(self.filter)
            .order(self.order)
            .window(self.limit, self.offset);
        builder.finish()
    }
}

/// The statement that counts the rows of a table a filter lets through.
///
/// # Errors
/// Those of [`Builder::finish`].
pub fn count(dialect: &dyn Dialect, from: &str, filter: &Predicate) -> Result<Statement, JobError> {
    let mut builder = Builder::new(dialect);
    builder.push("SELECT COUNT(*)").from(from).filter(filter);
    builder.finish()
}

impl Builder<'_> {
    /// Appends ` FROM … AS t`.
    pub fn from(&mut self, table: &str) -> &mut Self {
        self.push(" FROM ")
            .push(table)
            .push(" AS ")
            .push(TABLE_ALIAS)
    }
}
