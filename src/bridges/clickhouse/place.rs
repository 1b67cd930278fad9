//! Where a job's value lies among the values of a column. What is compared with a column has the column's own type,
//! so that the server compares exactly and uses its index; a value that this type does not have lies between two of
//! its values, or beyond all of them, and the comparison changes accordingly.

use serde_json::{Number, Value};

use super::decimal::{Decimal, Ticks};
use super::instant::{Day, Moment};
use super::types::{ColumnType, Kind};
use crate::json::number_text;

/// A value as a column sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// One that the column may have. What is not understood counts too: the server says what is wrong with it.
    At(Typed),
    /// Between this one and the next.
    After(Typed),
    /// Less than all.
    BelowAll,
    /// Greater than all.
    AboveAll,
}

/// The text of a value, and the type it is read as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Typed {
    /// The type.
    pub(super) kind: String,
    /// The text.
    pub(super) text: String,
}

impl Typed {
    fn new(kind: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            text: text.into(),
        }
    }
}

/// First and last days of the two types, and what 32 and 64 bits count.
const DATES: (Day, Day) = (Day(0), Day(65_535));
const WIDE_DATES: (Day, Day) = (Day(-25_567), Day(120_529));
const SECONDS: (i64, i64) = (0, 4_294_967_295);
/// 1900 to the end of 2299.
const WIDE_SECONDS: (i64, i64) = (-2_208_988_800, 10_413_791_999);
/// The last nanosecond that 64 bits count.
const LAST_NANOSECOND: &str = "2262-04-11 23:47:16.854775807";

impl Place {
    /// Finds the place of a value that is not null.
    pub(super) fn of(value: &Value, column: &ColumnType) -> Self {
        let as_it_is = || Self::At(Typed::new(column.text.as_str(), text_of(value)));
        match &column.kind {
            Kind::Integer { signed, bits } => match number_of(value) {
                Some(number) => integer(&number, *signed, *bits, &column.text),
                None => as_it_is(),
            },
            Kind::Decimal { precision, scale } => match number_of(value) {
                Some(number) => {
                    let ticks = number.ticks(*scale);
                    let most = "9".repeat(*precision);
                    within(&ticks, *scale, &most, &most, &column.text)
                }
                None => as_it_is(),
            },
            // Numbers are doubles, also where the column has fewer bits: 0.1 is no Float32.
            Kind::Float => match value {
                Value::Bool(truth) => Self::At(Typed::new("Float64", flag(*truth))),
                value => Self::At(Typed::new("Float64", text_of(value))),
            },
            Kind::Bool => match value {
                Value::Number(number) => match Decimal::parse(&exact_text(number)) {
                    Some(number) => integer(&number, false, 8, "UInt8"),
                    None => as_it_is(),
                },
                _ => as_it_is(),
            },
            Kind::Text | Kind::FixedText(_) | Kind::Enum => {
                Self::At(Typed::new("String", text_of(value)))
            }
            Kind::Date { wide } => match value {
                Value::String(text) => match Moment::parse(text) {
                    Some(moment) => day(
                        &moment,
                        if *wide { WIDE_DATES } else { DATES },
                        &column.text,
                    ),
                    None => as_it_is(),
                },
                _ => as_it_is(),
            },
            Kind::DateTime { scale } => match value {
                Value::Bool(_) | Value::Null | Value::Array(_) | Value::Object(_) => as_it_is(),
                Value::Number(_) => seconds(value, *scale, column),
                Value::String(text) => match Moment::parse(text) {
                    Some(moment) => instant(&moment, *scale, column),
                    None => seconds(value, *scale, column),
                },
            },
            Kind::Named => as_it_is(),
            Kind::Other => Self::At(untyped(value)),
        }
    }
}

/// What a constant is when nothing is known of the column.
pub(super) fn untyped(value: &Value) -> Typed {
    match value {
        Value::Bool(truth) => Typed::new("UInt8", flag(*truth)),
        Value::Number(number) if number.is_i64() => Typed::new("Int64", number.to_string()),
        Value::Number(number) if number.is_u64() => Typed::new("UInt64", number.to_string()),
        Value::Number(number) => Typed::new("Float64", number.to_string()),
        other => Typed::new("String", text_of(other)),
    }
}

