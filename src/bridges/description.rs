//! Rows that describe a database instead of holding its data: `listTargets` and `introspectTarget`, in the one
//! form that all bridges answer with.

use crate::error::JobError;
use crate::job::RowSink;
use crate::json::{object, write_object};
use crate::limits;

/// Sends the row of one target of `listTargets`, unless it is not to be told. Which key a gateway reads is not
/// public, so there are both that it may look for.
pub(super) fn send_target(sink: &mut RowSink, name: &str) -> Result<(), JobError> {
    if sink.hides(name) {
        return Ok(());
    }
    sink.row(|out| {
        out.push_str(&object(|row| {
            row.string("name", name).string("target", name);
        }));
        Ok(())
    })
}

/// The row of `introspectTarget`, written column by column.
#[derive(Default)]
pub(super) struct Description {
    columns: String,
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
        // A row that is too large is refused when it is sent; until then it need not grow.
        if sink.hides(column.name) || self.columns.len() > limits::ROW_BYTES {
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
        sink.row(|out| {
            out.push_str(&object(|row| {
                row.string("name", name)
                    .member("columns", |out| {
                        out.push('[');
                        out.push_str(&self.columns);
                        out.push(']');
                    })
                    .number("rowCount", rows);
            }));
            Ok(())
        })
    }
}
