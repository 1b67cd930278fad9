//! The thread that alone writes to the gateway.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::Receiver;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame};
use tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Bytes, Result};

use crate::engine::Urgent;
use crate::gateway::events::Events;
use crate::gateway::wire::WireWriter;
use crate::job::{Bell, FrameKind, FrameOut};
use crate::limits;
use crate::metrics::Metrics;

/// Sends what the queues hold, urgent things first, until the session stops.
pub struct Writer {
    context: WebSocketContext,
    stream: WriteOnly,
    urgent: Receiver<Urgent>,
    frames: Receiver<FrameOut>,
    /// Rung when there is something in the queues, closed when the session is over.
    bell: Bell,
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
        wire: WireWriter,
        urgent: Receiver<Urgent>,
        frames: Receiver<FrameOut>,
        bell: Bell,
        events: Events,
        metrics: Arc<Metrics>,
    ) -> Self {
        let config = WebSocketConfig::default()
            // It reads nothing, and the buffer is allocated at once.
            .read_buffer_size(0)
            .write_buffer_size(limits::WRITE_BUFFER)
            .max_write_buffer_size(2 * (limits::FRAGMENT_BYTES + limits::WRITE_BUFFER));
        Self {
            context: WebSocketContext::new(Role::Client, Some(config)),
            stream: WriteOnly(wire),
            urgent,
            frames,
            bell,
            events,
            metrics,
        }
    }

    /// Writes until the session stops or the socket fails.
    pub fn run(mut self) -> Result<()> {
        self.bell.attend();
        loop {
            // Small frames that are ready together leave together.
            while let Some(item) = self.ready() {
                if self.send(item)? == Next::Closed {
                    return Ok(());
                }
            }
            self.context.flush(&mut self.stream)?;
            if self.bell.is_closed() {
                return Ok(());
            }
            thread::park();
        }
    }

    fn ready(&self) -> Option<Item> {
        let urgent = self.urgent.try_recv().map(Item::Urgent);
        urgent
            .or_else(|_| self.frames.try_recv().map(Item::Frame))
            .ok()
    }

    fn send(&mut self, item: Item) -> Result<Next> {
        match item {
            Item::Frame(frame) => self.send_frame(frame)?,
            Item::Urgent(Urgent::Session(text)) => self.send_text(text, 0)?,
            Item::Urgent(Urgent::JobError { id, text }) => {
                self.send_text(text, 0)?;
                self.events.error(&id);
            }
            Item::Urgent(Urgent::Ping) => self.send_message(Frame::ping(Bytes::new()))?,
            Item::Urgent(Urgent::Pong(payload)) => self.send_message(Frame::pong(payload))?,
            Item::Urgent(Urgent::FlushTls) => self.stream.flush()?,
            Item::Urgent(Urgent::Close(code, reason)) => {
                // The last answers of a runner that stops may still be here.
                while let Ok(frame) = self.frames.try_recv() {
                    self.send_frame(frame)?;
                }
                self.close(code, reason)?;
                return Ok(Next::Closed);
            }
        }
        Ok(Next::Continue)
    }

    fn send_frame(&mut self, frame: FrameOut) -> Result<()> {
        if frame.job.is_aborted() {
            return Ok(());
        }
        self.send_text(frame.text, frame.rows)?;
        match frame.kind {
            FrameKind::Chunk => {
                if let Some(done) = frame.done {
                    self.send_text(done, 0)?;
                    self.events.done(frame.job.id());
                }
            }
            FrameKind::Done => self.events.done(frame.job.id()),
            FrameKind::Error => self.events.error(frame.job.id()),
        }
        Ok(())
    }

    fn send_text(&mut self, text: String, rows: u64) -> Result<()> {
        self.metrics.sent(rows, text.len());
        if text.len() <= limits::FRAGMENT_BYTES {
            return self.context.write(&mut self.stream, text.into());
        }
        let bytes = Bytes::from(text);
        let mut rest = bytes.clone();
        let mut kind = Data::Text;
        while !rest.is_empty() {
            let part = rest.split_to(rest.len().min(limits::FRAGMENT_BYTES));
            let last = rest.is_empty();
            self.send_message(Frame::message(part, OpCode::Data(kind), last))?;
            kind = Data::Continue;
        }
        Ok(())
    }

    fn send_message(&mut self, frame: Frame) -> Result<()> {
        self.context.write(&mut self.stream, Message::Frame(frame))
    }

    fn close(&mut self, code: u16, reason: &'static str) -> Result<()> {
        // 1005 stands for a close frame without a code, which is answered in kind.
        let frame = (code != 1005).then(|| CloseFrame {
            code: code.into(),
            reason: reason.into(),
        });
        self.context.close(&mut self.stream, frame)?;
        Ok(self.stream.0.close_notify()?)
    }
}

enum Item {
    Urgent(Urgent),
    Frame(FrameOut),
}

/// The parser wants to be able to read where it writes; this writer never asks it to.
struct WriteOnly(WireWriter);

impl Read for WriteOnly {
    fn read(&mut self, _buf: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Write for WriteOnly {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
