//! The way out of a session: what the gateway's writer takes from the engine.

use std::sync::Arc;

use crate::job::{Buffers, FrameOut, QueueSender};

/// The terminal `error` frame of a job that ended elsewhere than in its worker: refused, cancelled, past its
/// deadline. The job is aborted before this is sent, so that no frame of it can follow.
#[derive(Debug)]
pub struct ErrorFrame {
    /// The job's id.
    pub id: String,
    /// The frame's JSON text.
    pub text: String,
}

/// The two queues of a session's writer, both bounded, and the way past them.
#[derive(Clone)]
pub struct Outbox {
    /// Goes before any waiting rows. Large enough for one error a live job; a session whose errors find no
    /// room is closed, because its gateway sends jobs and reads no answers.
    pub errors: QueueSender<ErrorFrame>,
    /// Chunks and `done` frames, in order; a worker waits here while the gateway reads slowly.
    pub frames: QueueSender<FrameOut>,
    /// Sends the last frame of a job on the calling thread, or gives it back, to be queued, when it is long or must
    /// wait for anything. Called from any thread; must not block.
    pub shortcut: Arc<dyn Fn(FrameOut) -> Option<FrameOut> + Send + Sync>,
    /// Memory of rows that were sent, for rows to come.
    pub buffers: Buffers,
    /// Ends the session at once, for when `errors` is full: shuts the socket down so that reader and writer
    /// return. Called from any thread, perhaps more than once; must not block.
    pub kill: Arc<dyn Fn() + Send + Sync>,
}
