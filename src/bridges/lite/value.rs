//! Values into and out of SQLite.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::error::JobError;
use crate::json::{Out, write_bytes, write_f64, write_i64, write_lossy};

/// Integers up to this one are exact as doubles.
const MAX_EXACT: u64 = 1 << 53;

/// A value by its storage class.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::bridges) enum Value<'a> {
    /// NULL
    Null,
    /// An integer.
    Integer(i64),
    /// A double.
    Real(f64),
    /// Text, which need not be UTF-8.
    Text(Cow<'a, [u8]>),
    /// Bytes.
    Blob(Cow<'a, [u8]>),
}

impl<'a> Value<'a> {
    /// A text.
    pub fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text.as_bytes()))
    }

    /// A text, borrowed or not.
    pub fn of_text(text: Cow<'a, str>) -> Self {
        Self::Text(match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        })
    }

    /// Bytes of a text or a blob.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(bytes) | Self::Blob(bytes) => bytes.len(),
            Self::Null | Self::Integer(_) | Self::Real(_) => 0,
        }
    }

    /// True when JSON has a form for it: not for infinities, nor for texts that are not UTF-8.
    pub fn has_json(&self) -> bool {
        match self {
            Self::Real(float) => float.is_finite(),
            Self::Text(bytes) => std::str::from_utf8(bytes).is_ok(),
            Self::Null | Self::Integer(_) | Self::Blob(_) => true,
        }
    }

    /// The same, borrowed from nothing.
    pub(super) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Integer(whole) => Value::Integer(whole),
            Self::Real(float) => Value::Real(float),
            Self::Text(bytes) => Value::Text(Cow::Owned(bytes.into_owned())),
            Self::Blob(bytes) => Value::Blob(Cow::Owned(bytes.into_owned())),
        }
    }

    /// The error of a value without the storage class that was asked for.
    pub(super) fn unclassed() -> JobError {
        let text = "the database answered without the storage class that it was asked for";
        JobError::query_failed(text)
    }
}

/// True for an integer that is one as a double.
pub(in crate::bridges) fn is_exact(whole: i64) -> bool {
    whole.unsigned_abs() <= MAX_EXACT
}

/// A value of a job as SQLite takes it. Numbers are REAL, as the official drivers bind them: it decides
/// what they equal in columns without a numeric type. Integers that a double cannot hold stay integers.
pub(super) fn bind(value: &Json) -> Result<Value<'_>, JobError> {
    Ok(match value {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Integer(i64::from(*truth)),
        Json::String(text) => Value::text(text),
        Json::Number(number) => match number.as_i64() {
            Some(whole) if !is_exact(whole) => Value::Integer(whole),
            _ => Value::Real(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::Array(_) | Json::Object(_) => {
            return Err(JobError::invalid_options(
                "options.where",
                "SQLite cannot compare with a list or an object",
            ));
        }
    })
}

/// Writes a value by its storage class.
pub(in crate::bridges) fn write_value(out: &mut impl Out, value: &Value<'_>) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Integer(whole) => write_i64(out, *whole),
        Value::Real(float) => write_f64(out, *float),
        Value::Text(bytes) => write_lossy(out, bytes),
        Value::Blob(bytes) => write_bytes(out, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Text;
    use serde_json::json;

    #[test]
    fn numbers_are_real_while_that_is_exact() {
        for (value, want) in [
            (json!(42), Value::Real(42.0)),
            (json!(-0.5), Value::Real(-0.5)),
            (json!(9007199254740992u64), Value::Real(9007199254740992.0)),
            (json!(9007199254740993u64), Value::Integer(9007199254740993)),
            (json!(i64::MIN), Value::Integer(i64::MIN)),
            (json!(u64::MAX), Value::Real(18446744073709551615.0)),
            (json!(true), Value::Integer(1)),
            (json!(null), Value::Null),
        ] {
            assert_eq!(bind(&value).unwrap(), want, "{value}");
        }
        assert!(bind(&json!([1])).is_err());
        assert!(bind(&json!({})).is_err());
    }

    #[test]
    fn what_has_no_form_in_json_is_known() {
        for value in [
            Value::Real(f64::INFINITY),
            Value::Text(Cow::Borrowed(&[0xff])),
        ] {
            assert!(!value.has_json(), "{value:?}");
        }
        for value in [
            Value::Real(1.0),
            Value::text("é"),
            Value::Blob(Cow::Borrowed(&[0xff])),
        ] {
            assert!(value.has_json(), "{value:?}");
        }
    }

    #[test]
    fn text_that_is_not_utf8_is_mended() {
        let mut out = Text::new();
        write_value(&mut out, &Value::Text(Cow::Borrowed(&[0xff, b'A'])));
        assert_eq!(out.as_str(), "\"\u{fffd}A\"");
    }
}
