//! Parameters. They travel as text with no type, so that the server reads each as the type its place in the
//! statement asks for: the way of the official driver, and the reason why `{"id":"7"}` matches an integer.

use std::error::Error;
use std::fmt;
use std::sync::OnceLock;

use bytes::BytesMut;
use postgres::types::{Format, IsNull, Kind, ToSql, Type, to_sql_checked};
use serde_json::Value;

use crate::json::number_text;

/// One bound value: text, or NULL.
pub struct TextParam(Option<String>);

/// The driver logs parameters.
impl fmt::Debug for TextParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl TextParam {
    /// The text of a JSON value: numbers as JavaScript prints them, arrays as array literals, objects as
    /// JSON.
    pub fn new(value: &Value) -> Self {
        Self(match value {
            Value::Null => None,
            Value::Array(items) => Some(array_literal(items)),
            scalar => Some(scalar_text(scalar)),
        })
    }

    /// How long its text is.
    pub fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, String::len)
    }
}

/// The type that leaves the choice to the server.
pub fn unspecified() -> Type {
    static TYPE: OnceLock<Type> = OnceLock::new();
    TYPE.get_or_init(|| Type::new("unspecified".into(), 0, Kind::Simple, "pg_catalog".into()))
        .clone()
}

impl ToSql for TextParam {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        Ok(match &self.0 {
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                IsNull::No
            }
            None => IsNull::Yes,
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

fn scalar_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number_text(number),
        other => other.to_string(),
    }
}

/// `{"1",NULL,{"a"}}`: every element quoted, nested arrays nested.
fn array_literal(items: &[Value]) -> String {
    let mut out = String::from("{");
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        match item {
            Value::Null => out.push_str("NULL"),
            Value::Array(nested) => out.push_str(&array_literal(nested)),
            scalar => {
                out.push('"');
                for c in scalar_text(scalar).chars() {
                    if c == '"' || c == '\\' {
                        out.push('\\');
                    }
                    out.push(c);
                }
                out.push('"');
            }
        }
    }
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_become_the_text_the_official_driver_sends() {
        for (value, text) in [
            (json!(1e21), Some("1e+21")),
            (json!(7.0), Some("7")),
            (json!(1.5), Some("1.5")),
            (json!(9007199254740993_i64), Some("9007199254740993")),
            (json!(true), Some("true")),
            (json!("it's"), Some("it's")),
            (json!(null), None),
            (json!({"a": [1]}), Some(r#"{"a":[1]}"#)),
            (
                json!([1, null, "q\"\\", [true], {"a": 1}]),
                Some(r#"{"1",NULL,"q\"\\",{"true"},"{\"a\":1}"}"#),
            ),
        ] {
            assert_eq!(TextParam::new(&value).0.as_deref(), text);
        }
    }
}
