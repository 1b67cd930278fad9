//! The one error of a job: what is sent in an `error` frame. Not for errors of the gateway link, which end a
//! session instead of a job (`gateway::LinkError`).

use std::fmt;

use crate::tls;

/// Why a job failed, as the gateway sees it in `error.code`. The vocabulary is ours: the public protocol
/// leaves it open and names only `SOURCE_UNREACHABLE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The database cannot be reached: DNS, refused, timed out, TLS. The customer's network acts.
    SourceUnreachable,
    /// The database was reached and rejected the credentials. The customer acts.
    SourceAuthFailed,
    /// The configuration is missing or unusable; the message names the variables or keys. The customer acts.
    SourceConfig,
    /// The job names a bridge that is not in this binary.
    UnknownBridge,
    /// The job kind exists but this bridge, or any runner, has no answer for it.
    UnsupportedKind,
    /// A filter operator, or an aggregate, that this bridge does not have.
    UnsupportedOperator,
    /// The target's name cannot be one of this bridge.
    InvalidTarget,
    /// The job's options do not parse; the message names the JSON path.
    InvalidOptions,
    /// The database refused or broke off the statement; the message is its own, with SQLSTATE.
    QueryFailed,
    /// The job's `deadlineMs` ran out, wherever the job was.
    DeadlineExceeded,
    /// The gateway cancelled the job.
    Cancelled,
    /// Too many jobs are waiting already. The gateway may send it again.
    Overloaded,
    /// The runner is draining before it stops.
    ShuttingDown,
    /// The customer's policy does not allow it; the message names the rule.
    PolicyDenied,
    /// The audit log cannot be written, and nothing is answered unrecorded.
    AuditFailed,
    /// A fault of the runner itself (a panic). Please report it.
    Internal,
}

impl ErrorCode {
    /// Every code, in the order of its number.
    pub const ALL: [Self; 16] = [
        Self::SourceUnreachable,
        Self::SourceAuthFailed,
        Self::SourceConfig,
        Self::UnknownBridge,
        Self::UnsupportedKind,
        Self::UnsupportedOperator,
        Self::InvalidTarget,
        Self::InvalidOptions,
        Self::QueryFailed,
        Self::DeadlineExceeded,
        Self::Cancelled,
        Self::Overloaded,
        Self::ShuttingDown,
        Self::PolicyDenied,
        Self::AuditFailed,
        Self::Internal,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SourceUnreachable => "SOURCE_UNREACHABLE",
            Self::SourceAuthFailed => "SOURCE_AUTH_FAILED",
            Self::SourceConfig => "SOURCE_CONFIG",
            Self::UnknownBridge => "UNKNOWN_BRIDGE",
            Self::UnsupportedKind => "UNSUPPORTED_KIND",
            Self::UnsupportedOperator => "UNSUPPORTED_OPERATOR",
            Self::InvalidTarget => "INVALID_TARGET",
            Self::InvalidOptions => "INVALID_OPTIONS",
            Self::QueryFailed => "QUERY_FAILED",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::Cancelled => "CANCELLED",
            Self::Overloaded => "OVERLOADED",
            Self::ShuttingDown => "SHUTTING_DOWN",
            Self::PolicyDenied => "POLICY_DENIED",
            Self::AuditFailed => "AUDIT_FAILED",
            Self::Internal => "INTERNAL",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A job's failure. The message may reach end users: it never holds a password, a token or a URL with
/// credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobError {
    /// What kind of failure, for programs.
    pub code: ErrorCode,
    /// What happened, for people.
    pub message: String,
    /// True when the connection under the job died. Such a job may be tried again on a new connection as
    /// long as no row of it was sent; the dead connection never goes back to its pool.
    pub connection_lost: bool,
}

impl JobError {
    /// A failure that leaves the connection usable.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            connection_lost: false,
        }
    }

    /// `INVALID_OPTIONS` at a JSON path such as `options.where.age.$in`.
    pub fn invalid_options(path: &str, problem: impl fmt::Display) -> Self {
        Self::new(ErrorCode::InvalidOptions, format!("{path}: {problem}"))
    }

    /// `INVALID_TARGET`, in the official words.
    pub fn invalid_target(target: &str) -> Self {
        Self::new(
            ErrorCode::InvalidTarget,
            format!("Invalid table name: \"{target}\""),
        )
    }

    /// A target that `read` cannot page through, in the official words: it has no primary key, is no table,
    /// or does not exist.
    pub fn no_primary_key(target: impl fmt::Display) -> Self {
        Self::new(
            ErrorCode::InvalidTarget,
            format!("Could not detect primary key for table \"{target}\""),
        )
    }

    /// Marks the connection as dead.
    pub fn lost(mut self) -> Self {
        self.connection_lost = true;
        self
    }

    /// True when another attempt on a new connection may succeed.
    pub fn retryable(&self) -> bool {
        self.connection_lost
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for JobError {}

/// An error with everything that caused it, outermost first. With TLS the cause is two levels down. A cause
/// that the text before it already quotes is not repeated. Errors of TLS are told in words of ours.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = tls::words(error).unwrap_or_else(|| error.to_string());
    let mut next = error.source();
    while let Some(cause) = next {
        let plain = cause.to_string();
        let said = tls::words(cause);
        match said {
            // Some drivers quote their cause.
            Some(said) if !plain.is_empty() && text.contains(&plain) => {
                text = text.replace(&plain, &said);
            }
            said => {
                let said = said.unwrap_or(plain);
                if !text.contains(&said) {
                    text.push_str(": ");
                    text.push_str(&said);
                }
            }
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_numbers_agree() {
        for (number, code) in ErrorCode::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, number);
        }
    }
}
