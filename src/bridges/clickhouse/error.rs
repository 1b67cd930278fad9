//! What the server says when something is wrong.

use std::fmt;

use crate::error::{ErrorCode, JobError, Retry};
use crate::net::http::HttpError;

/// What stands before an exception in a body that had begun as rows.
const MARK: &str = "__exception__";

/// An exception of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exception {
    /// Its number.
    pub(super) code: u32,
    /// Its words, with its name at the end on servers that give one.
    text: String,
}

/// Why a statement has no answer, or no whole one.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server says so.
    Exception(Exception),
    /// Everything else.
    Job(JobError),
}

impl Exception {
    /// Finds an exception in a text: the whole body of a refusal, or what follows the rows where they break off.
    /// The three forms that there are differ in what is around it.
    pub(super) fn find(text: &str) -> Option<Self> {
        let text = match text.find(MARK) {
            Some(at) => text.get(at + MARK.len()..)?,
            None => text,
        };
        let text = text.split(MARK).next()?;
        let (_, text) = text.split_once("Code: ")?;
        let digits = text.find(|c: char| !c.is_ascii_digit())?;
        let (code, text) = text.split_at_checked(digits)?;
        let (_, text) = text.split_once("DB::Exception: ")?;
        Some(Self {
            code: code.parse().ok()?,
            text: words(text).trim().to_owned(),
        })
    }

    /// The table, or its database, is not there.
    pub(super) fn is_no_target(&self) -> bool {
        matches!(self.code, 60 | 81)
    }

    /// A setting that a statement came with is not known to the server.
    pub(super) fn is_unknown_setting(&self) -> bool {
        self.code == 115
    }

    /// A setting that a statement came with may not be changed by this user: their sessions are read-only
    /// without it, or there are bounds. Statements can be refused in read-only sessions for other reasons.
    pub(super) fn is_fixed_setting(&self) -> bool {
        self.code == 452 || (self.code == 164 && self.text.contains("setting"))
    }

    /// The user is not let in.
    pub(super) fn is_no_login(&self) -> bool {
        self.error_code() == ErrorCode::SourceAuthFailed
    }

    fn error_code(&self) -> ErrorCode {
        match self.code {
            // Unknown user, wrong password, password needed, authentication failed.
            192 | 193 | 194 | 516 => ErrorCode::SourceAuthFailed,
            // The database of the configuration.
            81 => ErrorCode::SourceConfig,
            _ => ErrorCode::QueryFailed,
        }
    }
}

/// Without what servers add for themselves: their version, the place in their code.
fn words(text: &str) -> &str {
    let ends = [
        ", e.what() = ",
        " (version ",
        ", Stack trace",
        "\nStack trace",
    ];
    let end = ends.iter().filter_map(|end| text.find(end)).min();
    text.get(..end.unwrap_or(text.len())).unwrap_or(text)
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (error {})", self.text, self.code)
    }
}

impl Failure {
    /// An answer that is not one of this server: what of it came is shown to nobody, it may be anything.
    pub(super) fn nonsense(problem: &str) -> Self {
        let text = format!("the answer is not one of ClickHouse: {problem}");
        Self::Job(JobError::query_failed(text))
    }

    /// An answer of HTTP with a status other than 200.
    pub(super) fn refused(status: u16, body: &[u8]) -> Self {
        if let Some(exception) = Exception::find(&String::from_utf8_lossy(body)) {
            return Self::Exception(exception);
        }
        let code = match status {
            401 | 403 => ErrorCode::SourceAuthFailed,
            500.. => ErrorCode::SourceUnreachable,
            _ => ErrorCode::QueryFailed,
        };
        Self::Job(JobError::new(
            code,
            format!("the server answers with HTTP {status}"),
        ))
    }
}

impl From<Exception> for JobError {
    fn from(exception: Exception) -> Self {
        Self::new(exception.error_code(), exception.to_string())
    }
}

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        Self::Job(error)
    }
}

impl From<HttpError> for Failure {
    /// An answer that broke off. Another connection may bring it, as long as nothing of it was sent.
    fn from(error: HttpError) -> Self {
        let again = error.retryable();
        let error = JobError::from(error);
        Self::Job(match again {
            true => error.with(Retry::NewConnection),
            false => error,
        })
    }
}

impl From<Failure> for JobError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Exception(exception) => exception.into(),
            Failure::Job(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_are_found_in_every_form() {
        for (text, code, words) in [
            (
                "Code: 60. DB::Exception: Table x does not exist. (UNKNOWN_TABLE) (version 26.9.2.1 (official build))\n",
                60,
                "Table x does not exist. (UNKNOWN_TABLE)",
            ),
            (
                "Code: 115, e.displayText() = DB::Exception: Unknown setting x, e.what() = DB::Exception\n",
                115,
                "Unknown setting x",
            ),
            (
                "{\"number\":1__exception__\r\nCode: 395. DB::Exception: Value passed: while executing. (X)",
                395,
                "Value passed: while executing. (X)",
            ),
            (
                "\r\n__exception__\r\nabcdefghijklmnop\r\nCode: 394. DB::Exception: Query was cancelled. (Y) (version 26)\n99 \
                 abcdefghijklmnop\r\n__exception__\r\n",
                394,
                "Query was cancelled. (Y)",
            ),
        ] {
            let found = Exception::find(text).unwrap();
            assert_eq!((found.code, found.text.as_str()), (code, words));
        }
        for text in ["", "Code: ", "Code: x", "<html>502</html>", "Code: 5"] {
            assert_eq!(Exception::find(text), None, "{text}");
        }
    }

    #[test]
    fn who_must_act_is_told_by_the_code() {
        let code = |code| {
            let text = format!("Code: {code}. DB::Exception: words");
            JobError::from(Exception::find(&text).unwrap()).code
        };
        assert_eq!(code(516), ErrorCode::SourceAuthFailed);
        assert_eq!(code(81), ErrorCode::SourceConfig);
        assert_eq!(code(60), ErrorCode::QueryFailed);
        let refused = |status| JobError::from(Failure::refused(status, b"<html>")).code;
        assert_eq!(refused(401), ErrorCode::SourceAuthFailed);
        assert_eq!(refused(502), ErrorCode::SourceUnreachable);
        assert_eq!(refused(404), ErrorCode::QueryFailed);
    }

    #[test]
    fn only_a_setting_is_a_reason_to_do_without_settings() {
        let exception = |text: &str| Exception::find(text).unwrap();
        let fixed = exception(
            "Code: 164. DB::Exception: Cannot modify 'readonly' setting in readonly mode",
        );
        assert!(fixed.is_fixed_setting());
        let other = exception("Code: 164. DB::Exception: Cannot execute query in readonly mode");
        assert!(!other.is_fixed_setting());
    }
}
