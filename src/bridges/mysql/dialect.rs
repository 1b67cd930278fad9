//! The language of MySQL and MariaDB.

use serde_json::Value;

use super::literal::text_placeholder;
use crate::json::js_number;
use crate::options::{Aggregate, Pattern, TimeUnit};
use crate::sql::{Builder, ColumnFacts, Dialect, Parameter, like_text};

/// The language.
pub struct MySqlDialect;

/// The one that there is.
pub static MYSQL: MySqlDialect = MySqlDialect;

impl Dialect for MySqlDialect {
    fn quote_mark(&self) -> char {
        '`'
    }

    fn placeholder(&self, parameter: Parameter<'_>, out: &mut String) {
        out.push_str(match parameter.value {
            Value::String(text) => text_placeholder(text),
            _ => "?",
        });
    }

    /// A backslash in a literal means something else under NO_BACKSLASH_ESCAPES, so another escape is used.
    fn like(&self, builder: &mut Builder<'_>, column: &str, pattern: &Pattern) {
        builder
            .push("LOWER(")
            .column(column)
            .push(") LIKE LOWER(")
            .bind(like_text(pattern, '|').into())
            .push(") ESCAPE '|'");
    }

    fn no_limit(&self) -> &'static str {
        " LIMIT 18446744073709551615"
    }

    fn time_bucket(&self, unit: TimeUnit, column: &str, _: ColumnFacts) -> String {
        let format = match unit {
            TimeUnit::Minute => "%Y-%m-%dT%H:%i",
            TimeUnit::Hour => "%Y-%m-%dT%H",
            TimeUnit::Day => "%Y-%m-%d",
            // ISO year and ISO week.
            TimeUnit::Week => "%x-W%v",
            TimeUnit::Month => "%Y-%m",
            TimeUnit::Quarter => return format!("CONCAT(YEAR({column}), '-Q', QUARTER({column}))"),
            // Of a time of day it is this year, and DATE_FORMAT has none.
            TimeUnit::Year => return format!("CAST(YEAR({column}) AS CHAR)"),
        };
        format!("DATE_FORMAT({column}, '{format}')")
    }

    fn step(&self, builder: &mut Builder<'_>, column: &str, step: f64) {
        builder.push(&format!("FLOOR(CAST({column} AS DECIMAL(38,10)) / "));
        width(builder, step);
        builder.push(") * ");
        width(builder, step);
    }

    /// As on PostgreSQL, percentiles are of doubles.
    fn measured(&self, column: String, aggregate: &Aggregate) -> String {
        match aggregate {
            Aggregate::Percentile { .. } => format!("({column} + 0e0)"),
            _ => column,
        }
    }

    fn nulls_greatest(&self, column: &str, descending: bool) -> String {
        let direction = if descending { "DESC" } else { "ASC" };
        format!("{column} IS NULL {direction}, {column} {direction}")
    }
}

/// As the literals of the official bridge: decimal, unless there is an exponent.
fn width(builder: &mut Builder<'_>, step: f64) {
    let text = js_number(step);
    if text.contains('e') {
        builder.bind(step.into());
    } else {
        builder
            .push("CAST(")
            .bind(text.into())
            .push(" AS DECIMAL(65,30))");
    }
}
