//! Values of an answer as JSON text, and values of a job as parameters.

use mysql::Value;
use serde::de::IgnoredAny;

use super::geometry::write_geometry;
use super::layout::{Form, Layout, shown_decimals};
use super::time::{DateTime, push_time, write_date_of, write_instant};
use crate::error::JobError;
use crate::json::{
    Text, write_bytes, write_document, write_f32, write_f64, write_i64, write_lossy, write_string,
    write_u64,
};

/// Writes one row as a JSON object. `value` yields the values of the layout's columns.
pub(super) fn write_row<'a>(
    out: &mut Text,
    layout: &Layout,
    value: impl Fn(usize) -> Option<&'a Value>,
) {
    if layout.fields.is_empty() {
        out.push('{');
    }
    for (i, field) in layout.fields.iter().enumerate() {
        if field.form != Form::Hidden {
            out.push_str(&field.key);
            write_value(out, value(i).unwrap_or(&Value::NULL), field.form);
        }
    }
    out.push('}');
}

/// Appends one value.
pub(super) fn write_value(out: &mut Text, value: &Value, form: Form) {
    match value {
        Value::NULL => match form {
            Form::Geometry(_, Some(kind)) => {
                out.push_str("{\"type\":");
                write_string(out, kind);
                out.push('}');
            }
            _ => out.push_str("null"),
        },
        Value::Int(number) if form == Form::NumberText => {
            quoted(out, |out| write_i64(out, *number));
        }
        Value::UInt(number) if form == Form::NumberText => {
            quoted(out, |out| write_u64(out, *number));
        }
        Value::Int(number) => write_i64(out, *number),
        Value::UInt(number) => write_u64(out, *number),
        Value::Float(number) => write_f32(out, *number),
        Value::Double(number) => write_f64(out, *number),
        Value::Bytes(bytes) => write_text_or_bytes(out, bytes, form),
        Value::Date(_, _, _, _, _, _, micros) => {
            let moment = DateTime::of(value);
            match form {
                Form::Date { zero_is_null } => write_date_of(out, moment, zero_is_null),
                Form::TimeText {
                    date_only,
                    decimals,
                } => quoted(out, |out| {
                    moment.push_text(out, date_only, shown_decimals(decimals, *micros));
                }),
                _ => write_instant(out, moment),
            }
        }
        Value::Time(..) => {
            let decimals = match form {
                Form::Duration { decimals } => decimals,
                _ => 6,
            };
            quoted(out, |out| push_time(out, value, decimals));
        }
    }
}

/// Writes a string of which nothing needs an escape, without a copy of it.
fn quoted(out: &mut Text, write: impl FnOnce(&mut Text)) {
    out.push('"');
    write(out);
    out.push('"');
}

fn write_text_or_bytes(out: &mut Text, bytes: &[u8], form: Form) {
    match form {
        Form::Bytes => write_bytes(out, bytes),
        Form::ByteArray => {
            out.push('{');
            for (i, byte) in bytes.iter().enumerate() {
                out.push_str(if i == 0 { "\"" } else { ",\"" });
                write_u64(out, i as u64);
                out.push_str("\":");
                write_u64(out, u64::from(*byte));
            }
            out.push('}');
        }
        Form::Flag => out.push_str(if bytes.iter().any(|b| *b != 0) {
            "true"
        } else {
            "false"
        }),
        Form::Geometry(style, _) => write_geometry(out, bytes, style),
        Form::Vector => write_vector(out, bytes),
        Form::Members => {
            out.push('[');
            let text = String::from_utf8_lossy(bytes);
            for (i, member) in text.split(',').filter(|_| !text.is_empty()).enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_string(out, member);
            }
            out.push(']');
        }
        Form::Document => match std::str::from_utf8(bytes) {
            // MariaDB takes a little more for JSON than JSON is.
            Ok(text) if serde_json::from_str::<IgnoredAny>(text).is_ok() => {
                write_document(out, text);
            }
            _ => write_lossy(out, bytes),
        },
        _ => write_lossy(out, bytes),
    }
}

fn write_vector(out: &mut Text, bytes: &[u8]) {
    let (floats, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        write_bytes(out, bytes);
        return;
    }
    out.push('[');
    for (i, float) in floats.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_f32(out, f32::from_le_bytes(*float));
    }
    out.push(']');
}

