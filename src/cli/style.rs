//! Marks and colours of lines for people.

use std::io::{self, IsTerminal};

use crate::inspect::Mark;

/// Whether to use colours. They are for a terminal whose user did not ask for none (`NO_COLOR`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    colours: bool,
}

/// The sign in front of a line.
pub fn sign(mark: Mark) -> &'static str {
    match mark {
        Mark::Good => "✓",
        Mark::Warning => "⚠",
        Mark::Bad => "✗",
    }
}

/// The word in JSON.
pub fn word(mark: Mark) -> &'static str {
    match mark {
        Mark::Good => "ok",
        Mark::Warning => "warning",
        Mark::Bad => "failed",
    }
}

impl Style {
    /// For standard output. `variable` looks into the environment.
    pub fn stdout(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self::decide(io::stdout().is_terminal(), variable)
    }

    /// For standard error.
    pub fn stderr(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self::decide(io::stderr().is_terminal(), variable)
    }

    fn decide(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let unwanted = variable("NO_COLOR").is_some_and(|value| !value.is_empty())
            || variable("TERM").is_some_and(|term| term == "dumb");
        Self {
            colours: terminal && !unwanted,
        }
    }

    /// The mark, in its colour.
    pub fn mark(self, mark: Mark) -> String {
        let colour = match mark {
            Mark::Good => 32,
            Mark::Warning => 33,
            Mark::Bad => 31,
        };
        self.paint(colour, sign(mark))
    }

    /// A heading.
    pub fn heading(self, text: &str) -> String {
        self.paint(1, text)
    }

    fn paint(self, code: u8, text: &str) -> String {
        if self.colours {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        let none = |_: &str| None;
        let no_color = |name: &str| (name == "NO_COLOR").then(|| "1".to_owned());
        let empty = |name: &str| (name == "NO_COLOR").then(String::new);
        let dumb = |name: &str| (name == "TERM").then(|| "dumb".to_owned());
        assert!(Style::decide(true, none).colours);
        assert!(Style::decide(true, empty).colours);
        for style in [
            Style::decide(false, none),
            Style::decide(true, no_color),
            Style::decide(true, dumb),
        ] {
            assert_eq!(style.mark(Mark::Bad), "✗");
        }
        assert_eq!(
            Style::decide(true, none).mark(Mark::Good),
            "\u{1b}[32m✓\u{1b}[0m"
        );
    }
}
