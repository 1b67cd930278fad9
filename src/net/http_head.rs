//! The head of an HTTP answer: a proxy's, a health check's, that of a refused or granted upgrade.

use std::io::{self, Read};

use crate::limits;

/// The head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpHead {
    /// Its status.
    pub status: u16,
    lines: Vec<String>,
}

impl HttpHead {
    /// Reads up to the empty line. What came with it of that which follows is returned as well.
    ///
    /// # Errors
    /// Of kind `InvalidData` when it is not HTTP, or endless.
    pub fn read(stream: &mut impl Read) -> io::Result<(Self, Vec<u8>)> {
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
                let rest = head.split_off(from + end + 4);
                head.truncate(from + end);
                return Ok((Self::parse(&head)?, rest));
            }
            if head.len() > limits::HTTP_HEAD {
                return Err(not_http());
            }
        }
    }

    fn parse(head: &[u8]) -> io::Result<Self> {
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
            lines: lines.collect(),
        })
    }

    /// True for 200 up to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// True when the header of this name lists `word`.
    pub fn names(&self, header: &str, word: &str) -> bool {
        let listed = self.header(header).unwrap_or_default().split(',');
        listed
            .map(str::trim)
            .any(|one| one.eq_ignore_ascii_case(word))
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
        let (head, rest) = HttpHead::read(&mut Slow(answer)).unwrap();
        assert!(rest.is_empty());
        assert_eq!(head.status, 204);
        assert_eq!(head.header("date"), Some("today"));
        assert_eq!(head.header("body"), None);
        let (all, rest) = HttpHead::read(&mut &answer[..]).unwrap();
        assert_eq!((all, rest.as_slice()), (head, &b"body\r\n\r\n"[..]));
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
