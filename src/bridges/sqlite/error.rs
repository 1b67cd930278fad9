//! What SQLite's errors mean for a job.

use rusqlite::{Error, ErrorCode as SqliteCode};

use crate::error::{ErrorCode, JobError, Retry};
use crate::job::JobControl;

/// The error of a job whose statement failed.
pub(super) fn failure(job: &JobControl, error: &Error) -> JobError {
    // A statement that was broken off because the job ended has no error of its own.
    if let Err(ended) = job.check() {
        return ended;
    }
    match error.sqlite_error_code() {
        Some(SqliteCode::TooBig) => return job.large_rows().too_large(),
        // Unless others have it just now, which the attempt knows.
        Some(SqliteCode::OutOfMemory) => {
            return job.large_rows().too_large().with(Retry::InTurn);
        }
        _ => {}
    }
    let error_code = match error.sqlite_error_code() {
        Some(SqliteCode::NotADatabase) => ErrorCode::SourceConfig,
        Some(SqliteCode::CannotOpen | SqliteCode::PermissionDenied | SqliteCode::ReadOnly) => {
            ErrorCode::SourceUnreachable
        }
        _ => ErrorCode::QueryFailed,
    };
    let mut text = message(error);
    // An image of nothing but the binary has no such folder unless one is mounted.
    if lacks_temporary_folder(error) {
        text.push_str(
            " (a large sort needs a temporary file: give the runner a writable /tmp, or name a folder in SQLITE_TMPDIR)",
        );
        return JobError::query_failed(text);
    }
    // Nothing we run writes, so this is SQLite's own need: to share a WAL, or to undo what a crash left.
    if let Some(SqliteCode::CannotOpen | SqliteCode::ReadOnly) = error.sqlite_error_code() {
        text.push_str(
            " (the database needs its -wal, -shm or -journal file written, which a read-only runner does not do: \
             open it once with its own program, or let that program keep it open)",
        );
    }
    let failed = JobError::new(error_code, text);
    match error.sqlite_error_code() {
        // The file is gone, or the disk is: a new connection starts from what is there now.
        Some(SqliteCode::CannotOpen | SqliteCode::SystemIoFailure) => {
            failed.with(Retry::NewConnection)
        }
        _ => failed,
    }
}

/// The error of a file that cannot be opened.
pub(super) fn opening_failure(path: &str, error: &Error) -> JobError {
    JobError::unreachable(format!(
        "cannot open the SQLite database \"{path}\": {}",
        message(error)
    ))
}

fn lacks_temporary_folder(error: &Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_GETTEMPPATH)
}

/// SQLite's own words. The driver would add the whole statement.
fn message(error: &Error) -> String {
    match error {
        Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;
    use std::time::{Duration, Instant};

    fn failed(extended_code: i32) -> JobError {
        let job = JobControl::new("j", Instant::now() + Duration::from_secs(60));
        failure(
            &job,
            &Error::SqliteFailure(ffi::Error::new(extended_code), None),
        )
    }

    #[test]
    fn a_missing_temporary_folder_is_told_from_a_broken_disk() {
        let folder = failed(ffi::SQLITE_IOERR_GETTEMPPATH);
        assert!(
            folder.message.contains("SQLITE_TMPDIR"),
            "{}",
            folder.message
        );
        let disk = failed(ffi::SQLITE_IOERR_READ);
        assert!(!disk.message.contains("SQLITE_TMPDIR"), "{}", disk.message);
    }
}
