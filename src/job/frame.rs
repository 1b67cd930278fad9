//! The frames of a job on their way to the gateway.

use std::sync::Arc;

use crate::job::{JobControl, Turn};
use crate::limits;
use crate::options::Request;

/// What a frame of a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// Rows; more will follow.
    Chunk,
    /// The job's successful end.
    Done,
    /// The job's failed end.
    Error,
}

/// A frame of a job on its way to the writer thread, which drops it if the job was aborted meanwhile.
pub struct FrameOut {
    /// The job the frame belongs to.
    pub job: Arc<JobControl>,
    /// What it is.
    pub kind: FrameKind,
    /// Rows or buckets in it.
    pub rows: u64,
    /// The frame's JSON text, in UTF-8.
    pub text: Vec<u8>,
    /// The text of the job's `done` frame, when this is its last chunk: one hand-over, one wake-up, one
    /// write for both.
    pub done: Option<String>,
    /// Held until it is sent or dropped.
    pub turn: Option<Turn>,
}

/// A chunk that has not been sent.
#[derive(Debug)]
pub struct Chunk {
    /// Rows or buckets in it.
    pub rows: u64,
    /// The frame's JSON text, in UTF-8.
    pub text: Vec<u8>,
    /// The turn of a large one.
    pub turn: Option<Turn>,
}

/// When a chunk is cut: by rows or by bytes, whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkLimits {
    /// Rows a chunk; at least 1.
    pub rows: usize,
    /// Bytes of text after which a chunk is cut.
    pub bytes: usize,
}

impl Default for ChunkLimits {
    fn default() -> Self {
        Self {
            rows: limits::CHUNK_ROWS,
            bytes: limits::CHUNK_BYTES,
        }
    }
}

/// Which array of the chunk frames the rows go into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// `rows`, for everything but aggregates.
    Rows,
    /// `agg`, the buckets of an aggregate.
    Agg,
}

impl Slot {
    /// The place of the answer to a request.
    pub fn of(request: &Request) -> Self {
        match request {
            Request::Aggregate(_) => Self::Agg,
            _ => Self::Rows,
        }
    }
}