fn integer(number: &Decimal, signed: bool, bits: u16, kind: &str) -> Place {
    let (least, most) = match (signed, bits) {
        (true, 8) => ("128", "127"),
        (true, 16) => ("32768", "32767"),
        (true, 32) => ("2147483648", "2147483647"),
        (true, 64) => ("9223372036854775808", "9223372036854775807"),
        (true, 128) => (
            "170141183460469231731687303715884105728",
            "170141183460469231731687303715884105727",
        ),
        (true, _) => (
            "57896044618658097711785492504343953926634992332820282019728792003956564819968",
            "57896044618658097711785492504343953926634992332820282019728792003956564819967",
        ),
        (false, 8) => ("", "255"),
        (false, 16) => ("", "65535"),
        (false, 32) => ("", "4294967295"),
        (false, 64) => ("", "18446744073709551615"),
        (false, 128) => ("", "340282366920938463463374607431768211455"),
        (false, _) => (
            "",
            "115792089237316195423570985008687907853269984665640564039457584007913129639935",
        ),
    };
    within(&number.ticks(0), 0, least, most, kind)
}

/// `least` and `most` are the digits of the bounds.
fn within(ticks: &Ticks, scale: usize, least: &str, most: &str, kind: &str) -> Place {
    match ticks.is_negative() {
        true if ticks.exceeds(least) => Place::BelowAll,
        false if ticks.exceeds(most) => Place::AboveAll,
        _ => placed(ticks.beyond, kind, ticks.text(scale)),
    }
}

fn placed(beyond: bool, kind: &str, text: String) -> Place {
    let typed = Typed::new(kind, text);
    if beyond {
        Place::After(typed)
    } else {
        Place::At(typed)
    }
}

fn day(moment: &Moment, (first, last): (Day, Day), kind: &str) -> Place {
    let (day, midnight) = moment.day();
    if day < first {
        Place::BelowAll
    } else if day > last {
        Place::AboveAll
    } else {
        placed(!midnight, kind, day.to_string())
    }
}

/// A number of seconds, or what is no time at all.
fn seconds(value: &Value, scale: Option<usize>, column: &ColumnType) -> Place {
    match number_of(value) {
        None => Place::At(Typed::new(column.text.as_str(), text_of(value))),
        Some(number) => match Moment::of_seconds(&number) {
            Some(moment) => instant(&moment, scale, column),
            None if number.ticks(0).is_negative() => Place::BelowAll,
            None => Place::AboveAll,
        },
    }
}

fn instant(moment: &Moment, scale: Option<usize>, column: &ColumnType) -> Place {
    let (first, last) = match scale {
        Some(_) => WIDE_SECONDS,
        None => SECONDS,
    };
    // On the column's own clock the bounds are up to a day off, which the server has to see to.
    let slack = if moment.utc { 0 } else { 86_400 };
    let kind = match moment.utc {
        true => column.in_utc(),
        false => column.text.clone(),
    };
    if moment.seconds < first.saturating_sub(slack) {
        return Place::BelowAll;
    }
    if moment.seconds > last.saturating_add(slack) {
        return Place::AboveAll;
    }
    let (text, exact) = moment.text(scale.unwrap_or(0));
    if scale == Some(9) && text.as_str() > LAST_NANOSECOND {
        return Place::AboveAll;
    }
    placed(!exact, &kind, text)
}

/// The number a value is, or spells.
fn number_of(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Decimal::parse(&exact_text(number)),
        Value::String(text) => Decimal::parse(text),
        Value::Bool(truth) => Decimal::parse(flag(*truth)),
        _ => None,
    }
}

/// A double that is whole means that number, with all its digits; any other means its shortest text.
fn exact_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 => format!("{float:.0}"),
        _ => number.to_string(),
    }
}

fn flag(truth: bool) -> &'static str {
    if truth { "1" } else { "0" }
}

/// A value as a text that the server reads.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number_text(number),
        Value::Array(_) | Value::Object(_) => {
            let mut out = String::new();
            write_literal(&mut out, value);
            out
        }
        Value::Null | Value::Bool(_) => value.to_string(),
    }
}

