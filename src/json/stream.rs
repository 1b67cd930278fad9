//! A JSON document that comes in: its objects and lists part by part, and values inside of them as the text they came
//! in, so that a long one need not be held.

use std::io::{self, BufRead};

use crate::error::JobError;
use crate::json::Raw;

/// What is still to come of a document.
pub struct Stream<'a> {
    /// Where it comes from.
    pub source: &'a mut dyn BufRead,
    /// What it means that no more of it comes, or something else: then the kind is `InvalidData`.
    pub failed: fn(io::Error) -> JobError,
    /// Asked whenever a value has grown to a length.
    pub may_grow: &'a dyn Fn(usize) -> Result<(), JobError>,
}

type Each<'e> = dyn FnMut(&mut Stream<'_>) -> Result<(), JobError> + 'e;

impl Stream<'_> {
    /// Takes an object member by member. `each` gets the name and takes the value, once.
    pub fn each_member(
        &mut self,
        each: &mut dyn FnMut(&mut Stream<'_>, &str) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        self.each_part((b'{', b'}'), &mut |stream| {
            let name = stream.value()?;
            let name = Raw::known(&name).text().ok_or_else(|| stream.nonsense())?;
            match stream.skip(b':')? {
                true => each(stream, &name),
                false => Err(stream.nonsense()),
            }
        })
    }

    /// Takes a list element by element. `each` takes the value, once.
    pub fn each_element(&mut self, each: &mut Each<'_>) -> Result<(), JobError> {
        self.each_part((b'[', b']'), each)
    }

    /// The text of the next value.
    pub fn value(&mut self) -> Result<String, JobError> {
        self.peek()?;
        let mut text = Vec::new();
        let mut scan = Scan::default();
        loop {
            let bytes = self.source.fill_buf().map_err(self.failed)?;
            let end = scan.end(bytes).or(bytes.is_empty().then_some(0));
            let part = bytes.get(..end.unwrap_or(bytes.len()));
            let part = part.unwrap_or_default();
            text.extend_from_slice(part);
            let count = part.len();
            self.source.consume(count);
            (self.may_grow)(text.len())?;
            if end.is_some() {
                let text = String::from_utf8(text).ok();
                let text = text.filter(|text| Raw::parse(text).is_some());
                return text.ok_or_else(|| self.nonsense());
            }
        }
    }

    /// The next byte that is no white space; `None` at the end.
    pub fn peek(&mut self) -> Result<Option<u8>, JobError> {
        loop {
            let bytes = self.source.fill_buf().map_err(self.failed)?;
            let at = bytes.iter().position(|byte| !byte.is_ascii_whitespace());
            let found = at.and_then(|at| bytes.get(at).copied());
            let blank = at.unwrap_or(bytes.len());
            self.source.consume(blank);
            if found.is_some() || blank == 0 {
                return Ok(found);
            }
        }
    }

    /// The error of a document that is not what it should be.
    pub fn nonsense(&self) -> JobError {
        (self.failed)(io::ErrorKind::InvalidData.into())
    }

    /// Passes over this byte, if it is the next one.
    fn skip(&mut self, byte: u8) -> Result<bool, JobError> {
        let is_next = self.peek()? == Some(byte);
        self.source.consume(usize::from(is_next));
        Ok(is_next)
    }

    fn each_part(&mut self, (open, close): (u8, u8), each: &mut Each<'_>) -> Result<(), JobError> {
        if !self.skip(open)? {
            return Err(self.nonsense());
        }
        let mut more = !self.skip(close)?;
        while more {
            each(self)?;
            more = self.skip(b',')?;
            if !more && !self.skip(close)? {
                return Err(self.nonsense());
            }
        }
        Ok(())
    }
}

/// Finds the end of a value.
#[derive(Default)]
struct Scan {
    depth: usize,
    quoted: bool,
    escaped: bool,
}

impl Scan {
    /// Where the value ends in the next bytes of it. What it is made of is looked at when it is whole.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = self.quoted,
                b'"' => {
                    self.quoted = !self.quoted;
                    if !self.quoted && self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ if self.quoted => {}
                b'[' | b'{' => self.depth += 1,
                b']' | b'}' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                // Behind a number or a word.
                b',' | b':' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r' if self.depth == 0 => {
                    return Some(at);
                }
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    /// What is in an object of lists of values: `name: value`.
    fn parts(text: &str, buffer: usize) -> Result<Vec<String>, JobError> {
        let mut found = Vec::new();
        let mut source = BufReader::with_capacity(buffer, text.as_bytes());
        let mut stream = Stream {
            source: &mut source,
            failed: |error| JobError::query_failed(error.kind().to_string()),
            may_grow: &|length| match length {
                0..=20 => Ok(()),
                _ => Err(JobError::query_failed("too long")),
            },
        };
        stream.each_member(&mut |stream, name| {
            stream.each_element(&mut |stream| {
                found.push(format!("{name}: {}", stream.value()?));
                Ok(())
            })
        })?;
        assert_eq!(stream.peek()?, None);
        Ok(found)
    }

    #[test]
    fn parts_are_found_however_they_come() {
        let text =
            " { \"a\\\"]\" : [ 1 , \"x\\\\\",[{\"b\":\"]}\"}] ,null\n],\"b\":[],\"\":[-1e3]}\n ";
        for buffer in 1..text.len() + 1 {
            assert_eq!(
                parts(text, buffer).unwrap(),
                [
                    "a\"]: 1",
                    "a\"]: \"x\\\\\"",
                    "a\"]: [{\"b\":\"]}\"}]",
                    "a\"]: null",
                    ": -1e3"
                ]
            );
        }
        assert!(parts("{}", 9).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_document_or_breaks_off_is_an_error() {
        let text = r#"{"a":[1,"x",[2]],"b":[]}"#;
        for end in 0..text.len() {
            assert!(parts(&text[..end], 5).is_err(), "{}", &text[..end]);
        }
        for text in [
            "[]",
            "{\"a\"}",
            "{\"a\":1}",
            "{1:[]}",
            "{\"a\":[1 2]}",
            "{\"a\":[1,]}",
            "{\"a\":[,1]}",
            "{\"a\":[01]}",
            "{\"a\":[]\"b\":[]}",
            "{\"a\":[\"\\x\"]}",
            "{\"a\":[]]",
            "<html>",
        ] {
            let error = parts(text, 5).unwrap_err();
            assert_eq!(error.message, "invalid data", "{text}");
        }
        let long = format!("{{\"a\":[\"{}\"]}}", "x".repeat(30));
        assert_eq!(parts(&long, 5).unwrap_err().message, "too long");
    }
}
