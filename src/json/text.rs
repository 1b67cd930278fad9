//! JSON text in the making, with an end that holds while it is written.

use std::fmt;
use std::ops::Deref;

/// What values are written to: any text.
pub trait Out {
    /// Appends a text.
    fn push_str(&mut self, text: &str);

    /// Appends a character.
    fn push(&mut self, character: char);

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

    fn reserve(&mut self, more: usize) {
        self.reserve(more);
    }
}

/// A text that takes no more than it was told to. Whatever goes beyond is dropped and the text is full from then
/// on, so that no writer has to ask and no value, however small in its database and long as text, costs more
/// memory than the bound.
#[derive(Debug)]
pub struct Text {
    text: String,
    /// Most bytes, the text so far included. Never less than that.
    most: usize,
    full: bool,
}

impl Text {
    /// An empty text without an end.
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// An empty text without an end, with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            text: String::with_capacity(capacity),
            most: usize::MAX,
            full: false,
        }
    }

    /// Lets the text grow by at most `more` bytes from here.
    pub fn allow(&mut self, more: usize) {
        self.most = self.text.len().saturating_add(more);
        self.full = false;
    }

    /// True once something was dropped.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Appends a text.
    #[inline]
    pub fn push_str(&mut self, text: &str) {
        if text.len() <= self.most - self.text.len() {
            self.text.push_str(text);
        } else {
            self.fill();
        }
    }

    /// Appends a character.
    #[inline]
    pub fn push(&mut self, character: char) {
        if character.len_utf8() <= self.most - self.text.len() {
            self.text.push(character);
        } else {
            self.fill();
        }
    }

    #[cold]
    fn fill(&mut self) {
        self.full = true;
        self.most = self.text.len();
    }

    /// Takes everything from `length` on back.
    pub fn truncate(&mut self, length: usize) {
        self.text.truncate(length);
    }

    /// Gives back the memory that nothing is in.
    pub fn shrink(&mut self) {
        self.text.shrink_to_fit();
    }

    /// The text.
    pub fn into_string(self) -> String {
        self.text
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

    fn reserve(&mut self, more: usize) {
        self.text.reserve(more.min(self.most - self.text.len()));
    }

    fn is_full(&self) -> bool {
        self.full
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
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
        assert_eq!(&*text, "headab");
        text.truncate(4);
        text.allow(2);
        text.push('é');
        assert!(!text.is_full());
        text.reserve(1 << 40);
        assert_eq!(text.into_string(), "headé");
    }
}
