//! Rows of a service, which come as JSON.

use std::borrow::Cow;

use super::Remote;
use crate::bridges::lite::{Cells, EachCells, Value};
use crate::bridges::remembered::Weighed;
use crate::bridges::service::not_understood;
use crate::error::JobError;
use crate::json::{Raw, Text};
use crate::limits;

/// The names of a result's columns. `None` where one is none, or where they are more than any database has.
pub(in crate::bridges) fn names<'a>(
    columns: impl Iterator<Item = Option<Cow<'a, str>>>,
) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut left = limits::COLUMN_NAMES_BYTES;
    for name in columns {
        let name = name?;
        left = left.checked_sub(name.len())?;
        if names.len() == limits::RESULT_COLUMNS {
            return None;
        }
        names.push(name.into_owned());
    }
    Some(names)
}

/// A row.
pub(super) struct Record<'a> {
    remote: &'a dyn Remote,
    names: &'a [String],
    values: Vec<Raw<'a>>,
}

impl<'a> Record<'a> {
    /// Takes the list of its values, of which there is one for each name.
    pub fn new(
        remote: &'a dyn Remote,
        names: &'a [String],
        row: Raw<'a>,
    ) -> Result<Self, JobError> {
        Self::of(remote, (names, names.len()), row)
    }

    /// Takes one of so many values whose names do not matter.
    fn of(
        remote: &'a dyn Remote,
        (names, width): (&'a [String], usize),
        row: Raw<'a>,
    ) -> Result<Self, JobError> {
        // One more shows that there are more.
        let values: Vec<_> = row.elements().take(width.saturating_add(1)).collect();
        match values.len() == width {
            true => Ok(Self {
                remote,
                names,
                values,
            }),
            false => Err(not_understood(remote.called())),
        }
    }
}

impl Cells for Record<'_> {
    fn width(&self) -> usize {
        self.values.len()
    }

    fn name(&self, column: usize) -> Result<&str, JobError> {
        Ok(self.names.get(column).map_or("", String::as_str))
    }

    fn value(&self, column: usize) -> Result<Value<'_>, JobError> {
        let value = self.values.get(column);
        let value = value.and_then(|value| self.remote.value(*value));
        value.ok_or_else(|| not_understood(self.remote.called()))
    }

    fn write_value(&self, out: &mut Text, column: usize) -> Result<(), JobError> {
        self.remote.write(out, &self.value(column)?);
        Ok(())
    }
}

/// The few rows of a statement, without the names of its columns.
#[derive(Default, Clone, PartialEq, Eq)]
pub(super) struct Rows {
    /// How many values each has.
    width: usize,
    count: usize,
    /// The list of them, as JSON; nothing while there are none.
    list: String,
}

impl Weighed for Rows {
    fn weight(&self) -> usize {
        self.list.len()
    }
}

impl Rows {
    /// Keeps a row.
    pub fn push(
        &mut self,
        remote: &dyn Remote,
        names: &[String],
        row: Raw<'_>,
    ) -> Result<(), JobError> {
        let bytes = self.list.len().saturating_add(row.as_str().len());
        if bytes > limits::REMOTE_CATALOG_BYTES || self.count == limits::RESULT_COLUMNS {
            return Err(not_understood(remote.called()));
        }
        self.width = names.len();
        self.count += 1;
        let first = self.list.pop().is_none();
        self.list.push(if first { '[' } else { ',' });
        self.list.push_str(row.as_str());
        self.list.push(']');
        Ok(())
    }

    /// Hands them over, as long as they are wanted.
    pub fn hand_over(&self, remote: &dyn Remote, each: &mut EachCells<'_>) -> Result<(), JobError> {
        for row in Raw::known(&self.list).elements() {
            let row = Record::of(remote, (&[], self.width), row)?;
            if each(&row)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}
