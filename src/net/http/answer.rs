//! An answer while its body comes in.

use std::io::{self, BufRead, BufReader, Read};
use std::time::Duration;

use super::HttpError;
use super::head::{Framing, Head, nonsense};
use super::lines::{append_line, without_end};
use crate::limits;
use crate::net::Link;

/// An answer whose body is read as it comes. Dropped before its end it takes the connection with it: what is
/// left of the body may be long.
pub struct Answer<'a, S: Read = Link> {
    head: Head,
    slot: &'a mut Option<BufReader<S>>,
    rest: Rest,
}

/// What is still to come of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// So many bytes.
    Length(u64),
    /// The line with the length of the next chunk.
    ChunkSize,
    /// So many bytes of a chunk, at least one.
    Chunk(u64),
    /// The line's end after a chunk.
    ChunkEnd,
    /// Whatever there is until the connection closes.
    UntilClose,
    /// Nothing.
    Done,
}

impl<'a, S: Read> Answer<'a, S> {
    pub(super) fn new(head: Head, slot: &'a mut Option<BufReader<S>>) -> Self {
        let rest = match head.framing {
            Framing::Length(length) => Rest::Length(length),
            Framing::Chunked => Rest::ChunkSize,
            Framing::UntilClose => Rest::UntilClose,
        };
        let mut answer = Self { head, slot, rest };
        answer.took(0);
        answer
    }

    /// Its status.
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// As [`Head::retry_after`].
    pub fn retry_after(&self) -> Option<Duration> {
        self.head.retry_after()
    }

