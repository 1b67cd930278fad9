//! What differs between the databases' languages. Each engine's own folder has its dialect; the defaults are what
//! most of them say.

use serde_json::Value;

use crate::options::{Aggregate, Comparison, GeoPlace, Pattern, Target, TimeUnit};
use crate::sql::aggregate::{ColumnFacts, RowOrder};
use crate::sql::{Builder, like_text};

/// Name every statement gives the table it reads. All columns of `WHERE` and `ORDER BY` are qualified with
/// it: a select list may hold casts under a column's own name, and an unqualified `ORDER BY` would sort by
/// those instead.
pub const TABLE_ALIAS: &str = "t";

/// A value on its way into a statement.
#[derive(Debug, Clone, Copy)]
pub struct Parameter<'a> {
    /// Its place among the statement's parameters, from 1.
    pub number: usize,
    /// The value.
    pub value: &'a Value,
    /// The type it is declared with, where the language has it so.
    pub kind: Option<&'a str>,
}

/// A language.
pub trait Dialect: Sync {
    /// What stands around a name; inside of it, it is doubled.
    fn quote_mark(&self) -> char {
        '"'
    }

    /// Appends a quoted name.
    fn write_quoted(&self, name: &str, out: &mut String) {
        let quote = self.quote_mark();
        out.push(quote);
        for (i, part) in name.split(quote).enumerate() {
            if i > 0 {
                out.push(quote);
                out.push(quote);
            }
            out.push_str(part);
        }
        out.push(quote);
    }

    /// Appends what stands for a parameter.
    fn placeholder(&self, _parameter: Parameter<'_>, out: &mut String) {
        out.push('?');
    }

    /// Appends a comparison of a column with a value that is not null.
    fn compare(
        &self,
        builder: &mut Builder<'_>,
        column: &str,
        comparison: Comparison,
        value: &Value,
    ) {
        builder
            .column(column)
            .push(comparison.sql())
            .bind(value.clone());
    }

    /// Appends that a column is, or is not, one of these values.
    fn membership(&self, builder: &mut Builder<'_>, column: &str, values: &[Value], negated: bool) {
        builder
            .column(column)
            .push(if negated { " NOT IN (" } else { " IN (" });
        for (i, value) in values.iter().enumerate() {
            if i > 0 {
                builder.push(", ");
            }
            builder.bind(value.clone());
        }
        builder.push(")");
    }

    /// Appends that a column is like a pattern, in any case.
    fn like(&self, builder: &mut Builder<'_>, column: &str, pattern: &Pattern) {
        builder
            .push("LOWER(")
            .column(column)
            .push(") LIKE LOWER(")
            .bind(like_text(pattern, '\\').into())
            .push(") ESCAPE '\\'");
    }

    /// Most conditions that are joined one after the other; more are joined in halves, and those in halves.
    fn most_joined(&self) -> usize {
        usize::MAX
    }

