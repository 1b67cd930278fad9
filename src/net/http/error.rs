//! Why a request got no answer, or no whole one.

use std::fmt;
use std::io;

use crate::error::{ErrorCode, JobError};
use crate::net::DialError;
use crate::tls::chain;

/// Where a request failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum HttpError {
    /// It was refused here, before anything was sent. A fault of whoever put it together.
    Request(&'static str),
    /// There is no connection.
    Dial(DialError),
    /// The connection broke off while it was sent.
    Send {
        /// How.
        source: io::Error,
    },
    /// The head of the answer did not come, or is none.
    Head {
        /// A part of it came.
        begun: bool,
        /// Why.
        source: io::Error,
    },
    /// The body of the answer broke off, or is none.
    Body {
        /// Why.
        source: io::Error,
    },
    /// The body, or a line of it, is longer than the caller takes.
    TooLarge {
        /// What the caller takes.
        limit: usize,
    },
}

impl HttpError {
    pub(super) fn body(source: io::Error) -> Self {
        Self::Body { source }
    }

    fn source_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Send { source } | Self::Head { source, .. } | Self::Body { source } => {
                Some(source.kind())
            }
            Self::Request(_) | Self::Dial(_) | Self::TooLarge { .. } => None,
        }
    }

    /// True when the same request may succeed on another connection: it was no fault of its own, and neither
    /// time nor the job is over.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Dial(error) => error.retryable(),
            _ => self.source_kind().is_some_and(|kind| {
                !matches!(
                    kind,
                    io::ErrorKind::TimedOut
                        | io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::InvalidData
                )
            }),
        }
    }

    /// True when the connection was closed before the server can have read the request as a whole, or said
    /// anything to it: what a kept connection that was idle for too long looks like.
    pub(super) fn is_stale(&self) -> bool {
        matches!(self, Self::Send { .. } | Self::Head { begun: false, .. }) && self.retryable()
    }

    /// True when another thread has cut the connection.
    pub fn is_cut(&self) -> bool {
        matches!(self, Self::Dial(DialError::Cut))
            || self.source_kind() == Some(io::ErrorKind::ConnectionAborted)
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(problem) => write!(f, "the request cannot be sent: {problem}"),
            Self::Dial(error) => error.fmt(f),
            Self::Send { .. } => f.write_str("the request could not be sent"),
            Self::Head { .. } => f.write_str("the request got no answer"),
            Self::Body { .. } => f.write_str("the answer broke off"),
            Self::TooLarge { limit } => write!(f, "the answer is longer than {limit} bytes"),
        }
    }
}

impl std::error::Error for HttpError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Its text is this one's.
            Self::Dial(error) => error.source(),
            Self::Send { source } | Self::Head { source, .. } | Self::Body { source } => {
                Some(source)
            }
            Self::Request(_) | Self::TooLarge { .. } => None,
        }
    }
}

impl From<DialError> for HttpError {
    fn from(error: DialError) -> Self {
        Self::Dial(error)
    }
}

impl From<HttpError> for JobError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Dial(error) => error.into(),
            error => Self::new(ErrorCode::QueryFailed, chain(&error)),
        }
    }
}
