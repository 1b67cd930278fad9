//! One row of the server as one JSON object, straight from the wire's bytes into the frame's text.

use std::error::Error;
use std::sync::{Arc, OnceLock};

use postgres::Row;
use postgres::types::{FromSql, Type};

use crate::bridges::postgres::catalog::Relation;
use crate::bridges::postgres::error;
use crate::bridges::postgres::form::{Cast, Form, cast, form};
use crate::error::{ErrorCode, JobError};
use crate::json::{js_number, write_string};
use crate::sql::{Cursor, Dialect};

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

/// Columns of a relation as a statement asks for them, so that each arrives in a form we read.
pub struct SelectList {
    /// Names of the columns. What is asked for twice is shown once.
    pub shown: Vec<String>,
    /// The SQL.
    pub sql: String,
    /// What has written such rows before.
    writer: OnceLock<Arc<RowWriter>>,
}

impl SelectList {
    /// The list for these columns.
    pub fn new(relation: &Relation, names: &[String]) -> Self {
        let mut shown: Vec<String> = Vec::with_capacity(names.len());
        let mut sql = String::new();
        for name in names {
            if shown.contains(name) {
                continue;
            }
            if !shown.is_empty() {
                sql.push_str(", ");
            }
            Dialect::Postgres.write_column(name, &mut sql);
            // System columns are not in the catalog's list; what does not exist is the database's to say.
            let suffix = match relation
                .column(name)
                .map_or(Cast::Text, |known| cast(known.oid))
            {
                Cast::None => "",
                Cast::Text => "::text",
                Cast::TextArray => "::text[]",
            };
            if !suffix.is_empty() {
                sql.push_str(suffix);
                sql.push_str(" AS ");
                Dialect::Postgres.write_quoted(name, &mut sql);
            }
            shown.push(name.clone());
        }
        Self {
            shown,
            sql,
            writer: OnceLock::new(),
        }
    }

    /// The list for what is not in the catalog.
    pub fn unknown() -> Arc<Self> {
        Arc::new(Self {
            shown: Vec::new(),
            sql: "*".into(),
            writer: OnceLock::new(),
        })
    }

    /// A writer of rows like this one; see [`RowWriter::new`] for its errors.
    pub fn writer(&self, row: &Row) -> Result<Arc<RowWriter>, JobError> {
        if let Some(writer) = self.writer.get()
            && writer.fits(row)
        {
            return Ok(Arc::clone(writer));
        }
        let writer = Arc::new(RowWriter::new(row, self.shown.len())?);
        // The first one is as good, unless the table has changed since; then the list is soon another.
        let _ = self.writer.set(Arc::clone(&writer));
        Ok(writer)
    }
}

/// Writes rows of one statement.
pub struct RowWriter {
    columns: Vec<ColumnWriter>,
}

struct ColumnWriter {
    /// `{"name":` or `,"name":`.
    key: String,
    oid: u32,
    form: Form,
    array: bool,
}

impl RowWriter {
    /// A writer of the first `shown` columns of a row like this one. Fails with a lost connection when a
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
                Ok(ColumnWriter {
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
    fn fits(&self, row: &Row) -> bool {
        let columns = row.columns();
        self.columns.len() <= columns.len()
            && self
                .columns
                .iter()
                .zip(columns)
                .all(|(writer, column)| writer.oid == column.type_().oid())
    }

    /// Appends one row.
    pub fn write(&self, out: &mut String, row: &Row) -> Result<(), JobError> {
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

/// The key's columns in the rows of a `read`.
pub struct KeyColumns {
    /// Where in a row each is, most significant first.
    positions: Vec<usize>,
}

impl KeyColumns {
    /// Finds the key among the shown columns, or adds it to the select list after them. What JSON shows as
    /// a plain string or number is a cursor as it is shown; of anything else, and in a key of several
    /// columns, the server's own text is taken, which it reads back exactly, to the microsecond.
    pub fn select(relation: &Relation, shown: &[String], list: &mut String) -> Self {
        let mut next = shown.len();
        let mut positions = Vec::with_capacity(relation.key.len());
        for name in &relation.key {
            let oid = relation.column(name).map_or(0, |column| column.oid);
            let plain = relation.key.len() == 1
                && form(oid).is_some_and(|(form, array)| !array && is_plain(form));
            let position = shown
                .iter()
                .position(|shown| shown == name)
                .filter(|_| plain);
            positions.push(position.unwrap_or(next));
            if position.is_none() {
                next += 1;
                if !list.is_empty() {
                    list.push_str(", ");
                }
                list.push_str(&Dialect::Postgres.column(name));
                if !plain {
                    list.push_str("::text");
                }
            }
        }
        Self { positions }
    }

    /// The key of a row.
    pub fn cursor(&self, row: &Row) -> Result<Cursor, JobError> {
        let parts = self
            .positions
            .iter()
            .map(|position| Self::text(row, *position));
        Ok(Cursor::of_parts(parts.collect::<Result<_, _>>()?))
    }

    fn text(row: &Row, index: usize) -> Result<Option<String>, JobError> {
        let Some(value) = raw(row, index)? else {
            return Ok(None);
        };
        let oid = row
            .columns()
            .get(index)
            .map_or(0, |column| column.type_().oid());
        let (form, _) = form(oid).ok_or_else(|| unreadable(row, index))?;
        let text = match (form, value) {
            (Form::Float8, value) => value
                .try_into()
                .ok()
                .map(|bytes| js_number(f64::from_be_bytes(bytes))),
            (Form::Float4, value) => value.try_into().ok().map(|bytes| {
                let value = f32::from_be_bytes(bytes);
                ryu_js::Buffer::new().format(value).to_owned()
            }),
            _ => {
                let mut json = String::new();
                form.write(&mut json, value).and_then(|()| unquoted(json))
            }
        };
        text.map(Some).ok_or_else(|| unreadable(row, index))
    }
}

/// A JSON string's or number's own text.
fn unquoted(json: String) -> Option<String> {
    if json.starts_with('"') {
        serde_json::from_str(&json).ok()
    } else {
        Some(json)
    }
}

fn is_plain(form: Form) -> bool {
    match form {
        Form::Bool
        | Form::Int2
        | Form::Int4
        | Form::Int8
        | Form::Oid
        | Form::Float4
        | Form::Float8
        | Form::Numeric
        | Form::Text
        | Form::Char
        | Form::Uuid
        | Form::Inet
        | Form::Cidr => true,
        Form::NumericNumber
        | Form::Json
        | Form::Jsonb
        | Form::Bytea
        | Form::Date
        | Form::Timestamp
        | Form::Interval
        | Form::Point
        | Form::Circle => false,
    }
}

/// A column has another type than the catalog said; another attempt will know it.
pub(super) fn changed(column: &str) -> JobError {
    JobError::new(
        ErrorCode::QueryFailed,
        format!("column \"{column}\" was changed during the query"),
    )
    .lost()
}

/// The bytes of a value are not what its type says.
pub(super) fn unreadable(row: &Row, index: usize) -> JobError {
    let (name, kind) = row
        .columns()
        .get(index)
        .map_or(("", ""), |c| (c.name(), c.type_().name()));
    JobError::new(
        ErrorCode::QueryFailed,
        format!("the value of column \"{name}\" is not a {kind} as this runner knows it"),
    )
}
