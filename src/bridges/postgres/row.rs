//! One row of the server as one JSON object, straight from the wire's bytes into the frame's text.

use std::error::Error;

use postgres::Row;
use postgres::types::{FromSql, Type};

use super::error;
use super::form::Form;
use super::types::form;
use crate::error::{JobError, Retry};
use crate::json::{Text, write_string};

/// A value's bytes as they came, or `None` for NULL.
struct Raw<'a>(Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A value's bytes as they came; `None` for NULL.
pub(super) fn raw(row: &Row, index: usize) -> Result<Option<&[u8]>, JobError> {
    row.try_get::<_, Raw<'_>>(index)
        .map(|raw| raw.0)
        .map_err(|e| error::executing(&e))
}

/// How the rows of one statement are written.
pub struct Layout {
    columns: Vec<Field>,
}

struct Field {
    /// `{"name":` or `,"name":`.
    key: String,
    oid: u32,
    form: Form,
    array: bool,
}

impl Layout {
    /// That of the first `shown` columns of a row like this one. Fails when a
    /// column has a type that was not expected: the table was changed a moment ago, and another attempt
    /// will know it.
    pub fn new(row: &Row, shown: usize) -> Result<Self, JobError> {
        let columns = row
            .columns()
            .iter()
            .take(shown)
            .enumerate()
            .map(|(i, column)| {
                let oid = column.type_().oid();
                let (form, array) = form(oid).ok_or_else(|| changed(column.name()))?;
                let mut key = String::from(if i == 0 { "{" } else { "," });
                write_string(&mut key, column.name());
                key.push(':');
                Ok(Field {
                    key,
                    oid,
                    form,
                    array,
                })
            });
        Ok(Self {
            columns: columns.collect::<Result<_, JobError>>()?,
        })
    }

    /// True when the columns of such a row have the types of those it was made for.
    pub fn fits(&self, row: &Row) -> bool {
        let columns = row.columns();
        self.columns.len() <= columns.len()
            && self
                .columns
                .iter()
                .zip(columns)
                .all(|(field, column)| field.oid == column.type_().oid())
    }

    /// Appends one row.
    pub fn write(&self, out: &mut Text, row: &Row) -> Result<(), JobError> {
        if self.columns.is_empty() {
            out.push('{');
        }
        for (i, column) in self.columns.iter().enumerate() {
            out.push_str(&column.key);
            let written = match raw(row, i)? {
                None => {
                    out.push_str("null");
                    Some(())
                }
                Some(value) if column.array => column.form.write_array(out, value),
                Some(value) => column.form.write(out, value),
            };
            written.ok_or_else(|| unreadable(row, i))?;
        }
        out.push('}');
        Ok(())
    }
}

/// A column has another type than the catalog said; another attempt will know it.
pub(super) fn changed(column: &str) -> JobError {
    JobError::query_failed(format!("column \"{column}\" was changed during the query"))
        .with(Retry::Anew)
}

/// The bytes of a value are not what its type says.
pub(super) fn unreadable(row: &Row, index: usize) -> JobError {
    let (name, kind) = row
        .columns()
        .get(index)
        .map_or(("", ""), |c| (c.name(), c.type_().name()));
    JobError::query_failed(format!(
        "the value of column \"{name}\" is not a {kind} as this runner knows it"
    ))
}
