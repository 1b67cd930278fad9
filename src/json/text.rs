//! JSON text in the making, with an end that holds while it is written.

use std::fmt;

use crate::json::plain::{copy, copy_plain, first_special};

/// What values are written to: any text.
pub trait Out {
    /// Appends a text.
    fn push_str(&mut self, text: &str);

    /// Appends a character.
    fn push(&mut self, character: char);

    /// Appends ASCII text.
    fn push_ascii(&mut self, text: &[u8]);

    /// Appends what a JSON string holds as it is, up to the first byte that needs an escape or is no ASCII. Returns
    /// the rest, which begins with that byte.
    fn push_plain<'a>(&mut self, text: &'a [u8]) -> &'a [u8];

    /// Makes room for so many bytes more.
    fn reserve(&mut self, more: usize);

    /// True when nothing that is written now would stay. Writers of many parts look at it, so as not to go on for
    /// nothing.
    fn is_full(&self) -> bool {
        false
    }
}

impl Out for String {
    #[inline]
    fn push_str(&mut self, text: &str) {
        self.push_str(text);
    }

    #[inline]
    fn push(&mut self, character: char) {
        self.push(character);
    }

    fn push_ascii(&mut self, text: &[u8]) {
        debug_assert!(text.is_ascii());
        self.push_str(std::str::from_utf8(text).unwrap_or_default());
    }

    fn push_plain<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let end = first_special(text).unwrap_or(text.len());
        let (plain, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
        self.push_ascii(plain);
        rest
    }

    fn reserve(&mut self, more: usize) {
        self.reserve(more);
    }
}

/// A text that takes no more than it was told to. Whatever goes beyond is dropped and the text is full from then
/// on, so that no writer has to ask and no value, however small in its database and long as text, costs more
/// memory than the bound.
#[derive(Debug)]
pub struct Text {
    /// The text, which is UTF-8, and room behind it: bytes that are there already take what is written by copies
    /// of a fixed size, without a look at the allocation for each.
    bytes: Vec<u8>,
    /// Where the text ends.
    end: usize,
    /// Most bytes, the text so far included. Never less than that.
    most: usize,
    /// Up to where it may be written right now: to the end of the room or of what is allowed.
    limit: usize,
    full: bool,
}

/// The least and the most room that is made at a time, in bytes.
const ROOM: (usize, usize) = (256, 64 << 10);

impl Text {
    /// An empty text without an end.
    pub fn new() -> Self {
        Self::within(Vec::new())
    }

    /// An empty text without an end, in the memory of a text that is of no more use.
    pub fn within(bytes: Vec<u8>) -> Self {
        Self {
            limit: bytes.len(),
            bytes,
            end: 0,
            most: usize::MAX,
            full: false,
        }
    }

    /// Bytes of the text.
    pub fn len(&self) -> usize {
        self.end
    }

    /// True when there is no text.
    pub fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// Lets the text grow by at most `more` bytes from here.
    pub fn allow(&mut self, more: usize) {
        self.most = self.end.saturating_add(more);
        self.limit = self.most.min(self.bytes.len());
        self.full = false;
    }

    /// True once something was dropped.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Appends a text.
    #[inline]
    pub fn push_str(&mut self, text: &str) {
        self.push_bytes(text.as_bytes());
    }

    /// Appends a character.
    #[inline]
    pub fn push(&mut self, character: char) {
        match u8::try_from(character) {
            Ok(ascii @ 0..128) => self.push_byte(ascii),
            _ => self.push_str(character.encode_utf8(&mut [0; 4])),
        }
    }

    fn push_byte(&mut self, byte: u8) {
        if let Some(place) = self.place(1).and_then(<[u8]>::first_mut) {
            *place = byte;
            self.end += 1;
        }
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        if let Some(place) = self.place(bytes.len()) {
            copy(place, bytes);
            self.end += bytes.len();
        }
    }

