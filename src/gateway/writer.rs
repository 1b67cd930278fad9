//! The thread that alone writes to the gateway.

use std::io;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::Receiver;
use tungstenite::protocol::frame::coding as ws;

use crate::engine::ErrorFrame;
use crate::gateway::control::Control;
use crate::gateway::events::Events;
use crate::gateway::frame_writer::FrameWriter;
use crate::gateway::socket::SocketWriter;
use crate::job::{Buffers, FrameKind, FrameOut, Wakeup};
use crate::metrics::Metrics;

/// What the writer takes from the others.
pub struct Queues {
    /// What the session itself has to send.
    pub control: Receiver<Control>,
    /// The ends of jobs that ended elsewhere than in their worker.
    pub errors: Receiver<ErrorFrame>,
    /// Rows, and the ends of jobs.
    pub frames: Receiver<FrameOut>,
    /// Where the memory of sent rows goes.
    pub buffers: Buffers,
    /// Wakes the writer when there is something in the queues; closed when the session is over.
    pub wakeup: Wakeup,
    /// Wakes whoever waits until no more than half of the room for errors is taken.
    pub room: Wakeup,
}

/// Sends what the queues hold, rows last, until the session stops.
pub struct Writer {
    frames: FrameWriter,
    queues: Queues,
    events: Events,
    metrics: Arc<Metrics>,
}

/// Whether there is more to come.
#[derive(PartialEq, Eq)]
enum Next {
    Continue,
    /// A close frame was sent; nothing may follow it.
    Closed,
}

impl Writer {
    /// A writer with nothing sent yet.
    pub fn new(
        socket: SocketWriter,
        queues: Queues,
        events: Events,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            frames: FrameWriter::new(socket),
            queues,
            events,
            metrics,
        }
    }

    /// Writes until the session stops or the socket fails.
    pub fn run(mut self) -> io::Result<()> {
        self.queues.wakeup.attend();
        loop {
            // Small frames that are ready together leave together.
            while let Some(item) = self.ready() {
                if self.send(item)? == Next::Closed {
                    return Ok(());
                }
            }
            self.frames.flush()?;
            if self.queues.wakeup.is_closed() {
                return Ok(());
            }
            thread::park();
        }
    }

    fn ready(&self) -> Option<Item> {
        let queues = &self.queues;
        if let Ok(error) = queues.errors.try_recv() {
            // The number in it falls by one a step, so it cannot miss the half.
            if Some(queues.errors.len()) == queues.errors.capacity().map(|room| room / 2) {
                queues.room.wake();
            }
            return Some(Item::Error(error));
        }
        let control = queues.control.try_recv().map(Item::Control);
        control
            .or_else(|_| queues.frames.try_recv().map(Item::Frame))
            .ok()
    }

    fn send(&mut self, item: Item) -> io::Result<Next> {
        match item {
            Item::Frame(frame) => self.send_frame(frame)?,
            Item::Error(ErrorFrame { id, text }) => {
                self.send_text(text)?;
                self.events.error(&id);
            }
            Item::Control(Control::Frame(text)) => self.send_text(text)?,
            Item::Control(Control::Ping) => self.frames.control(ws::Control::Ping, &[])?,
            Item::Control(Control::Pong(payload)) => {
                self.frames.control(ws::Control::Pong, &payload)?
            }
            Item::Control(Control::FlushTls) => self.frames.socket()?.flush()?,
            Item::Control(Control::Close(code, reason)) => {
                // The last answers of a runner that stops may still be here.
                while let Ok(frame) = self.queues.frames.try_recv() {
                    self.send_frame(frame)?;
                }
                self.close(code, reason)?;
                return Ok(Next::Closed);
            }
        }
        Ok(Next::Continue)
    }

    fn send_frame(&mut self, frame: FrameOut) -> io::Result<()> {
        if frame.job.is_aborted() {
            return Ok(());
        }
        let sent = self.send_bytes(frame.text)?;
        self.queues.buffers.give(sent);
        match frame.kind {
            FrameKind::Chunk => {
                if let Some(done) = frame.done {
                    self.send_text(done)?;
                    self.events.done(frame.job.id());
                }
            }
            FrameKind::Done => self.events.done(frame.job.id()),
            FrameKind::Error => self.events.error(frame.job.id()),
        }
        Ok(())
    }

    fn send_text(&mut self, text: String) -> io::Result<()> {
        self.send_bytes(text.into_bytes()).map(drop)
    }

    /// Sends a text in UTF-8. Its memory comes back.
    fn send_bytes(&mut self, mut text: Vec<u8>) -> io::Result<Vec<u8>> {
        self.metrics.sent(text.len());
        self.frames.text(&mut text)?;
        Ok(text)
    }

    fn close(&mut self, code: u16, reason: &str) -> io::Result<()> {
        // 1005 stands for a close frame without a code, which is answered in kind.
        let payload = match code {
            1005 => Vec::new(),
            code => [&code.to_be_bytes(), reason.as_bytes()].concat(),
        };
        self.frames.control(ws::Control::Close, &payload)?;
        self.frames.socket()?.close_notify()
    }
}

enum Item {
    Control(Control),
    Error(ErrorFrame),
    Frame(FrameOut),
}
