//! The language of SQLite.

use crate::options::{Aggregate, TimeUnit};
use crate::sql::{Builder, ColumnFacts, Dialect};

/// The language.
pub struct SqliteDialect {
    /// Its time formats have the weeks of ISO 8601 and their years, as since version 3.46.
    pub weeks: bool,
}

/// The language of this process's own SQLite.
pub static SQLITE: SqliteDialect = SqliteDialect { weeks: true };

impl Dialect for SqliteDialect {
    fn no_limit(&self) -> &'static str {
        " LIMIT -1"
    }

    fn time_bucket(&self, unit: TimeUnit, column: &str, _: ColumnFacts) -> String {
        let format = match unit {
            TimeUnit::Minute => "%Y-%m-%dT%H:%M",
            TimeUnit::Hour => "%Y-%m-%dT%H",
            TimeUnit::Day => "%Y-%m-%d",
            TimeUnit::Week if self.weeks => "%G-W%V",
            // A week is of the year that has its Thursday.
            TimeUnit::Week => {
                let thursday = format!("date({column}, '-3 days', 'weekday 4')");
                return format!(
                    "strftime('%Y-W', {thursday}) || \
                     substr('0' || ((strftime('%j', {thursday}) + 6) / 7), -2)"
                );
            }
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

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;

    #[test]
    fn weeks_that_are_computed_are_those_of_iso_8601() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let week = |dialect: &SqliteDialect| {
            dialect.time_bucket(TimeUnit::Week, "day", ColumnFacts::default())
        };
        let old = SqliteDialect { weeks: false };
        let sql = format!(
            "WITH RECURSIVE days(day) AS (SELECT '1995-12-20' \
             UNION ALL SELECT date(day, '+1 day') FROM days WHERE day < '2030-01-10') \
             SELECT count(*), count(CASE WHEN {} = {} THEN 1 END), \
             (SELECT {} FROM (SELECT 'no day' AS day)) IS NULL FROM days",
            week(&SQLITE),
            week(&old),
            week(&old),
        );
        let found = connection.query_row(&sql, [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get(2)?))
        });
        assert_eq!(found.unwrap(), (12441, 12441, true));
    }
}
