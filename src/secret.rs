//! A text that must not be printed.

use std::fmt;

/// A token. Has no `Display`, and its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The official runner's way to show which token is in use: `rk_abcde…wxyz`. Of one that is shorter than any
    /// real token, of which that would be most, the beginning only.
    pub fn hint(&self) -> String {
        let length = self.0.chars().count();
        if length < 18 {
            return self.0.chars().take(3).chain(['…']).collect();
        }
        let head: String = self.0.chars().take(8).collect();
        let tail: String = self.0.chars().skip(length - 4).collect();
        format!("{head}…{tail}")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hint_is_shown() {
        let secret = Secret::new("rk_0123456789abcdef".to_owned());
        assert_eq!(secret.hint(), "rk_01234…cdef");
        assert_eq!(format!("{secret:?}"), "Secret");
        for (short, hint) in [("rk_0123456789", "rk_…"), ("abcd", "abc…"), ("", "…")] {
            assert_eq!(Secret::new(short.to_owned()).hint(), hint);
        }
    }
}
