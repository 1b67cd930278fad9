//! The head of an answer, and what it says about the body.

use std::io::{self, BufRead, BufReader, Read};
use std::time::Duration;

use super::lines::{append_line, without_end};
use crate::limits;
use crate::net::http_date;

/// Status and headers of an answer.
pub struct Head {
    /// The status.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// How the body ends.
    pub(super) framing: Framing,
    /// The connection serves another request after the body.
    pub(super) keep: bool,
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes.
    Length(u64),
    /// Where its last chunk says so.
    Chunked,
    /// With the connection.
    UntilClose,
}

impl Head {
    /// Reads the head of an answer that is of interest by itself: to CONNECT, to an upgrade. What came with it
    /// of that which follows is returned as well.
    ///
    /// # Errors
    /// Of kind `InvalidData` when it is not HTTP, or endless.
    pub fn read_alone(stream: impl Read) -> io::Result<(Self, Vec<u8>)> {
        let mut stream = BufReader::with_capacity(limits::HTTP_HEAD_BUFFER, stream);
        let head = Self::read_one(&mut stream, &mut false)?;
        Ok((head, stream.buffer().to_vec()))
    }

    /// Reads the head of an answer with its body. `begun` becomes true with its first byte.
    pub(super) fn read(stream: &mut impl BufRead, begun: &mut bool) -> io::Result<Self> {
        for _ in 0..limits::HTTP_INTERIM {
            let head = Self::read_one(stream, begun)?;
            // 101 would be another protocol, which nobody asked for.
            if head.status >= 200 {
                return head.framed();
            }
            if head.status == 101 {
                return Err(nonsense("it changes the protocol"));
            }
        }
        Err(nonsense("too many interim answers"))
    }

    fn read_one(stream: &mut impl BufRead, begun: &mut bool) -> io::Result<Self> {
        let mut text = Vec::new();
        loop {
            let start = text.len();
            let more = append_line(stream, &mut text, limits::HTTP_HEAD);
            *begun |= !text.is_empty();
            if !more.map_err(oversized)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = text.get(start..).unwrap_or_default();
            if without_end(line).is_empty() {
                return Self::parse(&text);
            }
        }
    }

    fn parse(text: &[u8]) -> io::Result<Self> {
        let mut space = [httparse::EMPTY_HEADER; limits::HTTP_HEADERS];
        let mut parsed = httparse::Response::new(&mut space);
        match parsed.parse(text) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err(nonsense("not HTTP")),
            Err(httparse::Error::TooManyHeaders) => return Err(nonsense("too many headers")),
            Err(_) => return Err(nonsense("not HTTP")),
        }
        let headers = parsed
            .headers
            .iter()
            .map(|header| {
                let value = String::from_utf8_lossy(header.value).into_owned();
                (header.name.to_owned(), value)
            })
            .collect();
        let mut head = Self {
            status: parsed.code.unwrap_or(0),
            headers,
            framing: Framing::UntilClose,
            keep: false,
        };
        head.keep = if parsed.version == Some(1) {
            !head.lists("connection", "close")
        } else {
            head.lists("connection", "keep-alive")
        };
        Ok(head)
    }

    /// With what it says about its body.
    pub(super) fn framed(mut self) -> io::Result<Self> {
        self.framing = self.find_framing()?;
        self.keep &= self.framing != Framing::UntilClose;
        Ok(self)
    }

    /// True for 200 up to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// As the last answer of its connection.
    pub(super) fn last(self) -> Self {
        Self {
            keep: false,
            ..self
        }
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// How long the server wants to be left alone: `Retry-After` as seconds, or as a date, which is compared with the
    /// server's own `Date` because our clock may be wrong.
    pub fn retry_after(&self) -> Option<Duration> {
        let wanted = self.header("retry-after")?;
        let seconds = wanted.parse().ok().or_else(|| {
            let then = http_date::parse(wanted)?;
            Some(then.saturating_sub(http_date::parse(self.header("date")?)?))
        });
        seconds.map(Duration::from_secs)
    }

    fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.headers
            .iter()
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    /// True when headers of this name list the word.
    pub fn lists(&self, name: &str, word: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(','))
            .any(|part| part.trim().eq_ignore_ascii_case(word))
    }

    /// RFC 9112, 6.3, for answers to GET and POST. Two claims about the length are one too many: whoever
    /// believes another one than the sender sees answers nobody gave.
    fn find_framing(&self) -> io::Result<Framing> {
        if self.status < 200 || self.status == 204 || self.status == 304 {
            return Ok(Framing::Length(0));
        }
        let mut lengths = self.all("content-length");
        let length = lengths.next();
        if lengths.any(|other| Some(other) != length) {
            return Err(nonsense("two lengths"));
        }
        let mut codings = self.all("transfer-encoding");
        match (codings.next(), codings.next(), length) {
            (None, _, None) => Ok(Framing::UntilClose),
            (None, _, Some(length)) if length.bytes().all(|b| b.is_ascii_digit()) => length
                .parse()
                .map(Framing::Length)
                .map_err(|_| nonsense("a length that is no number")),
            (None, _, Some(_)) => Err(nonsense("a length that is no number")),
            (Some(coding), None, None) if coding.eq_ignore_ascii_case("chunked") => {
                Ok(Framing::Chunked)
            }
            (Some(_), _, Some(_)) => Err(nonsense("a length and a transfer coding")),
            (Some(_), _, None) => Err(nonsense("an unknown transfer coding")),
        }
    }
}

/// An answer that is not what it should be.
pub(in crate::net) fn nonsense(problem: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the answer is not understood: {problem}"),
    )
}

fn oversized(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::FileTooLarge => nonsense("too long a head"),
        _ => error,
    }
}
