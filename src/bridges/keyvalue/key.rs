//! Keys, their order, and the cursors that mark a place among them.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::json::{utf16_order, write_bytes, write_string};
use crate::net::base64;
use crate::reducer::Place;

/// What a cursor begins with that marks a key which is no text.
const BYTES: &str = "\0bytes:";

/// A key of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    bytes: Box<[u8]>,
    is_text: bool,
}

impl Key {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.into(),
            is_text: std::str::from_utf8(bytes).is_ok(),
        }
    }

    /// The key after which a page begins. Any text marks a place, and so does what [`Key::cursor`] makes of
    /// a key that is no text: no key of a target looks like it, because it does not begin with the target.
    pub(super) fn of_cursor(cursor: &str) -> Self {
        let bytes = cursor.strip_prefix(BYTES).and_then(base64::decode);
        match bytes.filter(|bytes| std::str::from_utf8(bytes).is_err()) {
            Some(bytes) => Self::new(&bytes),
            None => Self::new(cursor.as_bytes()),
        }
    }

    /// True when it is UTF-8.
    pub(super) fn is_text(&self) -> bool {
        self.is_text
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The key as a text, with U+FFFD for what is none.
    pub(super) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// The text that marks this key's place.
    pub(super) fn cursor(&self) -> String {
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => format!("{BYTES}{}", base64::encode(&self.bytes)),
        }
    }

    /// The key as rows show it: a text, or the bytes of what is none, so that two keys never look the same.
    pub(super) fn json(&self) -> String {
        let mut out = String::new();
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => write_string(&mut out, text),
            Err(_) => write_bytes(&mut out, &self.bytes),
        }
        out
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        order((&self.bytes, self.is_text), (&other.bytes, other.is_text))
    }
}

/// The order of keys, each with whether it is a text: by UTF-16 code units of the text, then by bytes.
pub(super) fn order(a: (&[u8], bool), b: (&[u8], bool)) -> Ordering {
    if let (true, true) = (a.1, b.1) {
        return utf16_order(a.0, b.0);
    }
    let text = |bytes| String::from_utf8_lossy(bytes);
    utf16_order(text(a.0).as_bytes(), text(b.0).as_bytes()).then_with(|| a.0.cmp(b.0))
}

impl Place for Key {
    fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What the keys of a target begin with.
pub(super) fn prefix(target: &str) -> Vec<u8> {
    format!("{target}:").into_bytes()
}

/// The pattern for the keys of a target, in which every character of it stands for itself.
pub(super) fn pattern(target: &str) -> Vec<u8> {
    let mut pattern = String::with_capacity(target.len() + 2);
    for c in target.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '^') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push_str(":*");
    pattern.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_order_of_their_texts_and_then_of_their_bytes() {
        let ordered: [&[u8]; 8] = [
            b":",
            b"a:",
            b"a:1",
            b"a:10",
            b"a:2",
            "a:😀".as_bytes(),
            b"a:\xfe",
            b"a:\xff",
        ];
        for (i, a) in ordered.iter().enumerate() {
            for (j, b) in ordered.iter().enumerate() {
                assert_eq!(Key::new(a).cmp(&Key::new(b)), i.cmp(&j), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn every_key_has_a_cursor_of_its_own() {
        for bytes in [
            &b"a:1"[..],
            b"",
            b"a:\xff",
            "a:\u{fffd}".as_bytes(),
            b"\0bytes:YQ==",
        ] {
            let key = Key::new(bytes);
            assert_eq!(Key::of_cursor(&key.cursor()), key);
        }
        assert_eq!(Key::new(b"a:\xff").cursor(), "\0bytes:YTr/");
        assert_eq!(
            Key::new(b"a:\xff").json(),
            r#"{"type":"Buffer","data":[97,58,255]}"#
        );
        assert_eq!(Key::new(b"a:\"").json(), r#""a:\"""#);
    }

    #[test]
    fn a_target_is_literal() {
        assert_eq!(pattern("a*b?[c]\\^-d"), b"a\\*b\\?\\[c\\]\\\\\\^-d:*");
        assert_eq!(prefix(""), b":");
    }
}
