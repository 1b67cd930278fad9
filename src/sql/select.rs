//! Statements of `query`, `batchRead` and `count`.

use crate::options::{Order, Predicate, QueryOptions};
use crate::sql::{Builder, Dialect, Statement, TABLE_ALIAS};

/// Rows of one table by filter, order and window.
#[derive(Debug, Clone, Copy)]
pub struct Selection<'a> {
    /// The language.
    pub dialect: Dialect,
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
    pub fn of(dialect: Dialect, select: &'a str, from: &'a str, options: &'a QueryOptions) -> Self {
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
    pub fn statement(&self) -> Statement {
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
pub fn count(dialect: Dialect, from: &str, filter: &Predicate) -> Statement {
    let mut builder = Builder::new(dialect);
    builder.push("SELECT COUNT(*)").from(from).filter(filter);
    builder.finish()
}

impl Builder {
    /// Appends ` FROM … AS t`.
    pub fn from(&mut self, table: &str) -> &mut Self {
        self.push(" FROM ")
            .push(table)
            .push(" AS ")
            .push(TABLE_ALIAS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parameters_are_numbered_in_their_order() {
        let filter = Predicate::In {
            column: "id".to_owned(),
            values: vec![json!(1)],
            negated: false,
        };
        let order = [
            Order {
                column: "id".to_owned(),
                descending: true,
            },
            Order {
                column: "n".to_owned(),
                descending: false,
            },
        ];
        let selection = Selection {
            dialect: Dialect::Postgres,
            select: "t.\"id\", t.\"x\"::text AS \"x\"",
            from: "\"public\".\"people\"",
            filter: &filter,
            order: &order,
            limit: Some(2),
            offset: Some(4),
        };
        let statement = selection.statement();
        assert_eq!(
            statement.sql,
            "SELECT t.\"id\", t.\"x\"::text AS \"x\" FROM \"public\".\"people\" AS t \
             WHERE t.\"id\" = ANY($1) ORDER BY t.\"id\" DESC, t.\"n\" ASC LIMIT $2 OFFSET $3"
        );
        assert_eq!(statement.params, [json!([1]), json!(2), json!(4)]);
        assert_eq!(
            count(Dialect::MySql, "`people`", &filter).sql,
            "SELECT COUNT(*) FROM `people` AS t WHERE t.`id` IN (?)"
        );
    }
}
