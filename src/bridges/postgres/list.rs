//! What statements select: the columns of a target in a form that we read, and in a walk its key.

use std::sync::{Arc, OnceLock};

use postgres::Row;

use super::dialect::POSTGRES;
use super::form::Form;
use super::row::{Layout, raw, unreadable};
use super::types::{Cast, Column, cast, form};
use crate::error::JobError;
use crate::json::Text;
use crate::json::js_number;
use crate::sql::{Cursor, Dialect};

/// Columns of a relation as a statement asks for them, so that each arrives in a form we read.
pub struct SelectList {
    /// Names of the columns. What is asked for twice is shown once.
    pub shown: Vec<String>,
    /// The SQL.
    pub sql: String,
    /// How such rows were written before.
    layout: OnceLock<Arc<Layout>>,
}

impl SelectList {
    /// The list for these columns.
    pub fn new(columns: &[Column], names: &[String]) -> Self {
        let mut shown: Vec<String> = Vec::with_capacity(names.len());
        let mut sql = String::new();
        let dialect: &dyn Dialect = &POSTGRES;
        for name in names {
            if shown.contains(name) {
                continue;
            }
            if !shown.is_empty() {
                sql.push_str(", ");
            }
            dialect.write_column(name, &mut sql);
            // System columns are not in the catalog's list; what does not exist is the database's to say.
            let suffix =
                match Column::find(columns, name).map_or(Cast::Text, |known| cast(known.oid)) {
                    Cast::None => "",
                    Cast::Text => "::text",
                    Cast::TextArray => "::text[]",
                };
            if !suffix.is_empty() {
                sql.push_str(suffix);
                sql.push_str(" AS ");
                dialect.write_quoted(name, &mut sql);
            }
            shown.push(name.clone());
        }
        Self {
            shown,
            sql,
            layout: OnceLock::new(),
        }
    }

    /// The list for what is not in the catalog.
    pub fn unknown() -> Arc<Self> {
        Arc::new(Self {
            shown: Vec::new(),
            sql: "*".into(),
            layout: OnceLock::new(),
        })
    }

    /// How rows like this one are written; see [`Layout::new`] for its errors.
    pub fn layout(&self, row: &Row) -> Result<Arc<Layout>, JobError> {
        if let Some(layout) = self.layout.get()
            && layout.fits(row)
        {
            return Ok(Arc::clone(layout));
        }
        let layout = Arc::new(Layout::new(row, self.shown.len())?);
        // The first one is as good, unless the table has changed since; then the list is soon another.
        let _ = self.layout.set(Arc::clone(&layout));
        Ok(layout)
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
    /// columns, the server's own text is taken, which it reads back exactly, to the microsecond: sessions are set up for
    /// that.
    pub fn select(columns: &[Column], key: &[String], shown: &[String], list: &mut String) -> Self {
        let mut next = shown.len();
        let mut positions = Vec::with_capacity(key.len());
        for name in key {
            let oid = Column::find(columns, name).map_or(0, |column| column.oid);
            let plain =
                key.len() == 1 && form(oid).is_some_and(|(form, array)| !array && is_plain(form));
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
                list.push_str(&(&POSTGRES as &dyn Dialect).column(name));
                if !plain {
                    list.push_str("::text");
                }
            }
        }
        Self { positions }
    }

    /// The key of a row.
    pub fn cursor(&self, row: &Row) -> Result<Cursor, JobError> {
        let raws = self.positions.iter().map(|position| raw(row, *position));
        Cursor::check(raws.flatten().flatten().map(<[u8]>::len))?;
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
                let mut json = Text::new();
                let written = form.write(&mut json, value);
                written.and_then(|()| unquoted(json.into_string()))
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
