//! Rows that describe a database instead of holding its data: `listTargets` and `introspectTarget`, in the one
//! form that all bridges answer with.

use crate::error::JobError;
use crate::job::{Held, RowSink};
use crate::json::{object, write_object, write_string, write_u64};
use crate::limits;

/// Sends the row of one target of `listTargets`, unless it is not to be told, or has a name by which no job could ask for
/// it. Which key a gateway reads is not
/// public, so there are both that it may look for.
pub(super) fn send_target(sink: &mut RowSink, name: &str) -> Result<(), JobError> {
    if name.len() > limits::MAX_NAME_BYTES || sink.hides(name) {
        return Ok(());
    }
    sink.row(|out| {
        out.push_str(&object(|row| {
            row.string("name", name).string("target", name);
        }));
        Ok(())
    })
}

/// What a column takes beside its name and its type.
const COLUMN_BYTES: usize = 64;

/// The row of `introspectTarget`, written column by column.
#[derive(Default)]
pub(super) struct Description {
    columns: String,
    held: Held,
    /// Why there is no more of them.
    failed: Option<JobError>,
}

/// A column as `introspectTarget` shows it.
pub(super) struct DescribedColumn<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Its type in the database's own words.
    pub(super) data_type: &'a str,
    /// May hold NULL.
    pub(super) nullable: bool,
    /// Part of the primary key.
    pub(super) primary_key: bool,
}

impl Description {
    /// Adds the next column, unless `sink` is not to tell it.
    pub(super) fn column(&mut self, sink: &RowSink, column: &DescribedColumn<'_>) {
        // Told when it is sent; until then it need not grow.
        if sink.hides(column.name) || self.failed.is_some() {
            return;
        }
        let bytes = column.name.len() + column.data_type.len() + COLUMN_BYTES;
        if self.columns.len().saturating_add(bytes) > limits::DESCRIPTION_BYTES {
            let most = limits::DESCRIPTION_BYTES >> 20;
            self.failed = Some(JobError::query_failed(format!(
                "the columns of the target take more than {most} MB to describe"
            )));
            return;
        }
        if let Err(error) = self.held.add(bytes, "the columns of this target") {
            self.failed = Some(error);
            return;
        }
        let out = &mut self.columns;
        if !out.is_empty() {
            out.push(',');
        }
        write_object(out, |object| {
            object
                .string("name", column.name)
                .string("type", column.data_type)
                .truth("nullable", column.nullable)
                .truth("primaryKey", column.primary_key);
        });
    }

    /// Sends the row for the target `name`, which has `rows` rows.
    pub(super) fn send(self, sink: &mut RowSink, name: &str, rows: u64) -> Result<(), JobError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        sink.row(|out| {
            out.push_str("{\"name\":");
            write_string(out, name);
            out.push_str(",\"columns\":[");
            out.push_str(&self.columns);
            out.push_str("],\"rowCount\":");
            write_u64(out, rows);
            out.push('}');
            Ok(())
        })
    }
}
