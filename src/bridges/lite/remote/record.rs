//! Rows of a service, which come as JSON.

use super::Remote;
use crate::bridges::lite::{Cells, EachCells, Value};
use crate::bridges::service::not_understood;
use crate::error::JobError;
use crate::json::{Raw, Text};
use crate::limits;

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
        let values: Vec<_> = row.elements().collect();
        match values.len() == names.len() {
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

/// The few rows of a statement.
#[derive(Default, Clone, PartialEq, Eq)]
pub(super) struct Rows {
    names: Vec<String>,
    texts: Vec<String>,
    bytes: usize,
}

impl Rows {
    /// Keeps a row.
    pub fn push(
        &mut self,
        remote: &dyn Remote,
        names: &[String],
        row: Raw<'_>,
    ) -> Result<(), JobError> {
        if self.texts.is_empty() {
            self.names = names.to_vec();
        }
        self.bytes += row.as_str().len();
        if self.bytes > limits::REMOTE_CATALOG_BYTES {
            return Err(not_understood(remote.called()));
        }
        self.texts.push(row.as_str().to_owned());
        Ok(())
    }

    /// Hands them over, as long as they are wanted.
    pub fn hand_over(&self, remote: &dyn Remote, each: &mut EachCells<'_>) -> Result<(), JobError> {
        for text in &self.texts {
            let row = Record::new(remote, &self.names, Raw::known(text))?;
            if each(&row)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}