    /// The next `count` bytes, if they may be written.
    #[inline]
    fn place(&mut self, count: usize) -> Option<&mut [u8]> {
        if count > self.limit - self.end && !self.make_room(count) {
            return None;
        }
        self.bytes.get_mut(self.end..self.end + count)
    }

    #[cold]
    fn make_room(&mut self, count: usize) -> bool {
        if count > self.most - self.end {
            self.full = true;
            self.most = self.end;
            self.limit = self.end;
            return false;
        }
        let (least, most) = ROOM;
        // What is written to is memory in use, so it is little beyond what is needed; that memory moves seldom is the
        // business of its capacity.
        let room = self.end.clamp(least, most);
        self.bytes.resize(self.end + count + room, 0);
        self.limit = self.most.min(self.bytes.len());
        true
    }

    /// Takes everything from `length` on back.
    pub fn truncate(&mut self, length: usize) {
        self.end = self.end.min(length);
    }

    /// Gives back the memory that nothing is in.
    pub fn shrink(&mut self) {
        self.bytes.truncate(self.end);
        self.bytes.shrink_to_fit();
        self.limit = self.end;
    }

    /// The text so far. It is looked through for this: not for use a value.
    pub fn as_str(&self) -> &str {
        let text = self.bytes.get(..self.end).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }

    /// True when the last character is one of these, all of them ASCII.
    pub fn ends_with(&self, characters: &[u8]) -> bool {
        let last = self.end.checked_sub(1).and_then(|at| self.bytes.get(at));
        last.is_some_and(|last| characters.contains(last))
    }

    /// The text as UTF-8.
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.end);
        self.bytes
    }

    /// The text. It is looked through for this.
    pub fn into_string(self) -> String {
        String::from_utf8(self.into_bytes()).unwrap_or_default()
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::new()
    }
}

impl Out for Text {
    #[inline]
    fn push_str(&mut self, text: &str) {
        Self::push_str(self, text);
    }

    #[inline]
    fn push(&mut self, character: char) {
        Self::push(self, character);
    }

    #[inline]
    fn push_ascii(&mut self, text: &[u8]) {
        debug_assert!(text.is_ascii());
        self.push_bytes(text);
    }

    fn push_plain<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let Some(place) = self.place(text.len()) else {
            return &[];
        };
        let count = copy_plain(place, text);
        self.end += count;
        text.get(count..).unwrap_or_default()
    }

    fn reserve(&mut self, more: usize) {
        let more = more.min(self.most - self.end);
        self.bytes
            .reserve((self.end + more).saturating_sub(self.bytes.len()));
    }

    fn is_full(&self) -> bool {
        self.full
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_beyond_is_dropped_and_told() {
        let mut text = Text::new();
        text.push_str("head");
        text.allow(3);
        text.push_str("ab");
        text.push('é');
        assert!(text.is_full());
        text.push('c');
        assert_eq!(text.push_plain(b"plain"), b"");
        assert_eq!(text.as_str(), "headab");
        text.truncate(4);
        text.allow(2);
        text.push('é');
        assert!(!text.is_full());
        text.reserve(1 << 40);
        assert_eq!(text.into_string(), "headé");
    }

    #[test]
    fn nothing_of_a_text_before_shows() {
        let mut text = Text::within(b"a longer text that is gone".to_vec());
        assert!(text.is_empty());
        text.push_str("new");
        assert!(text.ends_with(b"vw"));
        text.shrink();
        text.push('!');
        assert_eq!(text.into_bytes(), b"new!");
    }

    #[test]
    fn texts_of_every_length_arrive_whole() {
        let all = "0123456789".repeat(20);
        let mut text = Text::new();
        let mut expected = String::new();
        for length in 0..all.len() {
            text.push_str(&all[..length]);
            assert_eq!(text.push_plain(&all.as_bytes()[length..]), b"");
            expected.push_str(&all);
        }
        assert_eq!(text.as_str(), expected);
    }
}
