//! Paging by key: each page begins after the key on which the one before it ended. The whole key counts,
//! ascending; with only its first column (what the official bridges do) rows are lost where a page ends
//! inside a group.

use serde_json::Value;

use crate::error::JobError;
use crate::sql::{Builder, Dialect, Statement};

/// One column of a key, most significant first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPart {
    /// Ready SQL by which rows are sorted and compared, such as `t."id"`. It need not be the column itself:
    /// an enum may sort by its index and compare with text otherwise, so both must be said alike.
    pub expression: String,
    /// Ready SQL before and after the placeholder of the value compared with, such as `CAST(` and
    /// ` AS DATETIME(6))`.
    pub cast: (&'static str, String),
}

impl KeyPart {
    /// Nothing before and after the placeholder.
    pub const AS_IT_IS: (&'static str, String) = ("", String::new());
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
#[derive(Clone, Copy)]
pub struct Page<'a> {
    /// The language.
    pub dialect: &'a dyn Dialect,
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
    ///
    /// # Errors
    /// Those of [`Builder::finish`].
    pub fn statement(&self) -> Result<Statement, JobError> {
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

impl Builder<'_> {
    /// Appends the condition that a row's key comes after the given one. `a >= x AND (a > x OR b > y)` lets
    /// every database use an index on `(a, b)`; a row comparison or plain ORs do so only on some of them.
    fn after(&mut self, known: &[(&KeyPart, &Value)]) {
        match known {
            [] => {
                self.push("1 = 0");
            }
            // NULL sorts before everything else (few databases have NULL in keys).
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
            .push(&part.cast.1);
    }
}