/// A list or an object as the server spells arrays and maps.
fn write_literal(out: &mut String, value: &Value) {
    let mut separator = "";
    match value {
        Value::String(text) => write_quoted(out, text),
        Value::Array(items) => {
            out.push('[');
            for item in items {
                out.push_str(std::mem::replace(&mut separator, ","));
                write_literal(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (key, value) in members {
                out.push_str(std::mem::replace(&mut separator, ","));
                write_quoted(out, key);
                out.push(':');
                write_literal(out, value);
            }
            out.push('}');
        }
        Value::Null => out.push_str("NULL"),
        Value::Bool(_) | Value::Number(_) => out.push_str(&text_of(value)),
    }
}

/// Appends a text in quotes, as in a list of texts.
pub(super) fn write_quoted(out: &mut String, text: &str) {
    out.push('\'');
    write_escaped(out, text);
    out.push('\'');
}

/// Appends a text that ends at no tab, no line's end and no quote of its own.
pub(super) fn write_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn place(value: Value, column: &str) -> Place {
        Place::of(&value, &ColumnType::parse(column))
    }

    fn at(kind: &str, text: &str) -> Place {
        Place::At(Typed::new(kind, text))
    }

    fn after(kind: &str, text: &str) -> Place {
        Place::After(Typed::new(kind, text))
    }

    #[test]
    fn numbers_have_the_columns_type() {
        for (value, column, want) in [
            (json!(7), "Int32", at("Int32", "7")),
            (json!("7"), "Nullable(UInt8)", at("UInt8", "7")),
            (json!(-1), "UInt64", Place::BelowAll),
            (json!(256), "UInt8", Place::AboveAll),
            (json!(1.5), "Int8", after("Int8", "1")),
            (json!(-1.5), "Int8", after("Int8", "-2")),
            (json!(-128.5), "Int8", Place::BelowAll),
            (json!(1e19), "Int64", Place::AboveAll),
            (
                json!(1e21),
                "Int128",
                at("Int128", "1000000000000000000000"),
            ),
            (json!(1e300), "UInt256", Place::AboveAll),
            (json!(true), "Int32", at("Int32", "1")),
            (json!("abc"), "Int32", at("Int32", "abc")),
            (
                json!(16.76),
                "Decimal(12, 2)",
                at("Decimal(12, 2)", "16.76"),
            ),
            (
                json!(16.765),
                "Decimal(12, 2)",
                after("Decimal(12, 2)", "16.76"),
            ),
            (json!(1e10), "Decimal(12, 2)", Place::AboveAll),
            (
                json!("-9999999999.99"),
                "Decimal(12, 2)",
                at("Decimal(12, 2)", "-9999999999.99"),
            ),
            (json!(0.1), "Float32", at("Float64", "0.1")),
            (json!("inf"), "Float64", at("Float64", "inf")),
            (json!(2), "Bool", at("UInt8", "2")),
            (json!(true), "Bool", at("Bool", "true")),
            (json!(100), "String", at("String", "100")),
            (
                json!([1, "a'"]),
                "Array(String)",
                at("String", "[1,'a\\'']"),
            ),
            (json!(5), "Dynamic", at("Int64", "5")),
        ] {
            assert_eq!(place(value.clone(), column), want, "{value} {column}");
        }
    }

    #[test]
    fn times_are_compared_as_instants() {
        let berlin = "DateTime64(3, 'Europe/Berlin')";
        let utc = "DateTime64(3, 'UTC')";
        for (value, column, want) in [
            (
                json!("2024-02-29T12:34:56.789Z"),
                berlin,
                at(utc, "2024-02-29 12:34:56.789"),
            ),
            (
                json!("2024-02-29 12:34:56.789"),
                berlin,
                at(berlin, "2024-02-29 12:34:56.789"),
            ),
            (
                json!("2024-02-29T12:34:56.7891Z"),
                berlin,
                after(utc, "2024-02-29 12:34:56.789"),
            ),
            (json!(1.5), berlin, at(utc, "1970-01-01 00:00:01.500")),
            (
                json!("1727740800"),
                "DateTime",
                at("DateTime('UTC')", "2024-10-01 00:00:00"),
            ),
            (json!("9999-12-31T23:59:59Z"), berlin, Place::AboveAll),
            (json!("1899-12-31T23:59:59Z"), berlin, Place::BelowAll),
            (json!("1969-12-31T23:59:59Z"), "DateTime", Place::BelowAll),
            (
                json!("2262-04-11T23:47:17Z"),
                "DateTime64(9)",
                Place::AboveAll,
            ),
            (json!("soon"), "DateTime", at("DateTime", "soon")),
            (json!("2024-02-29"), "Date", at("Date", "2024-02-29")),
            (
                json!("2024-02-29T00:00:00Z"),
                "Date32",
                at("Date32", "2024-02-29"),
            ),
            (
                json!("2024-02-29T10:00:00Z"),
                "Date",
                after("Date", "2024-02-29"),
            ),
            (json!("2149-06-06"), "Date", at("Date", "2149-06-06")),
            (json!("2149-06-07"), "Date", Place::AboveAll),
            (json!("2299-12-31"), "Date32", at("Date32", "2299-12-31")),
            (json!("1899-12-31"), "Date32", Place::BelowAll),
            (json!(1e40), "DateTime", Place::AboveAll),
        ] {
            assert_eq!(place(value.clone(), column), want, "{value} {column}");
        }
    }

    #[test]
    fn text_ends_nothing_but_itself() {
        let mut out = String::new();
        write_quoted(&mut out, "a'\\\t\n\r\0b");
        assert_eq!(out, "'a\\'\\\\\\t\\n\\r\\0b'");
    }
}
