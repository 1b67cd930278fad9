//! RESP2, the protocol of Redis: commands as lists of bytes, replies of five kinds. Knows nothing of sockets.

use std::io::{self, BufRead, Read};

use crate::bridges::keyvalue::{Command, Reply};
use crate::job::JobControl;
use crate::limits;

/// Replies nest two deep in all that is asked; a little more is no harm.
const MAX_DEPTH: usize = 8;

/// Appends a command.
pub fn write_command(out: &mut Vec<u8>, command: &Command) {
    let mut digits = itoa::Buffer::new();
    let mut head = |out: &mut Vec<u8>, kind: u8, count: usize| {
        out.push(kind);
        out.extend_from_slice(digits.format(count).as_bytes());
        out.extend_from_slice(b"\r\n");
    };
    head(out, b'*', command.0.len());
    for part in &command.0 {
        head(out, b'$', part.len());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    }
}

/// What a reply takes beside its text: a place in a list that grows, and the head of the text's memory.
const REPLY_BYTES: usize = 2 * size_of::<Reply>() + 16;

/// How much of replies is kept.
pub struct Allowance<'j> {
    left: usize,
    /// Bytes until it is much.
    short: usize,
    /// The job that takes its turn for much.
    job: Option<&'j JobControl>,
    /// Something was read and thrown away because it was too much.
    pub exceeded: bool,
}

impl Allowance<'static> {
    /// So many bytes of memory.
    pub fn new(bytes: usize) -> Self {
        Self {
            left: bytes,
            short: limits::LARGE_ROW,
            job: None,
            exceeded: false,
        }
    }
}

impl<'j> Allowance<'j> {
    /// So many, of which more than a few are kept in the job's turn only.
    pub fn of(job: &'j JobControl, bytes: usize) -> Self {
        Self {
            job: Some(job),
            ..Allowance::new(bytes)
        }
    }

    /// Whether so many more are kept, along with a reply.
    fn take(&mut self, bytes: usize) -> io::Result<bool> {
        let bytes = bytes.saturating_add(REPLY_BYTES);
        match self.left.checked_sub(bytes) {
            Some(left) if !self.exceeded => self.left = left,
            _ => {
                self.exceeded = true;
                return Ok(false);
            }
        }
        match (self.short.checked_sub(bytes), self.job) {
            (Some(short), _) => self.short = short,
            (None, Some(job)) => {
                job.receive_large().map_err(io::Error::other)?;
                self.short = usize::MAX;
            }
            (None, None) => {}
        }
        Ok(true)
    }
}

/// Reads one reply to its end. What the allowance does not cover is read and forgotten, so that the next reply
/// can be read after it.
///
/// # Errors
/// Of kind `InvalidData` for what is not RESP2.
pub fn read_reply(stream: &mut impl BufRead, allowance: &mut Allowance<'_>) -> io::Result<Reply> {
    read_nested(stream, allowance, 0)
}

fn read_nested(
    stream: &mut impl BufRead,
    allowance: &mut Allowance<'_>,
    depth: usize,
) -> io::Result<Reply> {
    let line = read_line(stream)?;
    let kept = allowance.take(line.len())?;
    let (kind, rest) = line.split_first().ok_or_else(nonsense)?;
    Ok(match kind {
        b'+' | b'-' if !kept => Reply::Nil,
        b'+' => Reply::Status(text(rest)),
        b'-' => Reply::Error(text(rest)),
        b':' => Reply::Int(number(rest)?),
        b'$' => match length(rest)? {
            None => Reply::Nil,
            Some(length) => read_bytes(stream, allowance, length)?,
        },
        b'*' => match length(rest)? {
            None => Reply::Nil,
            Some(_) if depth >= MAX_DEPTH => return Err(nonsense()),
            Some(count) => {
                let mut members = Vec::new();
                for _ in 0..count {
                    let member = read_nested(stream, allowance, depth + 1)?;
                    if !allowance.exceeded {
                        members.push(member);
                    }
                }
                Reply::List(members)
            }
        },
        _ => return Err(nonsense()),
    })
}

fn read_bytes(
    stream: &mut impl BufRead,
    allowance: &mut Allowance<'_>,
    length: u64,
) -> io::Result<Reply> {
    let kept = allowance.take(usize::try_from(length).unwrap_or(usize::MAX))?;
    let mut bytes = Vec::new();
    let mut body = stream.take(length);
    let count = if kept {
        body.read_to_end(&mut bytes)? as u64
    } else {
        io::copy(&mut body, &mut io::sink())?
    };
    let mut end = [0; 2];
    stream.read_exact(&mut end)?;
    if count == length && end == *b"\r\n" {
        Ok(Reply::Bytes(bytes))
    } else {
        Err(nonsense())
    }
}

