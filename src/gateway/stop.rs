//! The end of the process, as the link to the gateway sees it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::engine::Urgent;
use crate::job::Inlet;

/// Two steps: first no new connection is made, while the session that is there still delivers answers; then
/// that session is closed.
pub struct Stop {
    running: Mutex<Option<Sender<()>>>,
    /// Disconnected by the first step.
    stopping: Receiver<()>,
    session: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    urgent: Option<Inlet<Urgent>>,
    closed: bool,
}

impl Default for Stop {
    fn default() -> Self {
        let (running, stopping) = bounded(0);
        Self {
            running: Mutex::new(Some(running)),
            stopping,
            session: Mutex::default(),
        }
    }
}

impl Stop {
    /// The first step.
    pub fn begin(&self) {
        let running = self.running.lock();
        drop(running.unwrap_or_else(PoisonError::into_inner).take());
    }

    /// True after the first step.
    pub fn has_begun(&self) -> bool {
        self.waited(Duration::ZERO)
    }

    /// Waits; true if the first step came first.
    pub fn waited(&self, time: Duration) -> bool {
        use crossbeam_channel::RecvTimeoutError::Disconnected;
        self.stopping.recv_timeout(time) == Err(Disconnected)
    }

    /// The second step: closes the session, if there is one, and every later one. True if there is one, whose
    /// last frames are worth waiting for.
    pub fn close(&self) -> bool {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        session.closed = true;
        if let Some(urgent) = &session.urgent {
            close(urgent);
        }
        session.urgent.is_some()
    }

    /// Names the session that the second step closes, until the guard is dropped.
    pub fn register(&self, urgent: Inlet<Urgent>) -> Registered<'_> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if session.closed {
            close(&urgent);
        }
        session.urgent = Some(urgent);
        Registered { stop: self }
    }
}

fn close(urgent: &Inlet<Urgent>) {
    // A full queue belongs to a gateway that would not read the close frame either.
    let _ = urgent.try_send(Urgent::Close(1000, ""));
}

/// A session is registered.
pub struct Registered<'a> {
    stop: &'a Stop,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        let session = self.stop.session.lock();
        session.unwrap_or_else(PoisonError::into_inner).urgent = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Bell;

    #[test]
    fn waiting_ends_when_the_stop_begins() {
        let stop = Stop::default();
        assert!(!stop.has_begun());
        stop.begin();
        stop.begin();
        assert!(stop.has_begun());
        assert!(stop.waited(Duration::from_secs(60)));
    }

    #[test]
    fn the_session_of_the_moment_is_closed() {
        let stop = Stop::default();
        let (old, old_queue) = Inlet::queue(1, &Bell::default());
        drop(stop.register(old));
        let (urgent, queue) = Inlet::queue(1, &Bell::default());
        let registered = stop.register(urgent);
        assert!(stop.close());
        assert!(matches!(queue.try_recv(), Ok(Urgent::Close(1000, ""))));
        assert!(old_queue.is_empty());
        drop(registered);
        assert!(!stop.close());
        let (late, late_queue) = Inlet::queue(1, &Bell::default());
        let _registered = stop.register(late);
        assert!(matches!(late_queue.try_recv(), Ok(Urgent::Close(1000, ""))));
    }
}
