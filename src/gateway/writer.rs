//! The thread that alone writes to the gateway.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::Receiver;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame};
use tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Bytes, Result};

use crate::engine::ErrorFrame;
use crate::gateway::control::Control;
use crate::gateway::events::Events;
use crate::gateway::socket::SocketWriter;
use crate::job::{FrameKind, FrameOut, Wakeup};
use crate::limits;
use crate::metrics::Metrics;

/// What the writer takes from the others.
pub struct Queues {
    /// What the session itself has to send.
    pub control: Receiver<Control>,
    /// The ends of jobs that ended elsewhere than in their worker.
    pub errors: Receiver<ErrorFrame>,
    /// Rows, and the ends of jobs.
    pub frames: Receiver<FrameOut>,
    /// Wakes the writer when there is something in the queues; closed when the session is over.
    pub wakeup: Wakeup,
    /// Wakes whoever waits until no more than half of the room for errors is taken.
    pub room: Wakeup,
}

/// Sends what the queues hold, rows last, until the session stops.
pub struct Writer {
    context: WebSocketContext,
    stream: WriteOnly,
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
        let config = WebSocketConfig::default()
            // It reads nothing, and the buffer is allocated at once.
            .read_buffer_size(0)
            .write_buffer_size(limits::WRITE_BUFFER)
            .max_write_buffer_size(2 * (limits::FRAGMENT_BYTES + limits::WRITE_BUFFER));
        Self {
            context: WebSocketContext::new(Role::Client, Some(config)),
            stream: WriteOnly(socket),
            queues,
            events,
            metrics,
        }
    }

    /// Writes until the session stops or the socket fails.
    pub fn run(mut self) -> Result<()> {
        self.queues.wakeup.attend();
        loop {
            // Small frames that are ready together leave together.
            while let Some(item) = self.ready() {
                if self.send(item)? == Next::Closed {
                    return Ok(());
                }
            }
            self.context.flush(&mut self.stream)?;
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

    fn send(&mut self, item: Item) -> Result<Next> {
        match item {
            Item::Frame(frame) => self.send_frame(frame)?,
            Item::Error(ErrorFrame { id, text }) => {
                self.send_text(text)?;
                self.events.error(&id);
            }
            Item::Control(Control::Frame(text)) => self.send_text(text)?,
            Item::Control(Control::Ping) => self.send_message(Frame::ping(Bytes::new()))?,
            Item::Control(Control::Pong(payload)) => self.send_message(Frame::pong(payload))?,
            Item::Control(Control::FlushTls) => self.stream.flush()?,
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

    fn send_frame(&mut self, frame: FrameOut) -> Result<()> {
        if frame.job.is_aborted() {
            return Ok(());
        }
        self.send_text(frame.text)?;
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

    fn send_text(&mut self, text: String) -> Result<()> {
        self.metrics.sent(text.len());
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
    Control(Control),
    Error(ErrorFrame),
    Frame(FrameOut),
}

/// The parser wants to be able to read where it writes; this writer never asks it to.
struct WriteOnly(SocketWriter);

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
