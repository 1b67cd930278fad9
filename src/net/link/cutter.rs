//! The end of a link from outside: whoever holds a [`Cutter`] ends what another thread waits for.

use std::io;
use std::net::Shutdown;
use std::sync::{Arc, Mutex, MutexGuard};

use crossbeam_channel::{Receiver, Sender, bounded};
use socket2::Socket;

use crate::locks::lock;

/// Cuts a link, now or while it is being dialled. Final: what was cut opens no connection any more.
#[derive(Clone)]
pub struct Cutter(Arc<Shared>);

struct Shared {
    held: Mutex<Held>,
    /// Never carries a value: it is disconnected by the cut, which wakes whoever waits for a name.
    over: Receiver<()>,
}

struct Held {
    /// Dropped by the cut.
    alive: Option<Sender<()>>,
    socket: Option<Arc<Socket>>,
}

impl Default for Cutter {
    fn default() -> Self {
        let (alive, over) = bounded(0);
        let held = Mutex::new(Held {
            alive: Some(alive),
            socket: None,
        });
        Self(Arc::new(Shared { held, over }))
    }
}

impl Cutter {
    /// Ends whatever the link's owner waits for with an error. Does not block.
    pub fn cut(&self) {
        let socket = {
            let mut held = self.held();
            held.alive = None;
            held.socket.take()
        };
        if let Some(socket) = socket {
            // The peer may have been faster.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// True after [`Cutter::cut`].
    pub fn is_cut(&self) -> bool {
        self.held().alive.is_none()
    }

    /// Disconnected by the cut.
    pub(super) fn over(&self) -> &Receiver<()> {
        &self.0.over
    }

    /// From now on a cut ends this socket.
    pub(super) fn watch(&self, socket: &Arc<Socket>) -> io::Result<()> {
        let mut held = self.held();
        if held.alive.is_none() {
            return Err(cut());
        }
        held.socket = Some(Arc::clone(socket));
        Ok(())
    }

    /// Nothing of a link that was given up stays open for the sake of its cutter.
    pub(super) fn forget(&self) {
        self.held().socket = None;
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        lock(&self.0.held)
    }
}

/// What reads and writes of a link end with that was cut.
pub(super) fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the job has ended")
}
