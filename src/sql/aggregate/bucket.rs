//! What a bucket is in each language.

use crate::json::js_number;
use crate::options::{Bucket, Dimension, GeoPlace, TimeUnit};
use crate::sql::aggregate::Aggregation;
use crate::sql::{Builder, Dialect};

impl Aggregation<'_> {
    /// Appends the value that stands for the bucket a row falls into. What of it is shown is made by the
    /// bridges (`bridges::aggregate`).
    pub(super) fn bucket(&self, builder: &mut Builder, dimension: &Dimension) {
        let column = self.column(dimension.join, &dimension.field);
        let facts = self.columns.facts(dimension.join, &dimension.field);
        match &dimension.bucket {
            Bucket::Value => {
                builder.push(&column).push(facts.grouped);
            }
            Bucket::Time(unit) => {
                let text = match self.dialect {
                    Dialect::Postgres => {
                        format!("date_trunc('{}', {column}{})", unit.word(), facts.utc)
                    }
                    Dialect::MySql => mysql_label(*unit, &column),
                    Dialect::Sqlite => sqlite_label(*unit, &column),
                };
                builder.push(&text);
            }
            Bucket::Step(step) => self.step(builder, &column, *step),
            Bucket::Breaks(breaks) => {
                builder.push("CASE");
                for (i, (from, to)) in breaks.iter().zip(breaks.iter().skip(1)).enumerate() {
                    builder.push(" WHEN ").push(&column).push(" >= ");
                    self.edge(builder, *from);
                    builder.push(" AND ").push(&column).push(" < ");
                    self.edge(builder, *to);
                    builder.push(&format!(" THEN {i}"));
                }
                builder.push(" END");
            }
            Bucket::Geohash { place, precision } => {
                let place = match (place, self.dialect) {
                    (
                        GeoPlace::Degrees {
                            latitude,
                            longitude,
                        },
                        Dialect::Postgres,
                    ) => format!(
                        "ST_SetSRID(ST_MakePoint({}::float8, {}::float8), 4326)",
                        self.column(dimension.join, longitude),
                        self.column(dimension.join, latitude),
                    ),
                    (
                        GeoPlace::Degrees {
                            latitude,
                            longitude,
                        },
                        _,
                    ) => format!(
                        "{}, {}",
                        self.column(dimension.join, longitude),
                        self.column(dimension.join, latitude),
                    ),
                    (GeoPlace::Point(column), Dialect::Postgres) => {
                        format!("{}::geometry", self.column(dimension.join, column))
                    }
                    (GeoPlace::Point(column), _) => self.column(dimension.join, column),
                };
                builder.push(&format!("ST_GeoHash({place}, {precision})"));
            }
        }
    }

    /// The lower edge of a span.
    fn step(&self, builder: &mut Builder, column: &str, step: f64) {
        match self.dialect {
            Dialect::Postgres => {
                builder.push(&format!("floor({column}::numeric / "));
                self.width(builder, step);
                builder.push(")");
            }
            Dialect::MySql => {
                builder.push(&format!("FLOOR(CAST({column} AS DECIMAL(38,10)) / "));
                self.width(builder, step);
                builder.push(")");
            }
            Dialect::Sqlite => {
                // SQLite is mostly built without FLOOR. Beyond 2^52 every double is whole.
                let mut part = |before: &str, after: &str| {
                    builder
                        .push(before)
                        .push(&format!("(CAST({column} AS REAL) / "));
                    self.width(builder, step);
                    builder.push(")").push(after);
                };
                part("(CASE WHEN ABS", " < 4503599627370496 THEN ");
                part("CAST(", " AS INTEGER) - (");
                part("", " < ");
                part("CAST(", " AS INTEGER)) ELSE ");
                part("", " END)");
            }
        }
        builder.push(" * ");
        self.width(builder, step);
    }

    fn width(&self, builder: &mut Builder, step: f64) {
        let text = js_number(step);
        match self.dialect {
            Dialect::Postgres => builder.bind(text.into()).push("::numeric"),
            // As the literals of the official bridge: decimal, unless there is an exponent.
            Dialect::MySql if !text.contains('e') => builder
                .push("CAST(")
                .bind(text.into())
                .push(" AS DECIMAL(65,30))"),
            Dialect::MySql | Dialect::Sqlite => builder.bind(step.into()),
        };
    }

    fn edge(&self, builder: &mut Builder, edge: f64) {
        builder.bind(edge.into());
        if self.dialect == Dialect::Postgres {
            // The column's own type may know no fractions.
            builder.push("::float8");
        }
    }
}

fn mysql_label(unit: TimeUnit, column: &str) -> String {
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

fn sqlite_label(unit: TimeUnit, column: &str) -> String {
    let format = match unit {
        TimeUnit::Minute => "%Y-%m-%dT%H:%M",
        TimeUnit::Hour => "%Y-%m-%dT%H",
        TimeUnit::Day => "%Y-%m-%d",
        TimeUnit::Week => "%G-W%V",
        TimeUnit::Month => "%Y-%m",
        TimeUnit::Quarter => {
            return format!("strftime('%Y-Q', {column}) || ((strftime('%m', {column}) + 2) / 3)");
        }
        TimeUnit::Year => "%Y",
    };
    format!("strftime('{format}', {column})")
}
