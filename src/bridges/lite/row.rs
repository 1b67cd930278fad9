//! Rows as JSON.

use super::select::List;
use super::storage::of_exact;
use super::value::{Value, write_value};
use crate::bridges::sql;
use crate::error::JobError;
use crate::json::{Text, js_number, write_number_of_text, write_string};
use crate::sql::Cursor;

/// A row of a statement, as the engine hands it over.
pub(in crate::bridges) trait Cells {
    /// How many values it has.
    fn width(&self) -> usize;

    /// The name of a column.
    fn name(&self, column: usize) -> Result<&str, JobError>;

    /// The value in a column.
    fn value(&self, column: usize) -> Result<Value<'_>, JobError>;

    /// Appends the value in a column as rows show it.
    fn write_value(&self, out: &mut Text, column: usize) -> Result<(), JobError> {
        write_value(out, &self.value(column)?);
        Ok(())
    }

    /// Appends the row as a JSON object.
    fn write(&self, layout: &Layout, out: &mut Text) -> Result<(), JobError> {
        layout.write(out, |out, column| self.write_value(out, column))
    }
}

impl dyn Cells + '_ {
    /// The integer in a column.
    pub fn integer(&self, column: usize) -> Result<i64, JobError> {
        match self.value(column)? {
            Value::Integer(whole) => Ok(whole),
            _ => Err(JobError::query_failed(
                "the database answered without the integer that it was asked for",
            )),
        }
    }

    /// The text in a column; `None` for NULL.
    pub fn text(&self, column: usize) -> Result<Option<String>, JobError> {
        Ok(match self.value(column)? {
            Value::Null => None,
            value => Some(text(value)),
        })
    }
}

/// A value as text, NULL included.
fn text(value: Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Integer(whole) => whole.to_string(),
        Value::Real(float) => js_number(float),
        Value::Text(bytes) | Value::Blob(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// The keys of the rows of one statement, escaped once.
pub(in crate::bridges) struct Layout {
    /// The number of a shown column, and its key with what is around it: `{"id":` or `,"id":`.
    keys: Vec<(usize, String)>,
}

impl Layout {
    /// Takes the column names of a row; the last `hidden` columns are not shown.
    pub(super) fn new(cells: &dyn Cells, hidden: usize) -> Result<Self, JobError> {
        let shown = cells.width().saturating_sub(hidden);
        let names = (0..shown).map(|i| cells.name(i));
        let names = names.collect::<Result<Vec<_>, _>>()?;
        let mut keys = Vec::with_capacity(names.len());
        for (i, name) in names.iter().enumerate() {
            // Of columns of the same name the last one counts.
            if !names.iter().skip(i + 1).any(|later| later == name) {
                let mut key = String::from(if keys.is_empty() { "{" } else { "," });
                write_string(&mut key, name);
                key.push(':');
                keys.push((i, key));
            }
        }
        Ok(Self { keys })
    }

    /// Appends an object of which `write` appends the value in a column.
    fn write(
        &self,
        out: &mut Text,
        mut write: impl FnMut(&mut Text, usize) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        for (i, key) in &self.keys {
            out.push_str(key);
            write(out, *i)?;
        }
        out.push_str(if self.keys.is_empty() { "{}" } else { "}" });
        Ok(())
    }
}

/// A row of a statement as jobs see it.
pub(super) struct LiteRow<'a> {
    pub cells: &'a dyn Cells,
    pub layout: &'a Layout,
    pub list: &'a List,
}

impl sql::Row for LiteRow<'_> {
    fn write_row(&self, out: &mut Text) -> Result<(), JobError> {
        if !self.list.selected.exact {
            return self.cells.write(self.layout, out);
        }
        self.layout.write(out, |out, column| {
            match self.cells.value(column)? {
                text @ Value::Text(_) => write_value(out, &of_exact(text)?),
                _ => self.cells.write_value(out, column)?,
            }
            Ok(())
        })
    }

    fn cursor(&self) -> Result<String, JobError> {
        let columns = self.cells.width();
        let places = self.list.selected.places.iter();
        let values = places
            .map(|place| self.cells.value(columns.saturating_sub(*place)))
            .collect::<Result<Vec<_>, _>>()?;
        Cursor::check(values.iter().map(Value::len))?;
        let key = self.list.key.as_ref();
        key.map_or_else(|| Ok(String::new()), |key| key.cursor(values))
    }
}

impl sql::Values for LiteRow<'_> {
    fn write(&self, out: &mut Text, column: usize) -> Result<(), JobError> {
        self.cells.write_value(out, column)
    }

    fn write_number(&self, out: &mut Text, column: usize) -> Result<(), JobError> {
        match self.cells.value(column)? {
            Value::Text(bytes) | Value::Blob(bytes) => {
                write_number_of_text(out, &String::from_utf8_lossy(&bytes));
            }
            number_or_null => write_value(out, &number_or_null),
        }
        Ok(())
    }

    fn text(&self, column: usize) -> Result<String, JobError> {
        Ok(text(self.cells.value(column)?))
    }

    fn whole(&self, column: usize) -> Result<u64, JobError> {
        Ok(u64::try_from(self.cells.integer(column)?).unwrap_or(0))
    }
}