    /// What stands before an OFFSET when there is no limit.
    fn no_limit(&self) -> &'static str {
        ""
    }

    /// The value that stands for the span of time a column falls into.
    fn time_bucket(&self, unit: TimeUnit, column: &str, facts: ColumnFacts) -> String;

    /// Appends the lower edge of the span of this width that a column falls into.
    fn step(&self, builder: &mut Builder<'_>, column: &str, step: f64);

    /// Appends an edge that a column is compared with.
    fn edge(&self, builder: &mut Builder<'_>, edge: f64) {
        builder.bind(edge.into());
    }

    /// The geohash of a place, whose columns are ready SQL.
    fn geohash(&self, place: &GeoPlace, precision: u8) -> String {
        let place = match place {
            GeoPlace::Degrees {
                latitude,
                longitude,
            } => format!("{longitude}, {latitude}"),
            GeoPlace::Point(point) => point.clone(),
        };
        format!("ST_GeoHash({place}, {precision})")
    }

    /// The H3 cell of a place, whose columns are ready SQL; only where the bridge's options have such buckets.
    fn h3(&self, _place: &GeoPlace, _resolution: u8) -> String {
        String::new()
    }

    /// Appends, after a table, that only this part of its rows counts; nothing where that cannot be said.
    fn sample(&self, _builder: &mut Builder<'_>, _part: f64) {}

    /// A column as the measure `aggregate` takes it.
    fn measured(&self, column: String, _aggregate: &Aggregate) -> String {
        column
    }

    /// The number of rows for which a condition holds.
    fn counted(&self, condition: Option<&str>) -> String {
        match condition {
            Some(condition) => format!("COUNT(CASE WHEN {condition} THEN 1 END)"),
            None => "COUNT(*)".to_owned(),
        }
    }

    /// An aggregate function, such as `SUM(`, of the values for which a condition holds.
    fn call(&self, function: &str, value: &str, condition: Option<&str>) -> String {
        match condition {
            Some(condition) => {
                // The official sum over no rows is zero where there is no FILTER.
                let otherwise = if function == "SUM(" { " ELSE 0" } else { "" };
                format!("{function}CASE WHEN {condition} THEN {value}{otherwise} END)")
            }
            None => format!("{function}{value})"),
        }
    }

    /// True when the language has aggregates for percentiles and for the value of the first row; otherwise
    /// windows find them.
    fn has_ordered_aggregates(&self) -> bool {
        false
    }

    /// Appends the percentile of a value; only for [`Dialect::has_ordered_aggregates`].
    fn percentile(&self, _builder: &mut Builder<'_>, _p: f64, _value: &str, _if: Option<&str>) {}

    /// A value of the first row in this order; only for [`Dialect::has_ordered_aggregates`].
    fn first_value(
        &self,
        value: &str,
        _facts: ColumnFacts,
        _order: &RowOrder,
        _condition: Option<&str>,
    ) -> String {
        value.to_owned()
    }

    /// What stands around a number that loses its fraction.
    fn floor(&self) -> (&'static str, &'static str) {
        ("FLOOR(", ")")
    }

    /// A measured value as something that has an order, whatever its type.
    fn sortable(&self, value: String) -> String {
        value
    }

    /// A clause of an order in which NULL counts as greater than everything.
    fn nulls_greatest(&self, column: &str, descending: bool) -> String {
        match descending {
            true => format!("{column} DESC NULLS FIRST"),
            false => format!("{column} ASC NULLS LAST"),
        }
    }
}

impl dyn Dialect + '_ {
    /// A quoted name.
    pub fn quote(&self, name: &str) -> String {
        let mut quoted = String::with_capacity(name.len() + 2);
        self.write_quoted(name, &mut quoted);
        quoted
    }

    /// A target as it stands in a statement.
    pub fn target(&self, target: &Target) -> String {
        let mut quoted = String::with_capacity(target.text().len() + 16);
        for part in target.parts() {
            if !quoted.is_empty() {
                quoted.push('.');
            }
            self.write_quoted(part, &mut quoted);
        }
        quoted
    }

    /// A column of the statement's own table: `t."name"`.
    pub fn column(&self, name: &str) -> String {
        let mut column = String::with_capacity(TABLE_ALIAS.len() + name.len() + 3);
        self.write_column(name, &mut column);
        column
    }

    /// Appends a column of the statement's own table.
    pub fn write_column(&self, name: &str, out: &mut String) {
        out.push_str(TABLE_ALIAS);
        out.push('.');
        self.write_quoted(name, out);
    }

    /// These columns of the statement's own table, or all of them, as a select list.
    pub fn select_list(&self, names: Option<&[String]>) -> String {
        match names {
            Some(names) => {
                let columns: Vec<_> = names.iter().map(|name| self.column(name)).collect();
                columns.join(", ")
            }
            None => format!("{TABLE_ALIAS}.*"),
        }
    }
}
