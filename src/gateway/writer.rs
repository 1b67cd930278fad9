//! The thread that writes to the gateway whatever nobody has written on the way; see [`crate::gateway::shortcut`].

use std::io;
use std::thread;

use crossbeam_channel::Receiver;
use tungstenite::protocol::frame::coding as ws;

use crate::engine::ErrorFrame;
use crate::gateway::control::Control;
use crate::gateway::outlet::{Outlet, SharedOutlet};
use crate::job::{FrameOut, Wakeup};

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
    /// Taken for as long as there is something to send.
    pub outlet: SharedOutlet,
    /// What there is to send.
    pub queues: Queues,
}

/// Whether there is more to come.
#[derive(PartialEq, Eq)]
enum Next {
    Continue,
    /// A close frame was sent; nothing may follow it.
    Closed,
}

impl Writer {
    /// Writes until the session stops or the socket fails.
    pub fn run(self) -> io::Result<()> {
        self.queues.wakeup.attend();
        loop {
            let mut shared = self.outlet.take();
            let next = match shared.as_mut() {
                Some(outlet) => self.queues.send_all(outlet),
                None => Ok(Next::Closed),
            };
            if self.queues.wakeup.is_closed() || !matches!(next, Ok(Next::Continue)) {
                *shared = None;
                return next.map(drop);
            }
            drop(shared);
            thread::park();
        }
    }
}

impl Queues {
    /// Sends all there is. Small frames that are ready together leave together.
    fn send_all(&self, outlet: &mut Outlet) -> io::Result<Next> {
        while let Some(item) = self.ready() {
            if self.send(outlet, item)? == Next::Closed {
                return Ok(Next::Closed);
            }
        }
        outlet.frames.flush()?;
        Ok(Next::Continue)
    }

    fn ready(&self) -> Option<Item> {
        if let Ok(error) = self.errors.try_recv() {
            // The number in it falls by one a step, so it cannot miss the half.
            if Some(self.errors.len()) == self.errors.capacity().map(|room| room / 2) {
                self.room.wake();
            }
            return Some(Item::Error(error));
        }
        let control = self.control.try_recv().map(Item::Control);
        control
            .or_else(|_| self.frames.try_recv().map(Item::Frame))
            .ok()
    }

    fn send(&self, outlet: &mut Outlet, item: Item) -> io::Result<Next> {
        match item {
            Item::Frame(frame) => outlet.frame(frame)?,
            Item::Error(error) => outlet.error(error)?,
            Item::Control(Control::Frame(text)) => outlet.text(text)?,
            Item::Control(Control::Ping) => outlet.frames.control(ws::Control::Ping, &[])?,
            Item::Control(Control::Pong(payload)) => {
                outlet.frames.control(ws::Control::Pong, &payload)?
            }
            Item::Control(Control::FlushTls) => outlet.frames.socket()?.flush()?,
            Item::Control(Control::Close(code, reason)) => {
                // The last answers of a runner that stops may still be here.
                while let Ok(frame) = self.frames.try_recv() {
                    outlet.frame(frame)?;
                }
                outlet.close(code, reason)?;
                return Ok(Next::Closed);
            }
        }
        Ok(Next::Continue)
    }
}

enum Item {
    Control(Control),
    Error(ErrorFrame),
    Frame(FrameOut),
}
