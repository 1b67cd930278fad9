//! A `job` frame.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

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
    /// with every measure again, and a dimension's column with each of its edges.
    pub fn repeated(&self) -> usize {
        let part = |name: &str| self.options.get(name);
        if self.kind != JobKind::Aggregate {
            return 0;
        }
        let again = ["dimensions", "candidatesWhere"].map(part);
        let again: usize = again.into_iter().flatten().map(memory).sum();
        let dimensions = part("dimensions").and_then(Value::as_array);
        let edges: usize = dimensions.into_iter().flatten().map(edges).sum();
        let measures = part("measures").and_then(Value::as_object);
        let measures = measures.map_or(0, Map::len);
        measures
            .saturating_mul(again.saturating_add(edges))
            .saturating_add(edges)
    }
}

/// What the names take with which a dimension compares its edges.
fn edges(dimension: &Value) -> usize {
    let name = dimension.get("field").and_then(Value::as_str);
    let edges = dimension
        .pointer("/bucket/breaks")
        .and_then(Value::as_array);
    2 * name.map_or(0, str::len) * edges.map_or(0, Vec::len)
}
