//! The way out of a session: what the writer thread takes from everybody else.

use std::sync::Arc;

use crate::job::{FrameOut, Inlet};

/// A frame that goes out before any waiting rows.
#[derive(Debug)]
pub enum Urgent {
    /// A frame of the session itself: `hello`, `heartbeat`.
    Session(String),
    /// The terminal `error` frame of a job that ended elsewhere than in its worker: refused, cancelled,
    /// past its deadline. The job is aborted before this is sent, so that no frame of it can follow.
    JobError {
        /// The job's id.
        id: String,
        /// The frame's JSON text.
        text: String,
    },
    /// A WebSocket ping.
    Ping,
    /// The answer to a WebSocket ping, with its payload.
    Pong(Vec<u8>),
    /// The TLS layer has bytes of its own to send.
    FlushTls,
    /// Close the session with this code and reason, after everything urgent before it.
    Close(u16, &'static str),
}

/// The two queues of a session's writer, both bounded.
#[derive(Clone)]
pub struct Outbox {
    /// Goes first. Large enough for one error a live job; a session whose urgent queue is full is closed,
    /// because its gateway sends jobs and reads no answers.
    pub urgent: Inlet<Urgent>,
    /// Chunks and `done` frames, in order; a worker waits here while the gateway reads slowly.
    pub frames: Inlet<FrameOut>,
    /// Ends the session at once, for when `urgent` is full and even a `Close` would have to wait: shuts the
    /// socket down so that reader and writer return. Called from any thread, perhaps more than once; must
    /// not block.
    pub kill: Arc<dyn Fn() + Send + Sync>,
}
