//! How much of what a database tells of one of its tables is taken.

use crate::error::JobError;
use crate::limits;

/// What a column takes beside its texts.
const COLUMN_BYTES: usize = 32;

/// What was told of a table so far.
#[derive(Default)]
pub(super) struct Told {
    columns: usize,
    bytes: usize,
}

impl Told {
    /// Takes note of a column, or of something else about the table, of which so many bytes are kept.
    ///
    /// # Errors
    /// `QUERY_FAILED` for more than any table has.
    pub(super) fn column(&mut self, bytes: usize) -> Result<(), JobError> {
        self.columns += 1;
        self.bytes = self.bytes.saturating_add(bytes + COLUMN_BYTES);
        if self.columns <= limits::RESULT_COLUMNS && self.bytes <= limits::TOLD_BYTES {
            return Ok(());
        }
        Err(JobError::query_failed(
            "the database tells of more columns, or of longer names, than any table has",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_tables_are_taken_and_nothing_more() {
        let columns = |count, bytes| {
            let mut told = Told::default();
            (0..count).try_for_each(|_| told.column(bytes))
        };
        // PostgreSQL, MySQL, and one whose names are long.
        for (count, bytes) in [(1600, 63), (4096, 64), (100, 4000)] {
            assert!(columns(count, bytes).is_ok());
        }
        for (count, bytes) in [(4097, 1), (2000, 500), (1, usize::MAX >> 1)] {
            assert!(columns(count, bytes).is_err());
        }
    }
}
