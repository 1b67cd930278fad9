//! What a session itself has to send, besides the frames of jobs.

use crossbeam_channel::{Receiver, TrySendError};
use log::debug;

use crate::job::{QueueSender, Wakeup};
use crate::limits;

/// Something the writer sends before any rows.
#[derive(Debug)]
pub enum Control {
    /// A frame of the session: `hello`, `heartbeat`.
    Frame(String),
    /// A WebSocket ping.
    Ping,
    /// The answer to a WebSocket ping, with its payload.
    Pong(Vec<u8>),
    /// The TLS layer has bytes of its own to send.
    FlushTls,
    /// Close the session with this code and reason, once what jobs have handed over is sent.
    Close(u16, &'static str),
}

/// The sending half of the queue of these.
#[derive(Clone)]
pub struct ControlSender(QueueSender<Control>);

impl ControlSender {
    /// A queue that wakes the writer.
    pub fn queue(writer: &Wakeup) -> (Self, Receiver<Control>) {
        let (sender, receiver) = QueueSender::queue(limits::CONTROL_QUEUE, writer);
        (Self(sender), receiver)
    }

    /// Queues what can as well be left out while the gateway does not read. The queue's other half is for the
    /// close frame.
    pub fn offer(&self, what: Control) {
        if self.0.len() >= self.0.capacity() / 2 {
            debug!("the gateway does not read; leaving out {what:?}");
        } else if let Err(TrySendError::Disconnected(_)) = self.0.try_send(what) {
            debug!("the writer has stopped");
        }
    }

    /// True when nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Asks for a close frame. False when there is nobody to send it.
    pub fn close(&self, code: u16, reason: &'static str) -> bool {
        self.0.try_send(Control::Close(code, reason)).is_ok()
    }
}
