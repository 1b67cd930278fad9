//! Paging by key: each page begins after the key on which the one before it ended. The whole key counts,
//! ascending; with only its first column (what the official bridges do) rows are lost where a page ends
//! inside a group.

use serde_json::Value;

use crate::sql::{Builder, Dialect, Statement};

/// One column of a key, most significant first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPart {
    /// Ready SQL by which rows are sorted and compared, such as `t."id"`. It need not be the column itself:
    /// a MySQL enum sorts by its index and compares with text otherwise, so both must be said alike.
    pub expression: String,
    /// Ready SQL before and after the placeholder of the value compared with, such as `CAST(` and
    /// ` AS DATETIME(6))`.
    pub cast: (&'static str, &'static str),
}

/// A condition on one value: ready SQL, the placeholder, ready SQL.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// SQL before the placeholder, such as `t."updated_at" > `.
    pub before: String,
    /// The value.
    pub value: Value,
    /// SQL after it.
    pub after: String,
}

/// A page of `read`.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// The language.
    pub dialect: Dialect,
    /// Ready select list.
    pub select: &'a str,
    /// The table, quoted and perhaps with its schema, without an alias.
    pub from: &'a str,
    /// The key.
    pub key: &'a [KeyPart],
    /// The key's values on which the page before ended; null for a NULL. Shorter than the key when only its
    /// first columns are known: the page then begins after all rows that share them. Empty for the first page.
    pub after: &'a [Value],
    /// What `changedSince` comes to; all of it must hold.
    pub since: &'a [Bound],
    /// Rows to fetch: one more than are shown tells whether there is another page.
    pub fetch: u64,
}

impl Page<'_> {
    /// The statement that yields the rows.
    pub fn statement(&self) -> Statement {
        let mut builder = Builder::new(self.dialect);
        builder.push("SELECT ").push(self.select).from(self.from);
        let mut glue = " WHERE ";
        let known: Vec<_> = self.key.iter().zip(self.after).collect();
        if !known.is_empty() {
            builder.push(glue).after(&known);
            glue = " AND ";
        }
        for bound in self.since {
            builder
                .push(glue)
                .push(&bound.before)
                .bind(bound.value.clone())
                .push(&bound.after);
            glue = " AND ";
        }
        for (i, part) in self.key.iter().enumerate() {
            builder
                .push(if i == 0 { " ORDER BY " } else { ", " })
                .push(&part.expression)
                .push(" ASC");
        }
        builder.window(Some(self.fetch), None);
        builder.finish()
    }
}

impl Builder {
    /// Appends the condition that a row's key comes after the given one. `a >= x AND (a > x OR b > y)` lets
    /// every database use an index on `(a, b)`; a row comparison or plain ORs do so only on some of them.
    fn after(&mut self, known: &[(&KeyPart, &Value)]) {
        match known {
            [] => {
                self.push("1 = 0");
            }
            // NULL sorts before everything else (only SQLite has NULL in keys).
            [(part, Value::Null)] => {
                self.push(&part.expression).push(" IS NOT NULL");
            }
            [(part, Value::Null), rest @ ..] => {
                self.push("(")
                    .push(&part.expression)
                    .push(" IS NOT NULL OR ")
                    .after(rest);
                self.push(")");
            }
            [(part, value)] => self.key_comparison(part, " > ", value),
            [(part, value), rest @ ..] => {
                self.push("(").key_comparison(part, " >= ", value);
                self.push(" AND (").key_comparison(part, " > ", value);
                self.push(" OR ").after(rest);
                self.push("))");
            }
        }
    }

    fn key_comparison(&mut self, part: &KeyPart, comparison: &str, value: &Value) {
        self.push(&part.expression)
            .push(comparison)
            .push(part.cast.0)
            .bind(value.clone())
            .push(part.cast.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn page(dialect: Dialect, keys: &[&str], after: &[Value], since: &[Bound]) -> Statement {
        let key: Vec<_> = keys
            .iter()
            .map(|name| KeyPart {
                expression: dialect.column(name),
                cast: ("", ""),
            })
            .collect();
        Page {
            dialect,
            select: "*",
            from: "x",
            key: &key,
            after,
            since,
            fetch: 3,
        }
        .statement()
    }

    #[test]
    fn the_first_page_has_no_condition() {
        let statement = page(Dialect::Postgres, &["a", "b"], &[], &[]);
        assert_eq!(
            statement.sql,
            "SELECT * FROM x AS t ORDER BY t.\"a\" ASC, t.\"b\" ASC LIMIT $1"
        );
        assert_eq!(statement.params, [json!(3)]);
    }

    #[test]
    fn later_pages_begin_after_the_whole_key() {
        let since = Bound {
            before: "t.`u` > ".to_owned(),
            value: json!("soon"),
            after: String::new(),
        };
        let statement = page(
            Dialect::MySql,
            &["a", "b", "c"],
            &[json!(1), json!(2), json!(3)],
            &[since],
        );
        assert_eq!(
            statement.sql,
            "SELECT * FROM x AS t WHERE (t.`a` >= ? AND (t.`a` > ? OR (t.`b` >= ? AND \
             (t.`b` > ? OR t.`c` > ?)))) AND t.`u` > CONCAT(?) \
             ORDER BY t.`a` ASC, t.`b` ASC, t.`c` ASC LIMIT ?"
        );
        let params = json!([1, 1, 2, 2, 3, "soon", 3]);
        assert_eq!(Value::Array(statement.params), params);
    }

    #[test]
    fn a_shorter_position_skips_the_whole_group() {
        let statement = page(Dialect::Postgres, &["a", "b"], &[json!("3")], &[]);
        assert!(statement.sql.contains("WHERE t.\"a\" > $1 ORDER BY"));
    }

    #[test]
    fn null_comes_first() {
        let statement = page(Dialect::Sqlite, &["a", "b"], &[Value::Null, json!(4)], &[]);
        assert!(
            statement
                .sql
                .contains("WHERE (t.\"a\" IS NOT NULL OR t.\"b\" > ?) ORDER")
        );
        let statement = page(Dialect::Sqlite, &["a", "b"], &[json!(4), Value::Null], &[]);
        assert!(
            statement
                .sql
                .contains("(t.\"a\" >= ? AND (t.\"a\" > ? OR t.\"b\" IS NOT NULL))")
        );
    }

    #[test]
    fn a_value_may_be_cast() {
        let key = [KeyPart {
            expression: "t.\"a\"".to_owned(),
            cast: ("(", "::text)::timestamptz"),
        }];
        let page = Page {
            dialect: Dialect::Postgres,
            select: "1",
            from: "x",
            key: &key,
            after: &[json!("2025-01-01")],
            since: &[],
            fetch: 1,
        };
        assert_eq!(
            page.statement().sql,
            "SELECT 1 FROM x AS t WHERE t.\"a\" > ($1::text)::timestamptz ORDER BY t.\"a\" ASC LIMIT $2"
        );
    }
}
