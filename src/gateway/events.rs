//! What a person sees of a session on standard output, in the official words.

use crate::console::{Console, printable};

/// Prints the events of sessions. Clones print to the same place.
#[derive(Clone)]
pub struct Events {
    console: Console,
}

impl Events {
    /// To this stream.
    pub fn new(console: Console) -> Self {
        Self { console }
    }

    /// The gateway has accepted the session.
    pub fn connected(&self) {
        self.console.line("  → connected, awaiting jobs");
    }

    /// The session is over, or did not come about. See [`crate::gateway::End::reason`].
    pub fn disconnected(&self, reason: &str) {
        self.console.line(&format!("  ⚠ disconnected: {reason}"));
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
