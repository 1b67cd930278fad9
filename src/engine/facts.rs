//! What is told about a job once it has ended: in metrics, in the log.

use std::sync::Arc;

use crate::options::JobKind;
use crate::protocol::JobFrame;
use crate::sources::Source;

/// A job as people look at it. Holds nothing of its parameters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct JobFacts {
    pub kind: JobKind,
    pub source: Arc<Source>,
    pub target: String,
}

impl JobFacts {
    pub fn of(frame: &JobFrame) -> Self {
        Self {
            kind: frame.kind,
            source: Arc::clone(&frame.source),
            target: frame.target.clone(),
        }
    }
}
