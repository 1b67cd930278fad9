//! A statement in the making: text and bound values grow side by side.

use std::collections::HashMap;

use serde_json::Value;

use crate::error::JobError;
use crate::limits;
use crate::options::Order;
use crate::sql::{Dialect, Parameter};

/// One statement, ready to send. Values stay JSON; each bridge converts them.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Text with the dialect's placeholders.
    pub sql: String,
    /// One value a placeholder, in order. Some dialects have the whole list of an `$in` as one value, an array.
    pub params: Vec<Value>,
}

/// Writes a [`Statement`].
pub struct Builder<'a> {
    pub(crate) dialect: &'a dyn Dialect,
    sql: String,
    params: Vec<Value>,
    /// Columns that are not the target's own, with the alias of the table they are of.
    elsewhere: HashMap<String, String>,
    /// Columns are those of a statement inside of this one.
    computed: bool,
    /// Its text would be longer than [`limits::STATEMENT_BYTES`]: nothing is added any more.
    overlong: bool,
}

impl<'a> Builder<'a> {
    /// An empty statement.
    pub fn new(dialect: &'a dyn Dialect) -> Self {
        Self {
            dialect,
            sql: String::with_capacity(256),
            params: Vec::new(),
            elsewhere: HashMap::new(),
            computed: false,
            overlong: false,
        }
    }

    /// From now on these columns are meant to be of other tables, until called again.
    pub(crate) fn columns_elsewhere(&mut self, columns: HashMap<String, String>) -> &mut Self {
        self.elsewhere = columns;
        self
    }

    /// From now on columns are those that a statement inside of this one has made.
    pub(crate) fn columns_computed(&mut self) -> &mut Self {
        self.computed = true;
        self
    }

    /// True when columns are those of tables.
    pub fn has_table_columns(&self) -> bool {
        !self.computed
    }

    /// Appends ready SQL.
    pub fn push(&mut self, sql: &str) -> &mut Self {
        if self.has_room(sql.len()) {
            self.sql.push_str(sql);
        }
        self
    }

    fn has_room(&mut self, bytes: usize) -> bool {
        self.overlong |= self.sql.len().saturating_add(bytes) > limits::STATEMENT_BYTES;
        !self.overlong
    }

    /// Appends a column of the statement's own table.
    pub fn column(&mut self, name: &str) -> &mut Self {
        if !self.has_room(name.len()) {
            return self;
        }
        match self.elsewhere.get(name) {
            Some(alias) => {
                self.sql.push_str(alias);
                self.sql.push('.');
                self.dialect.write_quoted(name, &mut self.sql);
            }
            None => self.dialect.write_column(name, &mut self.sql),
        }
        self
    }

    /// Binds a value and appends its placeholder.
    pub fn bind(&mut self, value: Value) -> &mut Self {
        self.bind_value(None, value)
    }

    /// Binds a value of a type.
    pub fn bind_as(&mut self, kind: &str, value: Value) -> &mut Self {
        self.bind_value(Some(kind), value)
    }

    fn bind_value(&mut self, kind: Option<&str>, value: Value) -> &mut Self {
        if !self.has_room(0) {
            return self;
        }
        let parameter = Parameter {
            number: self.params.len() + 1,
            value: &value,
            kind,
        };
        self.dialect.placeholder(parameter, &mut self.sql);
        self.params.push(value);
        self
    }

    /// Appends `ORDER BY …`, or nothing.
    pub fn order(&mut self, order: &[Order]) -> &mut Self {
        for (i, clause) in order.iter().enumerate() {
            self.push(if i == 0 { " ORDER BY " } else { ", " })
                .column(&clause.column)
                .push(if clause.descending { " DESC" } else { " ASC" });
        }
        self
    }

    /// Appends `LIMIT …` and `OFFSET …`, each only where asked for.
    pub fn window(&mut self, limit: Option<u64>, offset: Option<u64>) -> &mut Self {
        match (limit, offset) {
            (Some(limit), _) => {
                self.push(" LIMIT ").bind(limit.into());
            }
            (None, Some(_)) => {
                self.push(self.dialect.no_limit());
            }
            (None, None) => {}
        }
        if let Some(offset) = offset {
            self.push(" OFFSET ").bind(offset.into());
        }
        self
    }

    /// The finished statement.
    ///
    /// # Errors
    /// `INVALID_OPTIONS` when its text would be longer than [`limits::STATEMENT_BYTES`].
    pub fn finish(self) -> Result<Statement, JobError> {
        if self.overlong {
            return Err(overlong(limits::STATEMENT_BYTES));
        }
        Ok(Statement {
            sql: self.sql,
            params: self.params,
        })
    }
}

/// The error of a statement that would be longer than so many bytes.
pub fn overlong(most: usize) -> JobError {
    let problem = format_args!("make a statement of more than {most} bytes");
    JobError::invalid_options("options", problem)
}
