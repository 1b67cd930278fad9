//! A statement in the making: text and bound values grow side by side.

use std::collections::HashMap;

use serde_json::Value;

use crate::options::Order;
use crate::sql::Dialect;
use crate::sql::literal::text_placeholder;

/// One statement, ready to send. Values stay JSON; each bridge converts them.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Text with placeholders (`$1` or `?`).
    pub sql: String,
    /// One value a placeholder, in order. On PostgreSQL the whole list of an `$in` is one value, an array.
    pub params: Vec<Value>,
}

/// Writes a [`Statement`].
#[derive(Debug)]
pub struct Builder {
    pub(crate) dialect: Dialect,
    sql: String,
    params: Vec<Value>,
    /// Columns that are not the target's own, with the alias of the table they are of.
    elsewhere: HashMap<String, String>,
}

impl Builder {
    /// An empty statement.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            sql: String::with_capacity(256),
            params: Vec::new(),
            elsewhere: HashMap::new(),
        }
    }

    /// From now on these columns are meant to be of other tables, until called again.
    pub(crate) fn columns_elsewhere(&mut self, columns: HashMap<String, String>) -> &mut Self {
        self.elsewhere = columns;
        self
    }

    /// Appends ready SQL.
    pub fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Appends a column of the statement's own table.
    pub fn column(&mut self, name: &str) -> &mut Self {
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
        match (self.dialect, &value) {
            (Dialect::Postgres, _) => {
                self.sql.push('$');
                self.sql
                    .push_str(itoa::Buffer::new().format(self.params.len() + 1));
            }
            (Dialect::MySql, Value::String(text)) => self.sql.push_str(text_placeholder(text)),
            (Dialect::MySql | Dialect::Sqlite, _) => self.sql.push('?'),
        }
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
        match (limit, offset, self.dialect) {
            (Some(limit), _, _) => {
                self.push(" LIMIT ").bind(limit.into());
            }
            // Neither grammar has OFFSET alone; these limits are their ways to say "none".
            (None, Some(_), Dialect::MySql) => {
                self.push(" LIMIT 18446744073709551615");
            }
            (None, Some(_), Dialect::Sqlite) => {
                self.push(" LIMIT -1");
            }
            (None, ..) => {}
        }
        if let Some(offset) = offset {
            self.push(" OFFSET ").bind(offset.into());
        }
        self
    }

    /// The finished statement.
    pub fn finish(self) -> Statement {
        Statement {
            sql: self.sql,
            params: self.params,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_stays_text_on_mysql() {
        let mut builder = Builder::new(Dialect::MySql);
        builder.bind(json!("a")).bind(json!("1")).bind(json!(1));
        assert_eq!(builder.finish().sql, "CONCAT(?)?/*text*/?");
    }

    #[test]
    fn windows_follow_the_dialect() {
        let window = |dialect, limit, offset| {
            let mut builder = Builder::new(dialect);
            builder.window(limit, offset);
            builder.finish()
        };
        let statement = window(Dialect::Postgres, Some(5), Some(10));
        assert_eq!(statement.sql, " LIMIT $1 OFFSET $2");
        assert_eq!(statement.params, [json!(5), json!(10)]);
        assert_eq!(window(Dialect::Postgres, None, Some(1)).sql, " OFFSET $1");
        assert_eq!(
            window(Dialect::Sqlite, None, Some(1)).sql,
            " LIMIT -1 OFFSET ?"
        );
        assert_eq!(window(Dialect::MySql, None, None).sql, "");
    }
}
