//! Bridges: what the jobs of a source mean on its database. One module a database; the wire-compatible
//! relatives of a database are flavours of its module.

pub mod pool;

use std::sync::Arc;

use crate::error::JobError;
use crate::jobs::{JobControl, RowSink};
use crate::options::Request;

/// What a bridge tells about the server after `test`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// The server's own version text, such as `PostgreSQL 15.18`.
    pub version: String,
    /// True when the connection is encrypted.
    pub tls: bool,
    /// True when the session cannot write.
    pub read_only: bool,
}

/// What a finished job says besides its rows; becomes `done.meta`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows that match regardless of limit and offset (`query`), or all rows of the target (`read`).
    pub total: Option<u64>,
    /// Where the next page begins (`read`); `None` on the last one.
    pub next_cursor: Option<String>,
    /// Facts about the server (`test`).
    pub server: Option<ServerFacts>,
}

/// A source opened by its bridge: its configuration is checked, its pool is lazy.
pub trait Bridge: Send + Sync {
    /// Runs one job to its end: rows go to `sink`, which the caller flushes. Blocks the calling worker; ends
    /// early when `job` is aborted. `target` is the job's, unchecked.
    fn run(
        &self,
        job: &Arc<JobControl>,
        target: &str,
        request: &Request,
        sink: &mut RowSink,
    ) -> Result<Summary, JobError>;

    /// Most jobs of this source that may run side by side: the size of its pool.
    fn concurrency(&self) -> usize;
}
