//! What is told of a session: to a person on standard output, in the official words, and to the service
//! manager.

use std::sync::Arc;

use crate::console::Console;
use crate::service_manager::ServiceManager;
use crate::text::printable;

/// Tells the events of sessions. Clones tell the same.
#[derive(Clone)]
pub struct Events {
    console: Console,
    manager: Arc<ServiceManager>,
}

impl Events {
    /// To this stream, and to this service manager.
    pub fn new(console: Console, manager: Arc<ServiceManager>) -> Self {
        Self { console, manager }
    }

    /// The gateway has accepted the session.
    pub fn connected(&self) {
        self.console.line("  → connected, awaiting jobs");
        self.manager.ready();
    }

    /// The gateway, having accepted the session, has sent something.
    pub fn answered(&self) {
        self.manager.alive();
    }

    /// The session is over, or did not come about. See [`crate::gateway::End::reason`].
    pub fn disconnected(&self, reason: &str) {
        self.console.line(&format!("  ⚠ disconnected: {reason}"));
        self.manager.disconnected(reason);
    }

    /// A job came in.
    pub fn job(&self, id: Option<&str>) {
        self.console.line(&format!("  ← job {}", short(id)));
    }

    /// A job was answered.
    pub fn done(&self, id: &str) {
        self.console.line(&format!("  → done {}", short(Some(id))));
    }

    /// A job has failed.
    pub fn error(&self, id: &str) {
        self.console.line(&format!("  → error {}", short(Some(id))));
    }
}

/// The first eight characters of an id. A line break in one must not forge a line.
pub fn short(id: Option<&str>) -> String {
    match id {
        None | Some("") => "?".to_owned(),
        Some(id) => printable(id.chars().take(8)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_cut_and_harmless() {
        assert_eq!(short(Some("0123456789")), "01234567");
        assert_eq!(short(Some("é漢😀")), "é漢😀");
        assert_eq!(short(Some("")), "?");
        assert_eq!(short(None), "?");
        assert_eq!(short(Some("a\n\u{1b}[2J")), "a\u{fffd}\u{fffd}[2J");
    }
}
