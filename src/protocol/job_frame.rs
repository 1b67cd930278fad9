//! A `job` frame.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::json::memory;
use crate::options::JobKind;
use crate::protocol::Claim;
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
    /// The memory it was given.
    pub claim: Claim,
}

impl JobFrame {
    /// Roughly the memory it takes. The configuration counts in full, though jobs of one source often share it.
    pub fn memory(&self) -> usize {
        let texts = [&self.id, &self.kind_word, &self.target];
        let entries = self.source.config.iter();
        size_of::<Self>()
            + texts.iter().map(|text| text.len()).sum::<usize>()
            + memory(&self.options)
            + entries
                .map(|(key, value)| 2 * size_of::<String>() + key.len() + memory(value))
                .sum::<usize>()
    }

    /// Roughly the memory that its statement takes beyond that. A statement may name all dimensions, and the filter,
    /// with every measure again.
    pub fn repeated(&self) -> usize {
        let measures = self.options.get("measures").and_then(Value::as_object);
        let (JobKind::Aggregate, Some(measures)) = (self.kind, measures) else {
            return 0;
        };
        let again = ["dimensions", "candidatesWhere"].map(|name| self.options.get(name));
        let again: usize = again.into_iter().flatten().map(memory).sum();
        measures.len().saturating_mul(again)
    }
}
