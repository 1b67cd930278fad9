//! The language of ClickHouse.

use std::collections::HashMap;

use serde_json::Value;

use super::list::List;
use super::place::{Place, Typed, untyped, write_quoted};
use super::types::{ColumnType, Kind};
use crate::json::js_number;
use crate::options::{Aggregate, Comparison, GeoPlace, Pattern, TimeUnit};
use crate::sql::{Builder, ColumnFacts, Dialect, Parameter, RowOrder, like_text};

/// The language, with the types of the columns that the statement at hand compares or measures.
#[derive(Debug, Default)]
pub(super) struct ClickHouse {
    types: HashMap<String, ColumnType>,
    /// Some rows may have no place in the order of `first` and `last`.
    orders_null: bool,
}

impl ClickHouse {
    /// The language for statements that name columns of these types.
    pub(super) fn knowing(types: HashMap<String, ColumnType>) -> Self {
        Self {
            types,
            orders_null: false,
        }
    }

    /// The language for an aggregate whose rows are tracked by this column.
    pub(super) fn tracking(mut self, column: Option<&str>) -> Self {
        let tracked = column.and_then(|column| self.types.get(column));
        self.orders_null = tracked.is_some_and(|known| known.nullable);
        self
    }

    /// The type of a column, if the builder's columns are those of tables.
    fn type_of(&self, builder: &Builder<'_>, column: &str) -> Option<&ColumnType> {
        let known = builder.has_table_columns();
        self.types.get(column).filter(|_| known)
    }

    fn place(&self, builder: &Builder<'_>, column: &str, value: &Value) -> Place {
        match self.type_of(builder, column) {
            Some(known) => Place::of(value, known),
            None => Place::At(untyped(value)),
        }
    }
}

/// The type of a list.
const LIST: &str = "Array(String)";

/// The same answer for every row, but none for NULL.
fn constant(builder: &mut Builder<'_>, column: &str, truth: bool) {
    builder.push("if(").column(column).push(if truth {
        " IS NULL, NULL, 1)"
    } else {
        " IS NULL, NULL, 0)"
    });
}

impl Dialect for ClickHouse {
    /// A backslash begins an escape inside of quotes.
    fn write_quoted(&self, name: &str, out: &mut String) {
        out.push('`');
        for c in name.chars() {
            if c == '`' || c == '\\' {
                out.push('\\');
            }
            out.push(c);
        }
        out.push('`');
    }

    /// Parameters are declared with their types. Numbers stand for themselves where they belong to no column.
    fn placeholder(&self, parameter: Parameter<'_>, out: &mut String) {
        let kind = match (parameter.kind, parameter.value) {
            (Some(kind), _) => kind,
            (None, Value::Number(number)) => {
                let float = number.as_f64().filter(|_| number.is_f64());
                out.push_str(&float.map_or_else(|| number.to_string(), js_number));
                return;
            }
            (None, _) => "String",
        };
        out.push_str(&format!("{{p{}:{kind}}}", parameter.number));
    }

    fn compare(
        &self,
        builder: &mut Builder<'_>,
        column: &str,
        comparison: Comparison,
        value: &Value,
    ) {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        let (comparison, Typed { kind, text }) = match self.place(builder, column, value) {
            Place::At(typed) => (comparison, typed),
            Place::After(typed) => match comparison {
                Equal => return constant(builder, column, false),
                NotEqual => return constant(builder, column, true),
                Greater | GreaterOrEqual => (Greater, typed),
                Less | LessOrEqual => (LessOrEqual, typed),
            },
            Place::BelowAll => {
                let truth = matches!(comparison, NotEqual | Greater | GreaterOrEqual);
                return constant(builder, column, truth);
            }
            Place::AboveAll => {
                let truth = matches!(comparison, NotEqual | Less | LessOrEqual);
                return constant(builder, column, truth);
            }
        };
        builder
            .column(column)
            .push(comparison.sql())
            .bind_as(&kind, text.into());
    }

    /// Lists are parameters too, a few of them where one would be too long for a server. NULL is in none.
    fn membership(&self, builder: &mut Builder<'_>, column: &str, values: &[Value], negated: bool) {
        let kind = self.type_of(builder, column).map(|known| &known.kind);
        let fits = |typed: &Typed| match kind {
            // A longer text is an error to the server.
            Some(Kind::FixedText(length)) => typed.text.len() <= *length,
            _ => true,
        };
        // So is an unknown name.
        let by_name = kind == Some(&Kind::Enum);
        let mut lists: Vec<List> = Vec::new();
        for value in values.iter().filter(|value| !value.is_null()) {
            if let Place::At(typed) = self.place(builder, column, value)
                && fits(&typed)
            {
                match lists.iter_mut().rev().find(|list| list.takes(&typed)) {
                    Some(list) => list.push(typed),
                    None => lists.push(List::of(typed)),
                }
            }
        }
        if lists.is_empty() {
            return constant(builder, column, negated);
        }
        builder.push("(");
        for (i, List { kind, texts, .. }) in lists.into_iter().enumerate() {
            builder.push(match (i, negated) {
                (0, _) => "",
                (_, true) => " AND ",
                (_, false) => " OR ",
            });
            match by_name {
                true => builder.push("toString(").column(column).push(")"),
                false => builder.column(column),
            };
            builder.push(if negated { " NOT IN " } else { " IN " });
            // As an array of anything but texts it could not be told where a member ends.
            let texts = Value::Array(texts);
            if kind == "String" {
                builder.bind_as(LIST, texts);
            } else {
                let mut array = String::new();
                write_quoted(&mut array, &format!("Array({kind})"));
                builder.push("CAST(").bind_as(LIST, texts);
                builder.push(&format!(", {array})"));
            }
        }
        builder.push(")");
    }

