//! Stands in for the crate `regex` in this workspace: the few parts that the mysql driver uses, on
//! `regex-lite`. The driver looks at server versions, times and PEM frames with a dozen ASCII patterns; the
//! real engine and its Unicode tables are a tenth of the whole binary. Criterion, for measuring, filters names
//! by [`Regex`]. Not for anything else.

pub use regex_lite::Regex;

pub mod bytes {
    //! Patterns over bytes.

    pub use regex_lite::Error;

    /// A compiled pattern. `\d` is an ASCII digit. Text that is not UTF-8 never matches.
    #[derive(Debug, Clone)]
    pub struct Regex(regex_lite::Regex);

    impl Regex {
        /// Compiles a pattern.
        ///
        /// # Errors
        /// It is none, or one that `regex-lite` does not know.
        pub fn new(pattern: &str) -> Result<Self, Error> {
            regex_lite::Regex::new(pattern).map(Self)
        }

        /// Does the pattern match somewhere?
        pub fn is_match(&self, text: &[u8]) -> bool {
            std::str::from_utf8(text).is_ok_and(|text| self.0.is_match(text))
        }

        /// The first match with its groups.
        pub fn captures<'t>(&self, text: &'t [u8]) -> Option<Captures<'t>> {
            self.0
                .captures(std::str::from_utf8(text).ok()?)
                .map(Captures)
        }
    }

    /// One match.
    #[derive(Debug)]
    pub struct Captures<'t>(regex_lite::Captures<'t>);

    impl<'t> Captures<'t> {
        /// The text of a group; 0 is the whole match.
        pub fn get(&self, group: usize) -> Option<Match<'t>> {
            self.0.get(group).map(Match)
        }
    }

    /// The text that a group matched.
    #[derive(Debug, Clone, Copy)]
    pub struct Match<'t>(regex_lite::Match<'t>);

    impl<'t> Match<'t> {
        /// As bytes.
        pub fn as_bytes(&self) -> &'t [u8] {
            self.0.as_str().as_bytes()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::bytes::Regex;

    /// The driver's own patterns.
    #[test]
    fn what_the_driver_asks_is_answered() {
        let version = Regex::new(r"^(?:5.5.5-)?(\d{1,2})\.(\d{1,2})\.(\d{1,3})-MariaDB").unwrap();
        let found = version
            .captures(b"5.5.5-10.11.6-MariaDB-0+deb12u1")
            .unwrap();
        let group = |n| found.get(n).unwrap().as_bytes();
        assert_eq!(
            (group(1), group(2), group(3)),
            (&b"10"[..], &b"11"[..], &b"6"[..])
        );
        assert!(version.captures(b"9.1.0").is_none());
        let time = Regex::new(r"^[0-8]\d\d:[0-5]\d:[0-5]\d\.\d{1,6}$").unwrap();
        assert!(time.is_match(b"838:59:59.000001"));
        assert!(!time.is_match(b"938:59:59.000001"));
        assert!(!time.is_match("83\u{663}:59:59.0".as_bytes()));
        assert!(!time.is_match(b"838:59:59.0\xff"));
        let pem = Regex::new("-----BEGIN PUBLIC KEY-----([^-]*)-----END PUBLIC KEY-----").unwrap();
        let key = pem
            .captures(b"x-----BEGIN PUBLIC KEY-----\nMII=\n-----END PUBLIC KEY-----\n")
            .unwrap();
        assert_eq!(key.get(1).unwrap().as_bytes(), b"\nMII=\n");
    }
}
