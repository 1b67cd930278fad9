//! A `job` frame.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::options::JobKind;
use crate::sources::Source;

/// One job as the gateway sent it. It is self-contained: it can run without any assignment list.
#[derive(Debug, Clone, PartialEq)]
pub struct JobFrame {
    /// The gateway's id; every answer carries it.
    pub id: String,
    /// The database; shared by the jobs of the same source.
    pub source: Arc<Source>,
    /// What it asks for.
    pub kind: JobKind,
    /// The same as the gateway called it, shortened; for messages about kinds that are not known.
    pub kind_word: String,
    /// The table or its like; unchecked.
    pub target: String,
    /// Options of the kind; unchecked.
    pub options: Value,
    /// How long after its arrival the gateway considers the job dead.
    pub deadline: Duration,
}