    fn like(&self, builder: &mut Builder<'_>, column: &str, pattern: &Pattern) {
        builder
            .column(column)
            .push(" ILIKE ")
            .bind(like_text(pattern, '\\').into());
    }

    /// Other functions that cut times know fewer years than the types do.
    fn time_bucket(&self, unit: TimeUnit, column: &str, _: ColumnFacts) -> String {
        let format = match unit {
            TimeUnit::Minute => "%Y-%m-%dT%H:%i",
            TimeUnit::Hour => "%Y-%m-%dT%H",
            TimeUnit::Day => "%Y-%m-%d",
            TimeUnit::Week => "%G-W%V",
            TimeUnit::Month => "%Y-%m",
            TimeUnit::Quarter => {
                return format!(
                    "concat(formatDateTime({column}, '%Y-Q'), toString(toQuarter({column})))"
                );
            }
            TimeUnit::Year => "%Y",
        };
        format!("formatDateTime({column}, '{format}')")
    }

    fn step(&self, builder: &mut Builder<'_>, column: &str, step: f64) {
        builder
            .push(&format!("floor(toFloat64({column}) / "))
            .bind(step.into())
            .push(") * ")
            .bind(step.into());
    }

    fn geohash(&self, place: &GeoPlace, precision: u8) -> String {
        match place {
            GeoPlace::Degrees {
                latitude,
                longitude,
            } => {
                format!("geohashEncode(toFloat64({longitude}), toFloat64({latitude}), {precision})")
            }
            GeoPlace::Point(point) => point.clone(),
        }
    }

    fn h3(&self, place: &GeoPlace, resolution: u8) -> String {
        match place {
            GeoPlace::Degrees {
                latitude,
                longitude,
            } => format!("geoToH3(toFloat64({longitude}), toFloat64({latitude}), {resolution})"),
            GeoPlace::Point(point) => point.clone(),
        }
    }

    fn sample(&self, builder: &mut Builder<'_>, part: f64) {
        // Without an exponent, which is not understood here.
        builder.push(&format!(" SAMPLE {part}"));
    }

    /// Sums are exact: those of wide integers would wrap around, so they are made in a wider type. Where no row may be
    /// the first, there may be no value.
    fn measured(&self, column: String, aggregate: &Aggregate) -> String {
        let Some(known) = aggregate.column().and_then(|name| self.types.get(name)) else {
            return column;
        };
        match (aggregate, &known.kind) {
            (Aggregate::Sum(_) | Aggregate::Average(_), Kind::Integer { bits, .. }) => match bits {
                64 | 128 => format!("toInt256({column})"),
                256 => format!("toFloat64({column})"),
                _ => column,
            },
            (Aggregate::First(_) | Aggregate::Last(_), _)
                if self.orders_null && known.may_be_nullable() =>
            {
                format!("toNullable({column})")
            }
            _ => column,
        }
    }

    fn has_ordered_aggregates(&self) -> bool {
        true
    }

    fn percentile(&self, builder: &mut Builder<'_>, p: f64, value: &str, condition: Option<&str>) {
        let function = format!("quantileExactOrNull({})(", js_number(p));
        builder.push(&self.call(&function, value, condition));
    }

    /// In a tuple a value may be NULL; outside of one it would be passed over. Rows that the order does not know
    /// do not count.
    fn first_value(
        &self,
        value: &str,
        _: ColumnFacts,
        order: &RowOrder,
        condition: Option<&str>,
    ) -> String {
        let function = if order.last { "argMaxIf" } else { "argMinIf" };
        let known = order.columns.first().map_or("1", String::as_str);
        let condition = condition.map_or_else(String::new, |condition| format!("{condition} AND "));
        format!(
            "{function}(tuple({value}), tuple({}), {condition}{known} IS NOT NULL).1",
            order.columns.join(", ")
        )
    }

