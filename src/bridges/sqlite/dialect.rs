//! The language of SQLite.

use crate::options::{Aggregate, TimeUnit};
use crate::sql::{Builder, ColumnFacts, Dialect};

/// The language.
pub struct SqliteDialect;

/// The one that there is.
pub static SQLITE: SqliteDialect = SqliteDialect;

impl Dialect for SqliteDialect {
    fn no_limit(&self) -> &'static str {
        " LIMIT -1"
    }

    fn time_bucket(&self, unit: TimeUnit, column: &str, _: ColumnFacts) -> String {
        let format = match unit {
            TimeUnit::Minute => "%Y-%m-%dT%H:%M",
            TimeUnit::Hour => "%Y-%m-%dT%H",
            TimeUnit::Day => "%Y-%m-%d",
            TimeUnit::Week => "%G-W%V",
            TimeUnit::Month => "%Y-%m",
            TimeUnit::Quarter => {
                return format!(
                    "strftime('%Y-Q', {column}) || ((strftime('%m', {column}) + 2) / 3)"
                );
            }
            TimeUnit::Year => "%Y",
        };
        format!("strftime('{format}', {column})")
    }

    /// SQLite is mostly built without FLOOR. Beyond 2^52 every double is whole.
    fn step(&self, builder: &mut Builder<'_>, column: &str, step: f64) {
        let mut part = |before: &str, after: &str| {
            builder
                .push(before)
                .push(&format!("(CAST({column} AS REAL) / "))
                .bind(step.into())
                .push(")")
                .push(after);
        };
        part("(CASE WHEN ABS", " < 4503599627370496 THEN ");
        part("CAST(", " AS INTEGER) - (");
        part("", " < ");
        part("CAST(", " AS INTEGER)) ELSE ");
        part("", " END) * ");
        builder.bind(step.into());
    }

    fn measured(&self, column: String, aggregate: &Aggregate) -> String {
        match aggregate {
            Aggregate::Percentile { .. } => format!("CAST({column} AS REAL)"),
            _ => column,
        }
    }

    fn floor(&self) -> (&'static str, &'static str) {
        ("CAST(", " AS INTEGER)")
    }
}
