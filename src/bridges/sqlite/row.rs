//! Rows as JSON.

use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};

use super::session::{List, SqliteSession};
use super::value::write_value;
use crate::bridges::sql;
use crate::error::JobError;
use crate::json::{Text, js_number, write_number_of_text, write_string};

/// The keys of the rows of one statement, escaped once.
pub(super) struct Layout {
    /// One a shown column, with its colon: `"id":`. `None` where a later column has the same name.
    keys: Vec<Option<String>>,
}

impl Layout {
    /// Takes the column names of a statement that is running; the last `hidden` columns are not shown.
    pub(super) fn new(
        session: &SqliteSession<'_>,
        statement: &Statement<'_>,
        hidden: usize,
    ) -> Result<Self, JobError> {
        let shown = statement.column_count().saturating_sub(hidden);
        let names = (0..shown)
            .map(|i| statement.column_name(i))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| session.failed(&error))?;
        let keys = names
            .iter()
            .enumerate()
            .map(|(i, name)| {
                if names.iter().skip(i + 1).any(|later| later == name) {
                    return None;
                }
                let mut key = String::with_capacity(name.len() + 3);
                write_string(&mut key, name);
                key.push(':');
                Some(key)
            })
            .collect();
        Ok(Self { keys })
    }
}

/// A row of a statement.
pub(super) struct SqliteRow<'a> {
    pub(super) row: &'a Row<'a>,
    pub(super) layout: &'a Layout,
    pub(super) list: &'a List,
    pub(super) session: &'a SqliteSession<'a>,
}

impl SqliteRow<'_> {
    fn value(&self, column: usize) -> Result<ValueRef<'_>, JobError> {
        let value = self.row.get_ref(column);
        value.map_err(|error| self.session.failed(&error))
    }
}

impl sql::Row for SqliteRow<'_> {
    fn write_row(&self, out: &mut Text) -> Result<(), JobError> {
        out.push('{');
        let mut first = true;
        for (i, key) in self.layout.keys.iter().enumerate() {
            let Some(key) = key else { continue };
            if !first {
                out.push(',');
            }
            first = false;
            out.push_str(key);
            write_value(out, self.value(i)?);
        }
        out.push('}');
        Ok(())
    }

    fn cursor(&self) -> Result<String, JobError> {
        let columns = self.row.as_ref().column_count();
        let values = (columns.saturating_sub(self.list.hidden())..columns)
            .map(|i| self.value(i))
            .collect::<Result<Vec<_>, _>>()?;
        let key = self.list.key.as_ref();
        Ok(key.map_or_else(String::new, |key| key.cursor(&values)))
    }
}

impl sql::Values for SqliteRow<'_> {
    fn write(&self, out: &mut Text, column: usize) -> Result<(), JobError> {
        write_value(out, self.value(column)?);
        Ok(())
    }

    fn write_number(&self, out: &mut Text, column: usize) -> Result<(), JobError> {
        match self.value(column)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                write_number_of_text(out, &String::from_utf8_lossy(bytes));
            }
            number_or_null => write_value(out, number_or_null),
        }
        Ok(())
    }

    fn text(&self, column: usize) -> Result<String, JobError> {
        Ok(match self.value(column)? {
            ValueRef::Null => "null".to_owned(),
            ValueRef::Integer(whole) => whole.to_string(),
            ValueRef::Real(float) => js_number(float),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                String::from_utf8_lossy(bytes).into_owned()
            }
        })
    }

    fn whole(&self, column: usize) -> Result<u64, JobError> {
        let whole = self.row.get::<_, i64>(column);
        let whole = whole.map_err(|error| self.session.failed(&error))?;
        Ok(u64::try_from(whole).unwrap_or(0))
    }
}
