//! The language of PostgreSQL and CockroachDB.

use serde_json::Value;

use crate::json::js_number;
use crate::options::{Aggregate, GeoPlace, Pattern, TimeUnit};
use crate::sql::{Builder, ColumnFacts, Dialect, Parameter, RowOrder, like_text};

/// The language, with what the relatives do not share.
pub struct PostgresDialect {
    /// A part of the rows can be looked at.
    samples: bool,
    /// A percentile is only of doubles.
    percentile_of_doubles: bool,
}

/// PostgreSQL's.
pub static POSTGRES: PostgresDialect = PostgresDialect {
    samples: true,
    percentile_of_doubles: false,
};

/// CockroachDB's.
pub static COCKROACH: PostgresDialect = PostgresDialect {
    samples: false,
    percentile_of_doubles: true,
};

impl Dialect for PostgresDialect {
    fn placeholder(&self, parameter: Parameter<'_>, out: &mut String) {
        out.push('$');
        out.push_str(itoa::Buffer::new().format(parameter.number));
    }

    /// One parameter however long the list is: the server's limit is 65,535 of them.
    fn membership(&self, builder: &mut Builder<'_>, column: &str, values: &[Value], negated: bool) {
        builder
            .column(column)
            .push(if negated { " <> ALL(" } else { " = ANY(" })
            .bind(Value::Array(values.to_vec()))
            .push(")");
    }

    fn like(&self, builder: &mut Builder<'_>, column: &str, pattern: &Pattern) {
        builder
            .column(column)
            .push(" ILIKE ")
            .bind(like_text(pattern, '\\').into())
            // E'' reads the same whatever standard_conforming_strings says.
            .push(" ESCAPE E'\\\\'");
    }

    fn time_bucket(&self, unit: TimeUnit, column: &str, facts: ColumnFacts) -> String {
        format!("date_trunc('{}', {column}{})", unit.as_str(), facts.utc)
    }

    fn step(&self, builder: &mut Builder<'_>, column: &str, step: f64) {
        let width = js_number(step);
        builder
            .push(&format!("floor({column}::numeric / "))
            .bind(width.as_str().into())
            .push("::numeric) * ")
            .bind(width.into())
            .push("::numeric");
    }

    fn edge(&self, builder: &mut Builder<'_>, edge: f64) {
        // The column's own type may know no fractions.
        builder.bind(edge.into()).push("::float8");
    }

    fn geohash(&self, place: &GeoPlace, precision: u8) -> String {
        let place = match place {
            GeoPlace::Degrees {
                latitude,
                longitude,
            } => format!("ST_SetSRID(ST_MakePoint({longitude}::float8, {latitude}::float8), 4326)"),
            GeoPlace::Point(point) => format!("{point}::geometry"),
        };
        format!("ST_GeoHash({place}, {precision})")
    }

    fn sample(&self, builder: &mut Builder<'_>, part: f64) {
        if self.samples {
            // With a seed of its own a sample would be of other rows in each statement.
            builder
                .push(" TABLESAMPLE BERNOULLI (")
                .bind((part * 100.0).into())
                .push(") REPEATABLE (1)");
        }
    }

    fn measured(&self, column: String, aggregate: &Aggregate) -> String {
        match aggregate {
            Aggregate::Percentile { .. } if self.percentile_of_doubles => {
                format!("{column}::float8")
            }
            _ => column,
        }
    }

    fn counted(&self, condition: Option<&str>) -> String {
        format!("COUNT(*){}", filter_clause(condition))
    }

    fn call(&self, function: &str, value: &str, condition: Option<&str>) -> String {
        format!("{function}{value}){}", filter_clause(condition))
    }

    fn has_ordered_aggregates(&self) -> bool {
        true
    }

    fn percentile(&self, builder: &mut Builder<'_>, p: f64, value: &str, condition: Option<&str>) {
        builder
            .push("percentile_cont(")
            .bind(p.into())
            // A percentile is of doubles or of intervals, and an untyped fraction leaves that open.
            .push(&format!("::float8) WITHIN GROUP (ORDER BY {value})"))
            .push(&filter_clause(condition));
    }

    fn first_value(
        &self,
        value: &str,
        facts: ColumnFacts,
        order: &RowOrder,
        condition: Option<&str>,
    ) -> String {
        let (carry, back) = facts.carried;
        let filter = filter_clause(condition);
        let order = order.sql(self);
        format!("((array_agg({value}{carry} ORDER BY {order}){filter})[1]){back}")
    }

    /// Not every type has an order; its text has.
    fn sortable(&self, value: String) -> String {
        format!("{value}::text")
    }
}

fn filter_clause(condition: Option<&str>) -> String {
    condition.map_or_else(String::new, |condition| {
        format!(" FILTER (WHERE {condition})")
    })
}