    /// Not every type has an order; its text has.
    fn sortable(&self, value: String) -> String {
        format!("toString({value})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;
    use crate::options::Predicate;
    use crate::sql::Statement;
    use serde_json::json;

    fn language(types: &[(&str, &str)]) -> ClickHouse {
        let types = types.iter();
        ClickHouse::knowing(
            types
                .map(|(name, text)| ((*name).to_owned(), ColumnType::parse(text)))
                .collect(),
        )
    }

    fn statement(types: &[(&str, &str)], predicate: &Predicate) -> Statement {
        let language = language(types);
        let mut builder = Builder::new(&language);
        builder.predicate(predicate);
        builder.finish().unwrap()
    }

    fn compare(column_type: &str, comparison: Comparison, value: Value) -> (String, Vec<Value>) {
        let predicate = Predicate::Compare {
            column: "a".to_owned(),
            comparison,
            value,
        };
        let statement = statement(&[("a", column_type)], &predicate);
        (statement.sql, statement.params)
    }

    #[test]
    fn names_end_nothing_but_themselves() {
        let language = language(&[]);
        let quoted = |name: &str| (&language as &dyn Dialect).quote(name);
        assert_eq!(quoted("a`b\\"), "`a\\`b\\\\`");
        assert_eq!(quoted("a'b\"?"), "`a'b\"?`");
    }

    #[test]
    fn a_comparison_is_in_the_type_of_the_column() {
        use Comparison::{Equal, GreaterOrEqual, Less, NotEqual};
        for (kind, comparison, value, sql, params) in [
            (
                "Int32",
                Equal,
                json!("7"),
                "t.`a` = {p1:Int32}",
                vec![json!("7")],
            ),
            (
                "Int32",
                Less,
                json!(1.5),
                "t.`a` <= {p1:Int32}",
                vec![json!("1")],
            ),
            (
                "Int32",
                GreaterOrEqual,
                json!(1.5),
                "t.`a` > {p1:Int32}",
                vec![json!("1")],
            ),
            (
                "Int32",
                Equal,
                json!(1.5),
                "if(t.`a` IS NULL, NULL, 0)",
                vec![],
            ),
            (
                "Int32",
                NotEqual,
                json!(1e12),
                "if(t.`a` IS NULL, NULL, 1)",
                vec![],
            ),
            (
                "UInt8",
                Less,
                json!(-1),
                "if(t.`a` IS NULL, NULL, 0)",
                vec![],
            ),
            (
                "UInt8",
                Less,
                json!(300),
                "if(t.`a` IS NULL, NULL, 1)",
                vec![],
            ),
            (
                "Enum8('x' = 1)",
                Equal,
                json!("x"),
                "t.`a` = {p1:String}",
                vec![json!("x")],
            ),
        ] {
            assert_eq!(compare(kind, comparison, value), (sql.to_owned(), params));
        }
    }

    #[test]
    fn lists_are_sorted_by_type_and_cut_by_length() {
        let members = |column_type: &str, values: Vec<Value>, negated| {
            let predicate = Predicate::In {
                column: "a".to_owned(),
                values,
                negated,
            };
            statement(&[("a", column_type)], &predicate)
        };
        let found = members(
            "Int8",
            vec![json!(1), json!(null), json!(300), json!("2")],
            false,
        );
        assert_eq!(
            found.sql,
            "(t.`a` IN CAST({p1:Array(String)}, 'Array(Int8)'))"
        );
        assert_eq!(found.params, [json!(["1", "2"])]);
        let found = members("Bool", vec![json!(true), json!(1), json!(false)], true);
        assert_eq!(
            found.sql,
            "(t.`a` NOT IN CAST({p1:Array(String)}, 'Array(Bool)') \
             AND t.`a` NOT IN CAST({p2:Array(String)}, 'Array(UInt8)'))"
        );
        let found = members("FixedString(2)", vec![json!("abc")], false);
        assert_eq!(found.sql, "if(t.`a` IS NULL, NULL, 0)");
        let found = members("Enum8('x' = 1)", vec![json!("x"), json!("z")], false);
        assert_eq!(found.sql, "(toString(t.`a`) IN {p1:Array(String)})");
        let long = "x".repeat(limits::HTTP_FIELD / 2);
        let found = members("String", vec![json!(long), json!("y"), json!(long)], false);
        assert_eq!(
            found.sql,
            "(t.`a` IN {p1:Array(String)} OR t.`a` IN {p2:Array(String)})"
        );
        assert_eq!(found.params, [json!([long, "y"]), json!([long])]);
    }

    #[test]
    fn numbers_of_no_column_stand_for_themselves() {
        let language = language(&[("m0", "String")]);
        let mut builder = Builder::new(&language);
        builder.columns_computed().predicate(&Predicate::All(vec![
            Predicate::Compare {
                column: "m0".to_owned(),
                comparison: Comparison::Less,
                value: json!(1e21),
            },
            Predicate::Compare {
                column: "m0".to_owned(),
                comparison: Comparison::Less,
                value: json!("x"),
            },
        ]));
        builder.window(Some(5), None);
        assert_eq!(
            builder.finish().unwrap().sql,
            "(t.`m0` < {p1:Float64} AND t.`m0` < {p2:String}) LIMIT 5"
        );
    }

    #[test]
    fn the_first_row_may_hold_null() {
        let order = RowOrder {
            columns: vec!["s.o".to_owned(), "toString(s.c0)".to_owned()],
            last: true,
        };
        let language = language(&[]);
        assert_eq!(
            language.first_value("s.c0", ColumnFacts::default(), &order, Some("s.w0")),
            "argMaxIf(tuple(s.c0), tuple(s.o, toString(s.c0)), s.w0 AND s.o IS NOT NULL).1"
        );
    }
}
