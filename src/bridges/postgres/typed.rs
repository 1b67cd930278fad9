//! Values of rows one by one, as aggregates show them.

use postgres::Row;

use super::form::{EPOCH_MICROS, Form};
use super::row::{changed, raw, unreadable};
use super::time_label::write_time_label;
use super::types::{Cast, array_type, cast, form};
use crate::error::JobError;
use crate::json::{Text, js_date_text, js_number, js_string, write_millis, write_number_of_text};
use crate::options::TimeUnit;
use crate::sql::ColumnFacts;

/// What a column of this type needs.
pub(super) fn facts(oid: u32) -> ColumnFacts {
    let shown = match cast(oid) {
        Cast::None => "",
        Cast::Text => "::text",
        Cast::TextArray => "::text[]",
    };
    ColumnFacts {
        utc: match oid {
            // date, timestamptz: both would be told in the session's time zone.
            1082 => "::timestamp",
            1184 => " AT TIME ZONE 'UTC'",
            _ => "",
        },
        shown,
        grouped: match oid {
            // xid, cid, aclitem: they can be equal but have no order.
            28 | 29 | 1033 => "::text",
            _ => "",
        },
        // A list of arrays would be one array of more dimensions, if it is any.
        carried: match (cast(oid), array_type(oid)) {
            (Cast::None, None) => ("", ""),
            (Cast::None, Some(array)) => ("::text", array),
            (Cast::Text, _) => ("::text", ""),
            (Cast::TextArray, _) => ("::text", "::text[]"),
        },
    }
}

/// Appends the value as rows show it.
pub(super) fn write(row: &Row, out: &mut Text, column: usize) -> Result<(), JobError> {
    match value(row, column)? {
        None => out.push_str("null"),
        Some(value) => value.write(out).ok_or_else(|| unreadable(row, column))?,
    }
    Ok(())
}

/// Appends the value as a number.
pub(super) fn write_number(row: &Row, out: &mut Text, column: usize) -> Result<(), JobError> {
    match value(row, column)? {
        None => out.push_str("null"),
        Some(value) => value
            .write_number(out)
            .ok_or_else(|| unreadable(row, column))?,
    }
    Ok(())
}

/// Appends the label of a time bucket.
pub(super) fn write_time(
    row: &Row,
    out: &mut Text,
    column: usize,
    unit: TimeUnit,
) -> Result<(), JobError> {
    match value(row, column)? {
        Some(value) if value.form == Form::Timestamp && !value.array => {
            let instant = value.instant().ok_or_else(|| unreadable(row, column))?;
            write_time_label(out, unit, instant);
        }
        // NULL, or a time of day: `date_trunc` makes an interval of it.
        _ => out.push_str("null"),
    }
    Ok(())
}

/// The value as a text.
pub(super) fn text(row: &Row, column: usize) -> Result<String, JobError> {
    match value(row, column)? {
        None => Ok("null".to_owned()),
        Some(value) => value.text().ok_or_else(|| unreadable(row, column)),
    }
}

/// A number of rows, or a rank.
pub(super) fn whole(row: &Row, column: usize) -> Result<u64, JobError> {
    let Some(Typed { form, bytes, .. }) = value(row, column)? else {
        return Err(unreadable(row, column));
    };
    let number = match form {
        Form::Int8 => bytes.try_into().ok().map(i64::from_be_bytes),
        Form::Int4 => bytes.try_into().ok().map(|b| i32::from_be_bytes(b).into()),
        _ => None,
    };
    number
        .and_then(|number| u64::try_from(number).ok())
        .ok_or_else(|| unreadable(row, column))
}

/// A value as it came, with how it is to be read.
struct Typed<'a> {
    form: Form,
    array: bool,
    bytes: &'a [u8],
}

/// A value of a row; `None` for NULL.
fn value(row: &Row, column: usize) -> Result<Option<Typed<'_>>, JobError> {
    let Some(bytes) = raw(row, column)? else {
        return Ok(None);
    };
    let known = row.columns().get(column);
    let (form, array) = known
        .and_then(|column| form(column.type_().oid()))
        .ok_or_else(|| changed(known.map_or("", |column| column.name())))?;
    Ok(Some(Typed { form, array, bytes }))
}

/// All of these are `None` when the bytes are not a value of the form.
impl Typed<'_> {
    fn write(&self, out: &mut Text) -> Option<()> {
        if self.array {
            self.form.write_array(out, self.bytes)
        } else {
            self.form.write(out, self.bytes)
        }
    }

    /// As `Number(x)` has it in JavaScript.
    fn write_number(&self, out: &mut Text) -> Option<()> {
        match self.form {
            Form::Int2 | Form::Int4 | Form::Oid | Form::Float4 | Form::Float8 if !self.array => {
                self.write(out)
            }
            Form::Date | Form::Timestamp if !self.array => {
                write_millis(out, self.instant()?);
                Some(())
            }
            _ => {
                write_number_of_text(out, &self.text()?);
                Some(())
            }
        }
    }

    /// As `String(x)` has it in JavaScript.
    fn text(&self) -> Option<String> {
        match self.form {
            Form::Date | Form::Timestamp if !self.array => self.instant().map(js_date_text),
            Form::Bytea if !self.array => Some(String::from_utf8_lossy(self.bytes).into_owned()),
            Form::Float8 if !self.array => {
                let bytes = self.bytes.try_into().ok()?;
                Some(js_number(f64::from_be_bytes(bytes)))
            }
            _ => {
                let mut json = Text::new();
                self.write(&mut json)?;
                let value = serde_json::from_str(json.as_str()).ok()?;
                Some(js_string(&value))
            }
        }
    }

    /// Microseconds since 1970 of a date or timestamp; far outside what a JavaScript `Date` can hold when
    /// it is infinite.
    fn instant(&self) -> Option<i64> {
        if self.form == Form::Date {
            return Some(match i32::from_be_bytes(self.bytes.try_into().ok()?) {
                i32::MAX | i32::MIN => i64::MAX,
                days => i64::from(days) * 86_400_000_000 + EPOCH_MICROS,
            });
        }
        let micros = i64::from_be_bytes(self.bytes.try_into().ok()?);
        Some(micros.saturating_add(EPOCH_MICROS))
    }
}
