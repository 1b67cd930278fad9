//! What is told of a session: to a person on standard output, in the official words, and to the service
//! manager.

use std::sync::Arc;

use crate::console::Lines;
use crate::service_manager::ServiceManager;
use crate::text::printable;

/// Tells the events of sessions. Clones tell the same.
#[derive(Clone)]
pub struct Events {
    lines: Lines,
    manager: Arc<ServiceManager>,
}

impl Events {
    /// On standard output, and to this service manager.
    pub fn new(lines: Lines, manager: Arc<ServiceManager>) -> Self {
        Self { lines, manager }
    }

    /// The gateway has accepted the session.
    pub fn connected(&self) {
        self.lines
            .say("  → connected, awaiting jobs", "connected", &[]);
        self.manager.connected();
    }

    /// The session is over, or did not come about. See [`crate::gateway::End::reason`].
    pub fn disconnected(&self, reason: &str) {
        let text = format!("  ⚠ disconnected: {reason}");
        self.lines.say(&text, "disconnected", &[("reason", reason)]);
        self.manager.disconnected(reason);
    }

    /// A job came in.
    pub fn job(&self, id: Option<&str>) {
        let text = format!("  ← job {}", short(id));
        self.lines
            .say(&text, "job", &[("job", id.unwrap_or_default())]);
    }

    /// A job was answered.
    pub fn done(&self, id: &str) {
        self.lines.say(
            &format!("  → done {}", short(Some(id))),
            "done",
            &[("job", id)],
        );
    }

    /// A job has failed.
    pub fn error(&self, id: &str) {
        self.lines.say(
            &format!("  → error {}", short(Some(id))),
            "error",
            &[("job", id)],
        );
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
