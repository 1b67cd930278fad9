//! The one error of a job: what is sent in an `error` frame. Not for errors of the gateway link, which end a
//! session instead of a job (`gateway::GatewayError`).

use std::fmt;

use crate::words::words;

words! {
    /// Why a job failed, as the gateway sees it in `error.code`. The vocabulary is ours: the public protocol
    /// leaves it open and names only `SOURCE_UNREACHABLE`.
    ErrorCode {
        /// The database cannot be reached: DNS, refused, timed out, TLS. The customer's network acts.
        SourceUnreachable = "SOURCE_UNREACHABLE",
        /// The database was reached and rejected the credentials. The customer acts.
        SourceAuthFailed = "SOURCE_AUTH_FAILED",
        /// The configuration is missing or unusable; the message names the variables or keys. The customer acts.
        SourceConfig = "SOURCE_CONFIG",
        /// The job names a bridge that is not in this binary.
        UnknownBridge = "UNKNOWN_BRIDGE",
        /// The job kind exists but this bridge, or any runner, has no answer for it.
        UnsupportedKind = "UNSUPPORTED_KIND",
        /// A filter operator, or an aggregate, that this bridge does not have.
        UnsupportedOperator = "UNSUPPORTED_OPERATOR",
        /// The target's name cannot be one of this bridge.
        InvalidTarget = "INVALID_TARGET",
        /// The job's options do not parse; the message names the JSON path.
        InvalidOptions = "INVALID_OPTIONS",
        /// The database refused or broke off the statement; the message is its own, with SQLSTATE.
        QueryFailed = "QUERY_FAILED",
        /// The job's `deadlineMs` ran out, wherever the job was.
        DeadlineExceeded = "DEADLINE_EXCEEDED",
        /// The gateway cancelled the job.
        Cancelled = "CANCELLED",
        /// Too many jobs are waiting already. The gateway may send it again.
        Overloaded = "OVERLOADED",
        /// The runner is draining before it stops.
        ShuttingDown = "SHUTTING_DOWN",
        /// The customer's policy does not allow it; the message names the rule.
        PolicyDenied = "POLICY_DENIED",
        /// The audit log cannot be written, and nothing is answered unrecorded.
        AuditFailed = "AUDIT_FAILED",
        /// A fault of the runner itself (a panic). Please report it.
        Internal = "INTERNAL",
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
    /// Whether the job may be tried again, as long as nothing of it was sent.
    pub retry: Retry,
    /// The SQLSTATE of a database's own error.
    pub sql_state: Option<Box<str>>,
}

/// What another attempt at a job takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It would fail in the same way.
    No,
    /// Nothing but the attempt: a table was changed, and what was remembered of it is forgotten.
    Anew,
    /// The same in the job's turn, when others have let go what it lacks. The bridge says how often.
    InTurn,
    /// A new connection: this one is dead, and never goes back to its pool.
    NewConnection,
}

impl JobError {
    /// A failure that leaves the connection usable.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry: Retry::No,
            sql_state: None,
        }
    }

    /// `SOURCE_UNREACHABLE`.
    pub fn unreachable(problem: impl Into<String>) -> Self {
        Self::new(ErrorCode::SourceUnreachable, problem)
    }

    /// `QUERY_FAILED`.
    pub fn query_failed(problem: impl Into<String>) -> Self {
        Self::new(ErrorCode::QueryFailed, problem)
    }

    /// `INVALID_OPTIONS` at a JSON path such as `options.where.age.$in`.
    pub fn invalid_options(path: &str, problem: impl fmt::Display) -> Self {
        Self::new(ErrorCode::InvalidOptions, format!("{path}: {problem}"))
    }

    /// `UNSUPPORTED_KIND`: the bridge has no answer for it.
    pub fn unsupported_kind(bridge: &str, kind: &str) -> Self {
        Self::new(
            ErrorCode::UnsupportedKind,
            format!("{bridge} has no answer for jobs of kind \"{kind}\""),
        )
    }

    /// `CANCELLED`: nobody waits for the job any more.
    pub fn cancelled(why: &str) -> Self {
        Self::new(ErrorCode::Cancelled, why)
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

    /// Says where it was.
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// With the database's SQLSTATE.
    pub fn with_sql_state(mut self, state: &str) -> Self {
        self.sql_state = Some(state.into());
        self
    }

    /// Says what another attempt takes.
    pub fn with(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for JobError {}
