//! What is told about a job once it has ended: in metrics, in the log.

use crate::protocol::{JobFrame, JobKind};

/// A job as people look at it. Holds nothing of its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JobFacts {
    pub kind: JobKind,
    pub source_id: String,
    pub source_name: String,
    pub target: String,
}

impl JobFacts {
    pub fn of(frame: &JobFrame) -> Self {
        Self {
            kind: JobKind::of(&frame.kind),
            source_id: frame.source.id.clone(),
            source_name: frame.source.name.clone(),
            target: frame.target.clone(),
        }
    }
}
