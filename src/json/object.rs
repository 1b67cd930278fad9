//! JSON objects whose members are known one by one: frames, audit lines, rows that describe.

use crate::json::{write_string, write_u64};

/// An object that is being written.
pub struct Object<'a> {
    out: &'a mut String,
    empty: bool,
}

/// Appends an object with the members that `fill` adds.
pub fn write_object(out: &mut String, fill: impl FnOnce(&mut Object<'_>)) {
    out.push('{');
    let mut object = Object { out, empty: true };
    fill(&mut object);
    object.out.push('}');
}

/// The text of an object's members, for [`Object::members`].
pub fn members(fill: impl FnOnce(&mut Object<'_>)) -> String {
    let mut text = String::new();
    fill(&mut Object {
        out: &mut text,
        empty: true,
    });
    text
}

/// The text of an object.
pub fn object(fill: impl FnOnce(&mut Object<'_>)) -> String {
    let mut text = String::with_capacity(128);
    write_object(&mut text, fill);
    text
}

impl Object<'_> {
    /// Adds a member that is written by `write`. Keys are ours and need no escape.
    pub fn member(&mut self, key: &'static str, write: impl FnOnce(&mut String)) -> &mut Self {
        if !std::mem::take(&mut self.empty) {
            self.out.push(',');
        }
        self.out.push('"');
        self.out.push_str(key);
        self.out.push_str("\":");
        write(self.out);
        self
    }

    /// Adds a string.
    pub fn string(&mut self, key: &'static str, value: &str) -> &mut Self {
        self.member(key, |out| write_string(out, value))
    }

    /// Adds an integer.
    pub fn number(&mut self, key: &'static str, value: u64) -> &mut Self {
        self.member(key, |out| write_u64(out, value))
    }

    /// Adds a truth value.
    pub fn truth(&mut self, key: &'static str, value: bool) -> &mut Self {
        self.member(key, |out| {
            out.push_str(if value { "true" } else { "false" })
        })
    }

    /// Adds an object.
    pub fn object(&mut self, key: &'static str, fill: impl FnOnce(&mut Object<'_>)) -> &mut Self {
        self.member(key, |out| write_object(out, fill))
    }

    /// Adds a list, each item by `write`.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut String, T),
    ) -> &mut Self {
        self.member(key, |out| {
            out.push('[');
            for (n, item) in items.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write(out, item);
            }
            out.push(']');
        })
    }

    /// Adds members that are text already: `"a":1,"b":2`, or nothing.
    pub fn members(&mut self, text: &str) -> &mut Self {
        if !text.is_empty() {
            if !std::mem::take(&mut self.empty) {
                self.out.push(',');
            }
            self.out.push_str(text);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_separated_at_every_depth() {
        let text = object(|frame| {
            frame.string("a", "x\"y").number("b", 7).truth("c", true);
            frame.object("d", |inner| {
                inner.members("").list("e", ["p", "q"], write_string);
            });
            frame
                .object("f", |_| {})
                .members("\"g\":null,\"h\":1")
                .truth("i", false);
        });
        assert_eq!(
            text,
            r#"{"a":"x\"y","b":7,"c":true,"d":{"e":["p","q"]},"f":{},"g":null,"h":1,"i":false}"#
        );
    }
}