/// A value of a job as a parameter. Whole numbers stay whole and text stays text, so that the server's loose
/// comparisons are those of literals.
///
/// # Errors
/// `INVALID_OPTIONS` for lists and objects, which no column holds.
pub(super) fn parameter(value: &serde_json::Value) -> Result<Value, JobError> {
    use serde_json::Value as Json;
    Ok(match value {
        Json::Null => Value::NULL,
        Json::Bool(truth) => Value::Int(i64::from(*truth)),
        Json::Number(number) => {
            if let Some(whole) = number.as_i64() {
                Value::Int(whole)
            } else if let Some(whole) = number.as_u64() {
                Value::UInt(whole)
            } else {
                number.as_f64().map_or(Value::NULL, Value::Double)
            }
        }
        Json::String(text) => Value::Bytes(text.clone().into_bytes()),
        Json::Array(_) | Json::Object(_) => {
            return Err(JobError::invalid_options(
                "options.where",
                "compares a column with a list or an object",
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::geometry::GeometryStyle;
    use super::*;
    use crate::error::ErrorCode;
    use serde_json::json;

    fn text(value: Value, form: Form) -> String {
        let mut out = Text::new();
        write_value(&mut out, &value, form);
        out.into_string()
    }

    fn bytes(text: &str) -> Value {
        Value::Bytes(text.as_bytes().to_vec())
    }

    #[test]
    fn numbers_keep_their_digits() {
        assert_eq!(
            text(Value::UInt(u64::MAX), Form::Number),
            "18446744073709551615"
        );
        assert_eq!(
            text(Value::Int(i64::MIN), Form::NumberText),
            "\"-9223372036854775808\""
        );
        assert_eq!(text(Value::Float(0.1), Form::Number), "0.1");
        assert_eq!(text(Value::Double(5e-324), Form::Number), "5e-324");
    }

    #[test]
    fn times_are_the_servers_text() {
        let long = Value::Time(true, 34, 22, 59, 59, 0);
        assert_eq!(
            text(long, Form::Duration { decimals: 6 }),
            "\"-838:59:59.000000\""
        );
        let short = Value::Time(true, 0, 0, 0, 0, 500_000);
        assert_eq!(
            text(short, Form::Duration { decimals: 1 }),
            "\"-00:00:00.5\""
        );
        assert_eq!(
            text(
                Value::Time(false, 0, 1, 2, 3, 9),
                Form::Duration { decimals: 0 }
            ),
            "\"01:02:03\""
        );
    }

    #[test]
    fn text_has_many_forms() {
        for (value, form, want) in [
            ("a\"b", Form::Text, r#""a\"b""#),
            ("a,d e", Form::Members, r#"["a","d e"]"#),
            ("", Form::Members, "[]"),
            ("{\"a\": 1e400}", Form::Document, "{\"a\": null}"),
            ("{'a'}", Form::Document, "\"{'a'}\""),
            ("\u{1}", Form::Flag, "true"),
            ("\0", Form::Flag, "false"),
            ("a", Form::Bytes, r#"{"type":"Buffer","data":[97]}"#),
            ("ab", Form::ByteArray, r#"{"0":97,"1":98}"#),
        ] {
            assert_eq!(text(bytes(value), form), want);
        }
        assert_eq!(text(Value::Bytes(vec![0xff]), Form::Text), "\"\u{fffd}\"");
        let vector = Value::Bytes([1.5f32, -2.0].map(f32::to_le_bytes).concat());
        assert_eq!(text(vector, Form::Vector), "[1.5,-2]");
    }

    #[test]
    fn a_null_geometry_may_tell_its_kind() {
        let form = |kind| Form::Geometry(GeometryStyle::GeoJson, kind);
        assert_eq!(
            text(Value::NULL, form(Some("Point"))),
            r#"{"type":"Point"}"#
        );
        assert_eq!(text(Value::NULL, form(None)), "null");
    }

    #[test]
    fn parameters_keep_their_type() {
        for (value, want) in [
            (json!(null), Value::NULL),
            (json!(true), Value::Int(1)),
            (
                json!(9_007_199_254_740_993_i64),
                Value::Int(9_007_199_254_740_993),
            ),
            (json!(u64::MAX), Value::UInt(u64::MAX)),
            (json!(0.1), Value::Double(0.1)),
            (json!("7"), bytes("7")),
        ] {
            assert_eq!(parameter(&value), Ok(want));
        }
        for value in [json!([1]), json!({"a": 1})] {
            assert_eq!(
                parameter(&value).unwrap_err().code,
                ErrorCode::InvalidOptions
            );
        }
    }
}
