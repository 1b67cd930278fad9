//! Rows as JSON.

use mysql::consts::ColumnType;
use mysql::{Row, Value};

use super::connection::integer;
use super::key::KeyColumn;
use super::layout::{Form, Layout};
use super::time::{DateTime, date_micros, instant_micros};
use super::value::{write_row, write_value};
use crate::bridges::sql;
use crate::error::JobError;
use crate::json::{
    Text, js_date_text, js_number, js_string, write_millis, write_number_of_text, write_u64,
};
use crate::options::TimeUnit;
use crate::sql::Cursor;

/// A row of a statement.
pub(super) struct MySqlRow<'a> {
    pub(super) layout: &'a Layout,
    /// What a cursor is made of; its columns are the last, and not shown.
    pub(super) key: &'a [KeyColumn],
    pub(super) row: &'a Row,
}

impl MySqlRow<'_> {
    fn value(&self, column: usize) -> (&Value, Form) {
        let form = self.layout.fields.get(column);
        (
            self.row.as_ref(column).unwrap_or(&Value::NULL),
            form.map_or(Form::Text, |field| field.form),
        )
    }

    fn is_bits(&self, column: usize) -> bool {
        let column = self.row.columns_ref().get(column);
        column.is_some_and(|column| column.column_type() == ColumnType::MYSQL_TYPE_BIT)
    }
}

/// The instant of a value that rows show as one; `None` inside for what is no instant to JavaScript.
fn instant(value: &Value, form: Form) -> Option<Option<i64>> {
    match (value, form) {
        (Value::Date(..), Form::Date { zero_is_null }) => {
            Some(date_micros(DateTime::of(value), zero_is_null))
        }
        (Value::Date(..), Form::Instant) => Some(instant_micros(DateTime::of(value))),
        _ => None,
    }
}

/// A value as `String(x)` has it in JavaScript.
fn js_text(value: &Value, form: Form) -> String {
    match (value, form) {
        (Value::Double(number), _) => js_number(*number),
        (Value::Bytes(bytes), Form::Bytes | Form::ByteArray) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        _ => {
            let mut json = Text::new();
            write_value(&mut json, value, form);
            let read = serde_json::from_str(json.as_str());
            read.map_or_else(|_| json.into_string(), |value| js_string(&value))
        }
    }
}

impl sql::Row for MySqlRow<'_> {
    fn write_row(&self, out: &mut Text) -> Result<(), JobError> {
        write_row(out, self.layout, |i| self.row.as_ref(i));
        Ok(())
    }

    fn cursor(&self) -> Result<String, JobError> {
        let first = self.row.len().saturating_sub(self.key.len());
        let values = (first..self.row.len()).filter_map(|column| self.row.as_ref(column));
        Cursor::check(values.map(|value| match value {
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        }))?;
        let parts = self.key.iter().enumerate().map(|(i, column)| {
            let value = self.row.as_ref(first + i).unwrap_or(&Value::NULL);
            column.text(value, self.row.columns_ref().get(first + i))
        });
        Ok(Cursor::of_parts(parts.collect()).encode())
    }
}

impl sql::Values for MySqlRow<'_> {
    fn write(&self, out: &mut Text, column: usize) -> Result<(), JobError> {
        let (value, form) = self.value(column);
        write_value(out, value, form);
        Ok(())
    }

    fn write_number(&self, out: &mut Text, column: usize) -> Result<(), JobError> {
        let (value, form) = self.value(column);
        match (value, instant(value, form)) {
            (Value::NULL, _) | (_, Some(None)) => out.push_str("null"),
            (Value::Bytes(bits), None) if self.is_bits(column) => {
                let number = bits
                    .iter()
                    .fold(0, |number, byte| number << 8 | u64::from(*byte));
                write_u64(out, number);
            }
            (_, Some(Some(micros))) => write_millis(out, micros),
            (Value::Int(_) | Value::UInt(_) | Value::Float(_) | Value::Double(_), None) => {
                write_value(out, value, Form::Number);
            }
            (_, None) => write_number_of_text(out, &js_text(value, form)),
        }
        Ok(())
    }

    fn write_time(&self, out: &mut Text, column: usize, _: TimeUnit) -> Result<(), JobError> {
        // The label was made by the statement; NULL is what is no time.
        let (value, _) = self.value(column);
        write_value(out, value, Form::Text);
        Ok(())
    }

    fn text(&self, column: usize) -> Result<String, JobError> {
        let (value, form) = self.value(column);
        Ok(match instant(value, form) {
            Some(Some(micros)) => js_date_text(micros),
            Some(None) => "Invalid Date".to_owned(),
            None => js_text(value, form),
        })
    }

    fn whole(&self, column: usize) -> Result<u64, JobError> {
        Ok(integer(self.row, column))
    }
}
