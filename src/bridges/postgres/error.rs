//! The driver's errors as errors of a job.

use std::error::Error as _;
use std::fmt::Write;
use std::io;

use postgres::Error;
use postgres::error::{DbError, Severity, SqlState};

use crate::error::{ErrorCode, JobError, Retry};
use crate::tls::chain;

/// A failure to connect.
pub fn connecting(error: &Error, place: &str) -> JobError {
    let Some(db) = error.as_db_error() else {
        let code = if is_network(error) {
            ErrorCode::SourceUnreachable
        } else {
            ErrorCode::SourceAuthFailed
        };
        return JobError::new(code, format!("{place}: {}", chain(error)));
    };
    let state = db.code();
    let code = if state.code().starts_with("28") {
        ErrorCode::SourceAuthFailed
    } else if *state == SqlState::INVALID_CATALOG_NAME {
        ErrorCode::SourceConfig
    } else {
        ErrorCode::SourceUnreachable
    };
    JobError::new(code, format!("{place}: {}", text(db))).with_sql_state(state.code())
}

/// A failure of a statement.
pub fn executing(error: &Error) -> JobError {
    match error.as_db_error() {
        Some(db) => {
            let failed = JobError::query_failed(text(db)).with_sql_state(db.code().code());
            match ends_the_session(db) {
                true => failed.with(Retry::NewConnection),
                false => failed,
            }
        }
        None if error.is_closed() || is_network(error) => JobError::unreachable(format!(
            "the connection to the database broke: {}",
            chain(error)
        ))
        .with(Retry::NewConnection),
        // The driver and the server no longer agree on where an answer ends.
        None => JobError::query_failed(chain(error)).with(Retry::NewConnection),
    }
}

/// True when the session is over with this error: its severity says so, or its state where a pooler leaves the rest out.
fn ends_the_session(db: &DbError) -> bool {
    let is_fatal = match db.parsed_severity() {
        Some(severity) => matches!(severity, Severity::Fatal | Severity::Panic),
        // Without a word for programs there is one for people.
        None => matches!(db.severity(), "FATAL" | "PANIC"),
    };
    let state = db.code().code();
    // The connection's own errors; ended by an administrator, a crash, a start, a dropped database, idleness; a
    // transaction that was idle or took too long.
    is_fatal
        || state.starts_with("08")
        || state.starts_with("57P")
        || matches!(state, "25P03" | "25P04")
}

/// The server's words with its SQLSTATE and hint. The detail stays out: it may quote rows.
fn text(db: &DbError) -> String {
    let mut text = format!("{} (SQLSTATE {})", db.message(), db.code().code());
    if let Some(hint) = db.hint() {
        // Writing to a String cannot fail.
        let _ = write!(text, "; hint: {hint}");
    }
    text
}

fn is_network(error: &Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<io::Error>() {
            return true;
        }
        source = cause.source();
    }
    // A time-out of the driver carries no cause.
    error.source().is_none()
}
