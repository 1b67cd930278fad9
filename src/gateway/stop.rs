//! The end of the process, as the link to the gateway sees it.

use std::sync::Mutex;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::gateway::control::ControlSender;
use crate::locks::lock;

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
    control: Option<ControlSender>,
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
        drop(lock(&self.running).take());
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
        let mut session = lock(&self.session);
        session.closed = true;
        if let Some(control) = &session.control {
            control.close(1000, "");
        }
        session.control.is_some()
    }

    /// Names the session that the second step closes, until the guard is dropped.
    pub fn register(&self, control: ControlSender) -> Registered<'_> {
        let mut session = lock(&self.session);
        if session.closed {
            control.close(1000, "");
        }
        session.control = Some(control);
        Registered { stop: self }
    }
}

/// A session is registered.
pub struct Registered<'a> {
    stop: &'a Stop,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        lock(&self.stop.session).control = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::control::Control;
    use crate::job::Wakeup;

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
        let (old, old_queue) = ControlSender::queue(&Wakeup::default());
        drop(stop.register(old));
        let (control, queue) = ControlSender::queue(&Wakeup::default());
        let registered = stop.register(control);
        assert!(stop.close());
        assert!(matches!(queue.try_recv(), Ok(Control::Close(1000, ""))));
        assert!(old_queue.is_empty());
        drop(registered);
        assert!(!stop.close());
        let (late, late_queue) = ControlSender::queue(&Wakeup::default());
        let _registered = stop.register(late);
        assert!(matches!(
            late_queue.try_recv(),
            Ok(Control::Close(1000, ""))
        ));
    }
}
