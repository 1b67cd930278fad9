//! Values with their storage class in front. A column of SQLite may hold NULL, values of several storage classes, and
//! text that is not UTF-8: a cursor brings all of them back, and so does a service that rounds its numbers.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::value::{Value, bind};
use crate::error::JobError;
use crate::json::js_number;
use crate::text::{hex, unhex};

/// Selects a value so that it comes exactly where numbers may be rounded or missing: integers, texts and infinities are
/// texts with their storage class in front. For a key a text need not be UTF-8.
pub(super) fn exactly(value: &str, is_key: bool) -> String {
    let texts = match is_key {
        true => format!(
            "'x'||hex({value}) WHEN 'real' THEN iif({value} - {value} = 0, {value}, 'r'||{value})"
        ),
        false => format!("'t'||{value}"),
    };
    format!(
        "CASE typeof({value}) WHEN 'integer' THEN 'i'||{value} WHEN 'text' THEN {texts} ELSE {value} END"
    )
}

/// The value that came so. A number without its class is a double, with a fraction or without.
pub(super) fn of_exact(value: Value<'_>) -> Result<Value<'_>, JobError> {
    Ok(match value {
        Value::Text(Cow::Borrowed(text)) => of_class(text).ok_or_else(Value::unclassed)?,
        Value::Text(Cow::Owned(text)) => {
            let value = of_class(&text).ok_or_else(Value::unclassed)?;
            value.into_owned()
        }
        #[expect(clippy::cast_precision_loss, reason = "it is the text of a double")]
        Value::Integer(whole) => Value::Real(whole as f64),
        other => other,
    })
}

/// A text as [`bind_key`] takes it.
pub(super) fn text_tag(text: &str) -> String {
    format!("t{text}")
}

/// A value with its storage class in front, `None` for NULL.
pub(super) fn tagged(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Integer(whole) => format!("i{whole}"),
        Value::Real(float) => format!("r{}", js_number(*float)),
        Value::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text_tag(text),
            Err(_) => format!("x{}", hex(bytes)),
        },
        Value::Blob(bytes) => format!("b{}", hex(bytes)),
    })
}

/// Binds a value of a `read`: texts carry their storage class in front.
pub(super) fn bind_key(value: &Json) -> Result<Value<'_>, JobError> {
    let Json::String(tagged) = value else {
        return bind(value);
    };
    let foreign = || JobError::invalid_options("options.cursor", "is not one of this runner's");
    of_class(tagged.as_bytes()).ok_or_else(foreign)
}

/// The value of a text with its storage class in front.
fn of_class(tagged: &[u8]) -> Option<Value<'_>> {
    let mut rest = std::str::from_utf8(tagged).ok()?.chars();
    match rest.next()? {
        't' => Some(Value::text(rest.as_str())),
        'i' => rest.as_str().parse().ok().map(Value::Integer),
        'r' => rest.as_str().parse().ok().map(Value::Real),
        'b' => unhex(rest.as_str()).map(|bytes| Value::Blob(bytes.into())),
        'x' => unhex(rest.as_str()).map(|bytes| Value::Text(bytes.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_cursor_brings_every_value_back() {
        for value in [
            Value::Integer(i64::MIN),
            Value::Real(0.1 + 0.2),
            Value::Real(f64::NEG_INFINITY),
            Value::text("i5"),
            Value::Text(Cow::Borrowed(&[0xff, 0])),
            Value::Blob(Cow::Borrowed(&[0, 0xab])),
        ] {
            let json = Json::String(tagged(&value).unwrap());
            assert_eq!(bind_key(&json).unwrap(), value);
        }
        assert_eq!(tagged(&Value::Null), None);
    }

    #[test]
    fn a_value_is_what_its_class_says() {
        let value = |value| of_exact(value).unwrap();
        let text = Value::text;
        let max = value(text("i9223372036854775807"));
        assert_eq!(max, Value::Integer(i64::MAX));
        assert_eq!(value(text("r-Inf")), Value::Real(f64::NEG_INFINITY));
        assert_eq!(value(Value::Integer(1)), Value::Real(1.0));
        assert_eq!(value(text("tInf")), text("Inf"));
        let owned = Value::Text(Cow::Owned(b"xFF41".to_vec()));
        assert_eq!(value(owned), Value::Text(Cow::Borrowed(&[0xff, b'A'])));
        assert_eq!(value(Value::Null), Value::Null);
        assert!(of_exact(text("")).is_err() && of_exact(text("5")).is_err());
    }

    #[test]
    fn a_cursor_of_somebody_else_is_refused() {
        for text in ["", "z", "i", "ix", "b0", "bzz", "b\u{e9}\u{e9}"] {
            let error = bind_key(&Json::String(text.to_owned())).unwrap_err();
            assert!(error.message.starts_with("options.cursor"), "{text}");
        }
    }
}
