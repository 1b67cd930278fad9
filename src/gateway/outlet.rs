//! Where everything leaves a session: one thread at a time has it, and puts whole frames on the socket.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use tungstenite::protocol::frame::coding::Control;

use crate::engine::ErrorFrame;
use crate::gateway::events::Events;
use crate::gateway::frame_writer::FrameWriter;
use crate::gateway::socket::SocketWriter;
use crate::job::{Buffers, FrameKind, FrameOut};
use crate::locks::lock;
use crate::metrics::Metrics;

/// Sends frames and tells of it.
pub struct Outlet {
    /// What they are put into.
    pub frames: FrameWriter,
    buffers: Buffers,
    events: Events,
    metrics: Arc<Metrics>,
}

impl Outlet {
    /// With nothing sent yet. The memory of sent rows goes to `buffers`.
    pub fn new(
        socket: SocketWriter,
        buffers: Buffers,
        events: Events,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            frames: FrameWriter::new(socket),
            buffers,
            events,
            metrics,
        }
    }

    /// Sends a frame of a job, unless the job was aborted.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn frame(&mut self, frame: FrameOut) -> io::Result<()> {
        if frame.job.is_aborted() {
            return Ok(());
        }
        let sent = self.bytes(frame.text)?;
        self.buffers.give(sent);
        match frame.kind {
            FrameKind::Chunk => {
                if let Some(done) = frame.done {
                    self.text(done)?;
                    self.events.done(frame.job.id());
                }
            }
            FrameKind::Done => self.events.done(frame.job.id()),
            FrameKind::Error => self.events.error(frame.job.id()),
        }
        Ok(())
    }

    /// Sends the end of a job that ended elsewhere than in its worker.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn error(&mut self, ErrorFrame { id, text }: ErrorFrame) -> io::Result<()> {
        self.text(text)?;
        self.events.error(&id);
        Ok(())
    }

    /// Sends any other text.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn text(&mut self, text: String) -> io::Result<()> {
        self.bytes(text.into_bytes()).map(drop)
    }

    /// Says good-bye; nothing may follow it.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn close(&mut self, code: u16, reason: &str) -> io::Result<()> {
        // 1005 stands for a close frame without a code, which is answered in kind.
        let payload = match code {
            1005 => Vec::new(),
            code => [&code.to_be_bytes(), reason.as_bytes()].concat(),
        };
        self.frames.control(Control::Close, &payload)?;
        self.frames.socket()?.close_notify()
    }

    /// Sends a text in UTF-8. Its memory comes back.
    fn bytes(&mut self, mut text: Vec<u8>) -> io::Result<Vec<u8>> {
        self.metrics.sent(text.len());
        self.frames.text(&mut text)?;
        Ok(text)
    }
}

/// The outlet of a session for all who may send; clones share it. It is gone once nothing may be sent any more.
#[derive(Clone)]
pub struct SharedOutlet(Arc<Mutex<Option<Outlet>>>);

impl SharedOutlet {
    /// Nobody has it yet.
    pub fn new(outlet: Outlet) -> Self {
        Self(Arc::new(Mutex::new(Some(outlet))))
    }

    /// Waits until nobody else has it.
    pub fn take(&self) -> MutexGuard<'_, Option<Outlet>> {
        lock(&self.0)
    }

    /// Only if nobody else has it, and nobody has panicked with it.
    pub fn try_take(&self) -> Option<MutexGuard<'_, Option<Outlet>>> {
        self.0.try_lock().ok()
    }
}
