//! Values into and out of the driver.

use std::borrow::Cow;

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};

use crate::bridges::lite::Value;

impl<'a> From<ValueRef<'a>> for Value<'a> {
    fn from(value: ValueRef<'a>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(whole) => Self::Integer(whole),
            ValueRef::Real(float) => Self::Real(float),
            ValueRef::Text(bytes) => Self::Text(Cow::Borrowed(bytes)),
            ValueRef::Blob(bytes) => Self::Blob(Cow::Borrowed(bytes)),
        }
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Owned::Null),
            Self::Integer(whole) => ToSqlOutput::Owned(Owned::Integer(*whole)),
            Self::Real(float) => ToSqlOutput::Owned(Owned::Real(*float)),
            Self::Text(bytes) => ToSqlOutput::Borrowed(ValueRef::Text(bytes)),
            Self::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}
