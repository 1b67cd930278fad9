//! What came back for one job.

use std::time::Duration;

use serde_json::{Value, json};

/// How a job ended, as the gateway saw it.
#[derive(Debug, Clone, PartialEq)]
pub enum Terminal {
    /// A `done` frame with this `meta`.
    Done(Value),
    /// An `error` frame.
    Error {
        /// Its `code`.
        code: String,
        /// Its `message`.
        message: String,
    },
    /// The connection went away before any terminal frame.
    Disconnected,
}

/// All frames of one job, folded.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The last frame.
    pub terminal: Terminal,
    /// The `chunk` frames in order; empty for a job that only counts.
    pub chunks: Vec<Value>,
    /// Number of `chunk` frames.
    pub frames: usize,
    /// Rows in all chunks.
    pub rows_counted: u64,
    /// Bytes of text of all chunks.
    pub bytes: u64,
    /// Bytes of the longest chunk.
    pub largest_frame: usize,
    /// From dispatch to the first chunk.
    pub first: Option<Duration>,
    /// From dispatch to the terminal frame.
    pub elapsed: Duration,
}

impl Answer {
    /// The rows of all chunks.
    pub fn rows(&self) -> Vec<Value> {
        let lists = self
            .chunks
            .iter()
            .filter_map(|chunk| chunk["rows"].as_array());
        lists.flatten().cloned().collect()
    }

    /// `meta` of the `done` frame; panics if the job did not end so.
    #[track_caller]
    pub fn expect_done(&self) -> &Value {
        match &self.terminal {
            Terminal::Done(meta) => meta,
            other => panic!("expected done, got {other:?} after {:?}", self.elapsed),
        }
    }

    /// `message` of the `error` frame with this code; panics if the job did not end so.
    #[track_caller]
    pub fn expect_error(&self, expected: &str) -> &str {
        match &self.terminal {
            Terminal::Error { code, message } if code == expected => message,
            other => panic!(
                "expected error {expected}, got {other:?} after {:?}",
                self.elapsed
            ),
        }
    }

    /// What the bridge call returned: the shape of the recorded answers. An error, a lost connection
    /// included, is its code and message.
    pub fn result(&self, kind: &str) -> Result<Value, (String, String)> {
        let meta = match &self.terminal {
            Terminal::Done(meta) => meta,
            Terminal::Error { code, message } => return Err((code.clone(), message.clone())),
            Terminal::Disconnected => return Err(("disconnected".into(), String::new())),
        };
        Ok(match kind {
            "query" | "read" => {
                let mut result = json!({ "rows": self.rows() });
                if kind == "read" && !meta["nextCursor"].is_null() {
                    result["nextCursor"] = meta["nextCursor"].clone();
                }
                if !meta["total"].is_null() {
                    result["total"] = meta["total"].clone();
                }
                result
            }
            "count" => {
                let mut totals = self.chunks.iter().filter_map(|chunk| chunk.get("total"));
                totals.next().cloned().unwrap_or(Value::Null)
            }
            "listTargets" => self.rows().iter().map(|row| row["name"].clone()).collect(),
            "introspectTarget" => self.rows().into_iter().next().unwrap_or(Value::Null),
            "aggregate" => {
                let lists = self
                    .chunks
                    .iter()
                    .filter_map(|chunk| chunk["agg"].as_array());
                lists.flatten().cloned().collect()
            }
            _ => self.rows().into(),
        })
    }
}
