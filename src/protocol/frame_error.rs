//! Why a frame is of no use.

use std::fmt;

use serde_json::{Map, Value};

use crate::error::JobError;
use crate::limits;
use crate::protocol::scan::TooMuch;
use crate::text::printable;

/// Why a frame is of no use. None of these ends the session.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum FrameError {
    /// A `job` with an id that cannot be run; the gateway is told so.
    Job {
        /// The job's id.
        id: String,
        /// What is wrong with it.
        error: JobError,
    },
    /// A `job` whose id is so long that it is not repeated in an answer: answers wait in memory.
    LongId,
    /// Too large to parse, and not a job with an id.
    TooMuch(TooMuch),
    /// Not JSON. Where, not what: the text may hold credentials.
    Syntax {
        /// Bytes of the whole text.
        length: usize,
        /// Byte of the line at which parsing stopped.
        column: usize,
    },
    /// JSON, but not an object with a `type`.
    NoType {
        /// The names of its members, if it is an object.
        keys: Keys,
    },
    /// A type that this version does not know.
    Unknown {
        /// The type.
        kind: String,
        /// The names of its other members.
        keys: Keys,
    },
    /// A known type without a field that it needs.
    Incomplete {
        /// The frame's type.
        kind: &'static str,
        /// The missing field.
        field: &'static str,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job { error, .. } => write!(f, "unusable job: {error}"),
            Self::LongId => write!(
                f,
                "a job whose id is longer than {} bytes",
                limits::MAX_ID_BYTES
            ),
            Self::TooMuch(problem) => problem.fmt(f),
            Self::Syntax { length, column } => {
                write!(f, "{length} bytes that are not JSON (column {column})")
            }
            Self::NoType { keys } => write!(f, "no object with a `type`{keys}"),
            Self::Unknown { kind, keys } => write!(f, "unknown type {kind:?}{keys}"),
            Self::Incomplete { kind, field } => write!(f, "`{kind}` without `{field}`"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Names of an object's members, some of them, each shortened: what is in them may be secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys(Vec<String>);

impl Keys {
    pub(super) fn of(frame: &Map<String, Value>) -> Self {
        let names = frame.keys().take(limits::UNKNOWN_KEYS);
        Self(names.cloned().map(shortened).collect())
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = self.0.iter().map(|name| printable(name.chars())).collect();
        write!(f, " (its keys: {})", names.join(", "))
    }
}

/// Short enough for a log line.
pub(super) fn shortened(text: String) -> String {
    text.chars().take(40).collect()
}
