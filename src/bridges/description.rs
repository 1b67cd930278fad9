//! Rows that describe a database instead of holding its data: `listTargets` and `introspectTarget`, in the one
//! form that all bridges answer with.

use crate::error::JobError;
use crate::job::RowSink;
use crate::json::{write_string, write_u64};

/// Sends the row of one target of `listTargets`, unless it is not to be told.
pub(super) fn send_target(sink: &mut RowSink, name: &str) -> Result<(), JobError> {
    if sink.hides(name) {
        return Ok(());
    }
    sink.row(|out| {
        out.push_str("{\"name\":");
        write_string(out, name);
        out.push('}');
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
        if sink.hides(column.name) {
            return;
        }
        let out = &mut self.columns;
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str("{\"name\":");
        write_string(out, column.name);
        out.push_str(",\"type\":");
        write_string(out, column.data_type);
        out.push_str(",\"nullable\":");
        out.push_str(if column.nullable { "true" } else { "false" });
        out.push_str(",\"primaryKey\":");
        out.push_str(if column.primary_key { "true" } else { "false" });
        out.push('}');
    }

    /// Sends the row for the target `name`, which has `rows` rows.
    pub(super) fn send(self, sink: &mut RowSink, name: &str, rows: u64) -> Result<(), JobError> {
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
