//! The end of a job in the log.

use std::time::Duration;

use log::kv::Value;
use log::{Level, Record, log_enabled};

use crate::engine::live_job::LiveJob;
use crate::error::{ErrorCode, JobError};

/// One line a job: a success at `debug`, because standard output says it already; a failure higher.
pub(super) fn log(job: &LiveJob, error: Option<&JobError>, took: Duration) {
    let level = error.map_or(Level::Debug, |error| level_of(error.code));
    if !log_enabled!(level) {
        return;
    }
    let (rows, _) = job.control.sent();
    let message = match error {
        None => "job done".to_owned(),
        Some(error) if quotes_no_value(error.code) || log_enabled!(Level::Trace) => {
            format!("job failed: {}", error.message)
        }
        Some(_) => "job failed".to_owned(),
    };
    let mut pairs = vec![
        ("job", Value::from(job.control.id())),
        ("source", Value::from(job.facts.source.name.as_str())),
        ("kind", Value::from(job.facts.kind.as_str())),
    ];
    if let Some(error) = error {
        pairs.push(("target", Value::from(job.facts.target.as_str())));
        pairs.push(("outcome", Value::from(error.code.as_str())));
        let state = error.sql_state.as_deref();
        pairs.extend(state.map(|state| ("sqlstate", Value::from(state))));
    } else {
        pairs.push(("outcome", Value::from("done")));
    }
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    pairs.extend([("rows", Value::from(rows)), ("ms", Value::from(ms))]);
    log::logger().log(
        &Record::builder()
            .level(level)
            .target(module_path!())
            .key_values(&pairs)
            .args(format_args!("{message}"))
            .build(),
    );
}

/// Who has to act decides how loud it is: somebody here, or whoever sent the job.
fn level_of(code: ErrorCode) -> Level {
    match code {
        ErrorCode::Internal => Level::Error,
        ErrorCode::SourceUnreachable
        | ErrorCode::SourceAuthFailed
        | ErrorCode::SourceConfig
        | ErrorCode::DeadlineExceeded
        | ErrorCode::Overloaded
        | ErrorCode::PolicyDenied
        | ErrorCode::AuditFailed => Level::Warn,
        ErrorCode::UnknownBridge
        | ErrorCode::UnsupportedKind
        | ErrorCode::UnsupportedOperator
        | ErrorCode::InvalidTarget
        | ErrorCode::InvalidOptions
        | ErrorCode::QueryFailed
        | ErrorCode::Cancelled
        | ErrorCode::ShuttingDown => Level::Info,
    }
}

/// False for messages that may quote a parameter or a value of the database: `invalid input syntax for type
/// integer: "…"`. Above `trace` the log holds no such thing; the gateway gets the message all the same.
fn quotes_no_value(code: ErrorCode) -> bool {
    !matches!(code, ErrorCode::QueryFailed | ErrorCode::InvalidOptions)
}
