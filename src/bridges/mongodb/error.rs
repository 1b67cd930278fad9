//! What failures mean for a job.

use super::wire::Failure;
use crate::error::{ErrorCode, JobError, Retry};
use crate::tls::chain;

/// A failure of a command of a job.
pub fn executing(failure: Failure) -> JobError {
    match failure {
        Failure::Io(error) => JobError::unreachable(format!(
            "the connection to the database broke: {}",
            chain(&error)
        ))
        .with(Retry::NewConnection),
        Failure::Malformed => {
            let problem = "the server's answer cannot be read";
            JobError::query_failed(problem).with(Retry::NewConnection)
        }
        Failure::TooLarge => {
            let problem =
                "the filter or the lists in it are larger than the 16 MB a command may have";
            JobError::new(ErrorCode::InvalidOptions, problem)
        }
        Failure::Server {
            code,
            name,
            message,
        } => {
            let error = JobError::new(meaning(code), words(code, &name, &message));
            let retry = if is_state_change(code) {
                Retry::NewConnection
            } else {
                Retry::No
            };
            error.with(retry)
        }
    }
}

/// A failure to open a session with the server at `place`.
pub fn connecting(failure: Failure, place: &str) -> JobError {
    match failure {
        Failure::Io(error) => JobError::unreachable(format!("{place}: {}", chain(&error))),
        Failure::Server {
            code,
            name,
            message,
        } => {
            // Whatever a server refuses here, the credentials are the reason, unless it is going away.
            let kind = if is_state_change(code) {
                ErrorCode::SourceUnreachable
            } else {
                ErrorCode::SourceAuthFailed
            };
            JobError::new(kind, format!("{place}: {}", words(code, &name, &message)))
        }
        Failure::Malformed | Failure::TooLarge => {
            JobError::unreachable(format!("{place}: the server's answer cannot be read"))
        }
    }
}

fn meaning(code: i64) -> ErrorCode {
    match code {
        // AuthenticationFailed, and commands before any login.
        18 => ErrorCode::SourceAuthFailed,
        // MaxTimeMSExpired, ExceededTimeLimit.
        50 | 262 => ErrorCode::DeadlineExceeded,
        // InvalidNamespace.
        73 => ErrorCode::InvalidTarget,
        code if is_state_change(code) => ErrorCode::SourceUnreachable,
        _ => ErrorCode::QueryFailed,
    }
}

/// The server is no longer what it was: it stepped down, shuts down, or recovers. Another connection may find
/// the one that took its place.
fn is_state_change(code: i64) -> bool {
    matches!(
        code,
        10_107
            | 13_435
            | 13_436
            | 11_600
            | 11_602
            | 10_058
            | 189
            | 91
            | 6
            | 7
            | 89
            | 9_001
            | 133
            | 134
    )
}

fn words(code: i64, name: &str, message: &str) -> String {
    let name = if name.is_empty() { "code" } else { name };
    format!("{message} ({name} {code})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(code: i64) -> Failure {
        Failure::Server {
            code,
            name: "Name".into(),
            message: "no".into(),
        }
    }

    #[test]
    fn codes_have_their_meaning() {
        for (code, meaning, retry) in [
            (13, ErrorCode::QueryFailed, Retry::No),
            (50, ErrorCode::DeadlineExceeded, Retry::No),
            (11_601, ErrorCode::QueryFailed, Retry::No),
            (10_107, ErrorCode::SourceUnreachable, Retry::NewConnection),
            (73, ErrorCode::InvalidTarget, Retry::No),
        ] {
            let error = executing(server(code));
            assert_eq!((error.code, error.retry), (meaning, retry));
            assert_eq!(error.message, format!("no (Name {code})"));
        }
        assert_eq!(
            connecting(server(18), "h:1").code,
            ErrorCode::SourceAuthFailed
        );
        assert_eq!(
            connecting(server(91), "h:1").code,
            ErrorCode::SourceUnreachable
        );
    }
}
