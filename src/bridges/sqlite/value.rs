//! Values into and out of SQLite.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use serde_json::Value;

use crate::error::JobError;
use crate::json::{Text, write_bytes, write_f64, write_i64, write_string};

/// Integers up to this one are exact as doubles.
const MAX_EXACT: u64 = 1 << 53;

/// A value to bind.
#[derive(Debug, PartialEq)]
pub(super) enum Param<'a> {
    /// Anything the driver has a form for.
    Value(ToSqlOutput<'a>),
    /// Text that need not be UTF-8.
    RawText(Vec<u8>),
}

impl<'a> Param<'a> {
    pub(super) fn text(text: &'a str) -> Self {
        Self::Value(ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())))
    }

    pub(super) fn owned(value: Owned) -> Self {
        Self::Value(ToSqlOutput::Owned(value))
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Value(value) => value.to_sql(),
            Self::RawText(bytes) => Ok(ToSqlOutput::Borrowed(ValueRef::Text(bytes))),
        }
    }
}

/// A value of a job as SQLite takes it. Numbers are REAL, as the official driver binds them: it decides
/// what they equal in columns without a numeric type. Integers that a double cannot hold stay integers.
pub(super) fn bind(value: &Value) -> Result<Param<'_>, JobError> {
    Ok(match value {
        Value::Null => Param::owned(Owned::Null),
        Value::Bool(truth) => Param::owned(Owned::Integer(i64::from(*truth))),
        Value::String(text) => Param::text(text),
        Value::Number(number) => Param::owned(match number.as_i64() {
            Some(whole) if whole.unsigned_abs() > MAX_EXACT => Owned::Integer(whole),
            _ => Owned::Real(number.as_f64().unwrap_or(f64::NAN)),
        }),
        Value::Array(_) | Value::Object(_) => {
            return Err(JobError::invalid_options(
                "options.where",
                "SQLite cannot compare with a list or an object",
            ));
        }
    })
}

/// Writes a value by its storage class.
pub(in crate::bridges) fn write_value(out: &mut Text, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => out.push_str("null"),
        ValueRef::Integer(whole) => write_i64(out, whole),
        ValueRef::Real(float) => write_f64(out, float),
        ValueRef::Text(bytes) => write_string(out, &String::from_utf8_lossy(bytes)),
        ValueRef::Blob(bytes) => write_bytes(out, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_real_while_that_is_exact() {
        for (value, want) in [
            (json!(42), Owned::Real(42.0)),
            (json!(-0.5), Owned::Real(-0.5)),
            (json!(9007199254740992u64), Owned::Real(9007199254740992.0)),
            (json!(9007199254740993u64), Owned::Integer(9007199254740993)),
            (json!(i64::MIN), Owned::Integer(i64::MIN)),
            (json!(u64::MAX), Owned::Real(18446744073709551615.0)),
            (json!(true), Owned::Integer(1)),
            (json!(null), Owned::Null),
        ] {
            assert_eq!(bind(&value).unwrap(), Param::owned(want), "{value}");
        }
        assert!(bind(&json!([1])).is_err());
        assert!(bind(&json!({})).is_err());
    }

    #[test]
    fn text_that_is_not_utf8_is_mended() {
        let mut out = Text::new();
        write_value(&mut out, ValueRef::Text(&[0xff, b'A']));
        assert_eq!(&*out, "\"\u{fffd}A\"");
    }
}
