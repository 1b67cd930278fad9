//! The head of an HTTP answer, as far as a proxy's and a health check's are of interest.

use std::io::{self, Read};

/// Longest head of an answer.
const MAX_HEAD: usize = 16 << 10;

/// The head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpHead {
    /// Its status.
    pub status: u16,
    /// True when nothing came with it of what follows.
    pub ends_the_answer: bool,
    lines: Vec<String>,
}

impl HttpHead {
    /// Reads up to the empty line; what came with it of a body is dropped.
    ///
    /// # Errors
    /// Of kind `InvalidData` when it is not HTTP, or endless.
    pub fn read(stream: &mut impl Read) -> io::Result<Self> {
        let mut head = Vec::new();
        let mut part = [0; 1024];
        loop {
            // The end may have begun in the part before.
            let from = head.len().saturating_sub(3);
            let count = stream.read(&mut part)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            head.extend(part.iter().take(count));
            let end = head
                .get(from..)
                .and_then(|new| new.windows(4).position(|w| w == b"\r\n\r\n"));
            if let Some(end) = end {
                let alone = from + end + 4 == head.len();
                head.truncate(from + end);
                return Self::parse(&head, alone);
            }
            if head.len() > MAX_HEAD {
                return Err(not_http());
            }
        }
    }

    fn parse(head: &[u8], ends_the_answer: bool) -> io::Result<Self> {
        let text = String::from_utf8_lossy(head);
        let mut lines = text.split("\r\n").map(str::to_owned);
        let status = lines
            .next()
            .as_deref()
            .and_then(|line| line.strip_prefix("HTTP/1."))
            .and_then(|line| line.split(' ').nth(1)?.parse().ok())
            .ok_or_else(not_http)?;
        Ok(Self {
            status,
            ends_the_answer,
            lines: lines.collect(),
        })
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// The error of an answer that is something else.
pub fn not_http() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "its answer is not HTTP")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One byte a read.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let count = buf.len().min(1);
            Read::read(&mut self.0, &mut buf[..count])
        }
    }

    #[test]
    fn a_head_ends_at_its_empty_line() {
        let answer = b"HTTP/1.1 204 No\r\nDate: today\r\nX: y\r\n\r\nbody\r\n\r\n";
        let head = HttpHead::read(&mut Slow(answer)).unwrap();
        assert!(head.ends_the_answer);
        assert_eq!(head.status, 204);
        assert_eq!(head.header("date"), Some("today"));
        assert_eq!(head.header("body"), None);
        let all = HttpHead::read(&mut &answer[..]).unwrap();
        assert!(all.status == 204 && !all.ends_the_answer);
    }

    #[test]
    fn nonsense_is_told() {
        let endless = "x".repeat(1 << 20);
        for (answer, kind) in [
            ("", io::ErrorKind::UnexpectedEof),
            ("HTTP/1.1 200", io::ErrorKind::UnexpectedEof),
            ("HTTP/1.1 OK\r\n\r\n", io::ErrorKind::InvalidData),
            (endless.as_str(), io::ErrorKind::InvalidData),
        ] {
            let error = HttpHead::read(&mut answer.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), kind);
        }
    }
}
