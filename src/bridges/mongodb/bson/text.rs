//! Values as text: what JavaScript's `String(x)` makes of them, and where that loses what matters, the key forms
//! that lose nothing.

use super::json::{MAX_DEPTH, push_hex, push_uuid, push_value};
use super::{Malformed, Value};
use crate::json::{Text, js_date_text, js_number};

/// A key as rows show it: dates as ISO text, bytes as base64 and documents as JSON, so that no two of one type look
/// alike.
pub fn key_text(value: &Value<'_>) -> Result<String, Malformed> {
    simple_text(value).map_or_else(|| json_text(value), Ok)
}

/// A value as `String(x)` has it. Documents are told as JSON, because `String(x)` says nothing of what is in them.
pub fn value_text(value: &Value<'_>) -> Result<String, Malformed> {
    text_at(value, 0)
}

fn text_at(value: &Value<'_>, depth: usize) -> Result<String, Malformed> {
    match value {
        Value::Array(_) if depth > MAX_DEPTH => Err(Malformed),
        Value::Date(millis) => Ok(js_date_text(millis.checked_mul(1000).unwrap_or(i64::MAX))),
        Value::Array(array) => {
            let mut texts = Vec::new();
            for element in array.elements() {
                let value = element?.value()?;
                texts.push(match value {
                    Value::Null | Value::Undefined => String::new(),
                    value => text_at(&value, depth + 1)?,
                });
            }
            Ok(texts.join(","))
        }
        value => key_text(value),
    }
}

fn simple_text(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Text(text) | Value::Symbol(text) => text.clone().into_owned(),
        Value::ObjectId(id) => {
            let mut text = String::with_capacity(24);
            push_hex(&mut text, id);
            text
        }
        Value::Int(number) => number.to_string(),
        Value::Long(number) => number.to_string(),
        Value::Double(number) => js_number(*number),
        Value::Decimal(decimal) => decimal.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null => "null".to_owned(),
        Value::Undefined => "undefined".to_owned(),
        Value::Timestamp(number) => number.to_string(),
        Value::Binary { subtype: 4, bytes } => {
            let mut text = String::with_capacity(36);
            push_uuid(&mut text, <&[u8; 16]>::try_from(*bytes).ok()?);
            text
        }
        _ => return None,
    })
}

/// The JSON of a value; of one that is a JSON text, what is in the quotes.
fn json_text(value: &Value<'_>) -> Result<String, Malformed> {
    let mut text = Text::new();
    push_value(&mut text, value)?;
    let text = text.into_string();
    let inside = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    Ok(inside.map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::super::{Bson, Document, fields, list};
    use super::*;

    fn of(value: Bson, text: fn(&Value<'_>) -> Result<String, Malformed>) -> String {
        let bytes = fields! {"v": value}.encode();
        text(&Document::new(&bytes).unwrap().get("v").unwrap().unwrap()).unwrap()
    }

    #[test]
    fn depth_is_bounded() {
        let mut deep = list![];
        for _ in 0..MAX_DEPTH {
            deep = list![deep];
        }
        let text = |deep| {
            let bytes = fields! {"v": deep}.encode();
            value_text(&Document::new(&bytes).unwrap().get("v").unwrap().unwrap())
        };
        assert_eq!(text(deep.clone()), Ok(String::new()));
        assert_eq!(text(list![deep]), Err(Malformed));
    }

    #[test]
    fn keys_lose_nothing() {
        for (value, text) in [
            (Bson::Double(1e21), "1e+21"),
            (Bson::Double(f64::NAN), "NaN"),
            (Bson::Date(1), "1970-01-01T00:00:00.001Z"),
            (Bson::Binary(0, vec![1]), "AQ=="),
            (fields! {"a": "\""}.into(), r#"{"a":"\""}"#),
            (Bson::Raw(0x7f, vec![]), r#"{"$maxKey":1}"#),
        ] {
            assert_eq!(of(value, key_text), text);
        }
    }

    #[test]
    fn values_are_told_as_javascript_does() {
        let date = "Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)";
        assert_eq!(of(Bson::Date(1), value_text), date);
        assert_eq!(of(list![1, Bson::Null, list!["a"]], value_text), "1,,a");
    }
}