/// A line without its end.
fn read_line(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let most = limits::REPLY_LINE as u64;
    stream.take(most).read_until(b'\n', &mut line)?;
    match line.strip_suffix(b"\r\n") {
        Some(line) => Ok(line.to_vec()),
        None if line.len() < limits::REPLY_LINE && !line.ends_with(b"\n") => {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
        None => Err(nonsense()),
    }
}

/// A length, or nothing at all.
fn length(digits: &[u8]) -> io::Result<Option<u64>> {
    match number(digits)? {
        -1 => Ok(None),
        length => u64::try_from(length).map(Some).map_err(|_| nonsense()),
    }
}

fn number(digits: &[u8]) -> io::Result<i64> {
    let text = std::str::from_utf8(digits).map_err(|_| nonsense())?;
    text.parse().map_err(|_| nonsense())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn nonsense() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "what answers does not speak the protocol of Redis",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], most: usize) -> (io::Result<Reply>, bool, usize) {
        let mut stream = bytes;
        let mut allowance = Allowance::new(most);
        let reply = read_reply(&mut stream, &mut allowance);
        (reply, allowance.exceeded, stream.len())
    }

    #[test]
    fn commands_are_lists_of_bytes() {
        let mut out = Vec::new();
        write_command(&mut out, &Command::new("GET").arg(b"a\r\n\xff".to_vec()));
        assert_eq!(out, b"*2\r\n$3\r\nGET\r\n$4\r\na\r\n\xff\r\n");
    }

    #[test]
    fn replies_of_every_kind_are_read() {
        for (bytes, want) in [
            (&b"+OK\r\n"[..], Reply::Status("OK".into())),
            (b"-ERR no\r\n", Reply::Error("ERR no".into())),
            (b":-5\r\n", Reply::Int(-5)),
            (b"$-1\r\n", Reply::Nil),
            (b"*-1\r\n", Reply::Nil),
            (b"$0\r\n\r\n", Reply::Bytes(vec![])),
            (b"$4\r\na\r\nb\r\n", Reply::Bytes(b"a\r\nb".to_vec())),
            (
                b"*3\r\n:1\r\n*1\r\n$-1\r\n$1\r\nx\r\n",
                Reply::List(vec![
                    Reply::Int(1),
                    Reply::List(vec![Reply::Nil]),
                    Reply::Bytes(b"x".to_vec()),
                ]),
            ),
        ] {
            let (reply, exceeded, rest) = read(bytes, 1000);
            assert_eq!(reply.unwrap(), want);
            assert!(!exceeded && rest == 0);
        }
    }

    #[test]
    fn what_is_too_much_is_read_and_forgotten() {
        let bytes = b"*3\r\n$4\r\naaaa\r\n$90\r\n\
            bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n\
            $1\r\nc\r\n+NEXT\r\n";
        let (reply, exceeded, rest) = read(bytes, 5 * REPLY_BYTES + 50);
        assert!(reply.is_ok() && exceeded);
        assert_eq!(rest, b"+NEXT\r\n".len());
        // Elements count, however small they are, and so do words and errors.
        let word = ["+", &"x".repeat(5000), "\r\n"].concat();
        let error = ["-", &"x".repeat(5000), "\r\n"].concat();
        for member in [":1\r\n", "$0\r\n\r\n", &word, &error] {
            let many = ["*1000\r\n", &member.repeat(1000)].concat();
            let (reply, exceeded, rest) = read(many.as_bytes(), 10_000);
            assert!(exceeded && rest == 0);
            assert!(reply.unwrap().into_list().len() < 200);
        }
    }

    #[test]
    fn nonsense_is_an_error() {
        let long = [b"+".as_slice(), &vec![b'x'; limits::REPLY_LINE], b"\r\n"].concat();
        let deep = b"*1\r\n".repeat(100);
        for (bytes, kind) in [
            (&b""[..], io::ErrorKind::UnexpectedEof),
            (b"+OK", io::ErrorKind::UnexpectedEof),
            (b"$5\r\nab", io::ErrorKind::UnexpectedEof),
            (b"*2\r\n:1\r\n", io::ErrorKind::UnexpectedEof),
            (b"\r\n", io::ErrorKind::InvalidData),
            (b"+OK\n", io::ErrorKind::InvalidData),
            (b"$-2\r\n", io::ErrorKind::InvalidData),
            (b"$x\r\n", io::ErrorKind::InvalidData),
            (b"$2\r\nabc\r\n", io::ErrorKind::InvalidData),
            (b"$99999999999999999999\r\n", io::ErrorKind::InvalidData),
            (b"HTTP/1.1 400 Bad Request\r\n", io::ErrorKind::InvalidData),
            (b"%1\r\n", io::ErrorKind::InvalidData),
            (&long, io::ErrorKind::InvalidData),
            (&deep, io::ErrorKind::InvalidData),
        ] {
            let error = read(bytes, 1000).0.unwrap_err();
            assert_eq!(error.kind(), kind, "{:?}", &bytes[..bytes.len().min(20)]);
        }
        // A length that nothing backs costs no memory.
        assert!(read(b"$9000000000000000000\r\nab", usize::MAX).0.is_err());
        assert!(read(b"*9000000000000000000\r\n", usize::MAX).0.is_err());
    }
}