    /// The rest of the body.
    ///
    /// # Errors
    /// `TooLarge` when it is longer than `limit`, and whatever ends it early.
    pub fn whole(&mut self, limit: usize) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        match self.append(&mut body, limit)? {
            true => Ok(body),
            false => Err(HttpError::TooLarge { limit }),
        }
    }

    /// Appends the rest of the body. False when it would be longer than `limit` then, and there is more to come of it.
    ///
    /// # Errors
    /// Whatever ends the body early.
    pub fn append(&mut self, body: &mut Vec<u8>, limit: usize) -> Result<bool, HttpError> {
        let left = limit.saturating_sub(body.len());
        if let Rest::Length(length) = self.rest {
            match usize::try_from(length) {
                Ok(length) if length <= left => body.reserve_exact(length),
                _ => return Ok(false),
            }
        }
        loop {
            let part = self.fill_buf().map_err(HttpError::body)?;
            let count = part.len();
            if count == 0 {
                return Ok(true);
            }
            if count > limit.saturating_sub(body.len()) {
                return Ok(false);
            }
            body.extend_from_slice(part);
            self.consume(count);
        }
    }

    /// The beginning of the rest of the body, as far as it comes: what is broken off or does not end in time is as good
    /// as what came of it.
    pub fn beginning(&mut self, most: usize) -> Vec<u8> {
        let mut body = Vec::new();
        if let Err(error) = self.take(most as u64).read_to_end(&mut body) {
            log::debug!("a body that breaks off: {error}");
        }
        body
    }

    /// Puts the next line of the body, without its end, into `line`. False when there is none.
    ///
    /// # Errors
    /// `TooLarge` when it is longer than `limit`, and whatever ends the body early.
    pub fn line(&mut self, line: &mut Vec<u8>, limit: usize) -> Result<bool, HttpError> {
        line.clear();
        self.rest_of_line(line, limit)
    }

    /// Goes on with a line that was longer than its limit, under another one.
    ///
    /// # Errors
    /// As [`Answer::line`].
    pub fn rest_of_line(&mut self, line: &mut Vec<u8>, limit: usize) -> Result<bool, HttpError> {
        // Two bytes for the line's end.
        let more = append_line(self, line, limit.saturating_add(2));
        let more = more.map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => HttpError::TooLarge { limit },
            _ => HttpError::body(error),
        })?;
        line.truncate(without_end(line).len());
        Ok(more)
    }

    /// Gets to where bytes of the body are due.
    fn advance(&mut self) -> io::Result<()> {
        loop {
            let stream = self.slot.as_mut().ok_or(io::ErrorKind::NotConnected)?;
            match self.rest {
                Rest::ChunkSize => match chunk_size(stream)? {
                    0 => {
                        skip_trailers(stream)?;
                        self.finish();
                        return Ok(());
                    }
                    size => self.rest = Rest::Chunk(size),
                },
                Rest::ChunkEnd => {
                    let mut end = Vec::new();
                    let whole = append_line(stream, &mut end, 2);
                    if !whole.map_err(|error| misplaced(error, "a chunk longer than it says"))?
                        || !without_end(&end).is_empty()
                    {
                        return Err(nonsense("a chunk longer than it says"));
                    }
                    self.rest = Rest::ChunkSize;
                }
                Rest::Length(_) | Rest::Chunk(_) | Rest::UntilClose | Rest::Done => return Ok(()),
            }
        }
    }

    /// Counts bytes of the body that were taken.
    fn took(&mut self, count: u64) {
        match &mut self.rest {
            Rest::Length(left) | Rest::Chunk(left) => {
                *left = left.saturating_sub(count);
                match self.rest {
                    Rest::Length(0) => self.finish(),
                    Rest::Chunk(0) => self.rest = Rest::ChunkEnd,
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self) {
        self.rest = Rest::Done;
        if !self.head.keep {
            *self.slot = None;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.advance()?;
        if self.rest == Rest::Done {
            return Ok(());
        }
        let stream = self.slot.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        if !stream.fill_buf()?.is_empty() {
            return Ok(());
        }
        if self.rest != Rest::UntilClose {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.finish();
        Ok(())
    }
}

/// As [`Answer::beginning`], of the body that follows a head read alone. `begun` are the bytes that came with the head.
pub fn body_start(head: Head, begun: Vec<u8>, rest: impl Read, most: usize) -> Vec<u8> {
    let Ok(head) = head.framed() else {
        return Vec::new();
    };
    let stream = io::Cursor::new(begun).chain(rest);
    let mut slot = Some(BufReader::new(stream));
    Answer::new(head, &mut slot).beginning(most)
}

/// Reads an answer that comes out of `stream`, with a body of so many bytes at most: its status and its body.
///
/// # Errors
/// Whatever is wrong with it.
pub fn read_answer(stream: impl Read, most: usize) -> Result<(u16, Vec<u8>), HttpError> {
    let mut stream = BufReader::new(stream);
    let mut begun = false;
    let head = Head::read(&mut stream, &mut begun);
    let head = head.map_err(|source| HttpError::Head { begun, source })?;
    let mut slot = Some(stream);
    let mut answer = Answer::new(head, &mut slot);
    let body = answer.whole(most)?;
    Ok((answer.status(), body))
}

/// The line before a chunk: hexadecimal digits, and perhaps extensions that mean nothing here.
fn chunk_size(stream: &mut impl BufRead) -> io::Result<u64> {
    let mut line = Vec::new();
    let bad = "the length of a chunk";
    let whole = append_line(stream, &mut line, limits::HTTP_CHUNK_LINE);
    if !whole.map_err(|error| misplaced(error, bad))? || !line.ends_with(b"\n") {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let text = std::str::from_utf8(without_end(&line)).map_err(|_| nonsense(bad))?;
    let digits = text.split(';').next().unwrap_or_default();
    let digits = digits.trim_end_matches([' ', '\t']);
    // A sign would be read as part of the number.
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(nonsense(bad));
    }
    u64::from_str_radix(digits, 16).map_err(|_| nonsense(bad))
}

fn skip_trailers(stream: &mut impl BufRead) -> io::Result<()> {
    let mut trailers = Vec::new();
    loop {
        let start = trailers.len();
        let whole = append_line(stream, &mut trailers, limits::HTTP_HEAD);
        if !whole.map_err(|error| misplaced(error, "too long trailers"))? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if without_end(trailers.get(start..).unwrap_or_default()).is_empty() {
            return Ok(());
        }
    }
}

fn misplaced(error: io::Error, problem: &str) -> io::Error {
    match error.kind() {
        io::ErrorKind::FileTooLarge => nonsense(problem),
        _ => error,
    }
}

impl<S: Read> BufRead for Answer<'_, S> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.rest == Rest::Done {
            return Ok(&[]);
        }
        if let Err(error) = self.fill() {
            *self.slot = None;
            return Err(error);
        }
        let most = match self.rest {
            Rest::Length(left) | Rest::Chunk(left) => usize::try_from(left).unwrap_or(usize::MAX),
            Rest::UntilClose => usize::MAX,
            Rest::ChunkSize | Rest::ChunkEnd | Rest::Done => 0,
        };
        let buffered = self.slot.as_ref().map_or(&[][..], BufReader::buffer);
        Ok(buffered.get(..most).unwrap_or(buffered))
    }

    fn consume(&mut self, count: usize) {
        if count > 0
            && let Some(stream) = self.slot.as_mut()
        {
            stream.consume(count);
            self.took(count as u64);
        }
    }
}

impl<S: Read> Read for Answer<'_, S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buf)?;
        self.consume(count);
        Ok(count)
    }
}

impl<S: Read> Drop for Answer<'_, S> {
    fn drop(&mut self) {
        if self.rest != Rest::Done {
            *self.slot = None;
        }
    }
}
