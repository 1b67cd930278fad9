//! The gateway's end of one WebSocket, as cheap as it can be: the load must not be the bottleneck. Of a frame
//! it looks at the first bytes, where our runner writes id and type; the rest it only counts. A frame that begins
//! otherwise, as another runner may write it, is parsed.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::{Admission, upgrade};
use serde::Deserialize;
use serde_json::{Value, json};

/// Digits of every job's id.
pub const ID_DIGITS: usize = 12;
/// How long a runner may say nothing.
const SILENCE: Duration = Duration::from_secs(120);
/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(60);
/// Read at once.
const READ: usize = 256 << 10;

/// What a message of the runner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rows or buckets of a job.
    Chunk,
    /// A job's successful end.
    Done,
    /// A job's failed end.
    Error,
    /// `hello`, `heartbeat`.
    Session,
}

/// A message of the runner.
#[derive(Debug)]
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// The job it belongs to; 0 where there is none.
    pub id: u64,
    /// Bytes of its text.
    pub length: usize,
    /// The whole text, where it was asked for or the message is no chunk of the usual form.
    pub text: String,
}

/// What is looked at in a frame that begins in another way than ours.
#[derive(Deserialize)]
struct Glance {
    #[serde(default)]
    id: Option<String>,
    #[serde(rename = "type")]
    kind: String,
}

/// The connection of one runner.
pub struct Link {
    stream: TcpStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    output: Vec<u8>,
    /// Keeps the text of chunks.
    pub keep: bool,
}

/// One frame in the buffer.
struct Frame {
    last: bool,
    opcode: u8,
    mask: [u8; 4],
    /// Of the payload, from the frame's first byte.
    offset: usize,
    length: usize,
}

impl Link {
    /// Waits for a runner, lets it in, reads its `hello` and assigns it these sources; tells when the `hello` came.
    pub fn accept(listener: &TcpListener, assigned: &[Value]) -> Result<(Self, Instant), String> {
        let stream = Self::wait(listener)?;
        let broken = |error: std::io::Error| error.to_string();
        stream.set_nodelay(true).map_err(broken)?;
        stream.set_read_timeout(Some(SILENCE)).map_err(broken)?;
        let upgraded = upgrade::accept(stream, 1, |_| Admission::Accept).map_err(broken)?;
        let (stream, _, _) = upgraded.ok_or("no upgrade to a WebSocket")?;
        let mut link = Self {
            stream,
            buffer: vec![0; 4 * READ],
            start: 0,
            end: 0,
            output: Vec::with_capacity(64 << 10),
            keep: false,
        };
        let hello = link.message()?;
        let at = Instant::now();
        if !hello.text.contains("\"hello\"") {
            return Err(format!("no hello: {}", hello.text));
        }
        let ack = json!({ "type": "hello-ack", "serverVersion": 1, "assignedSources": assigned });
        link.put(ack.to_string().as_bytes());
        link.flush()?;
        Ok((link, at))
    }

    fn wait(listener: &TcpListener) -> Result<TcpStream, String> {
        let until = Instant::now() + CONNECT;
        listener.set_nonblocking(true).expect("a listener");
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).expect("a socket");
                    return Ok(stream);
                }
                Err(_) if Instant::now() > until => return Err("it does not connect".to_owned()),
                Err(_) => thread::sleep(Duration::from_micros(200)),
            }
        }
    }

    /// Ends the connection without a word.
    pub fn cut(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Queues a text frame; `flush` sends it.
    pub fn put(&mut self, text: &[u8]) {
        self.put_frame(0x81, text);
    }

    /// Sends what is queued.
    pub fn flush(&mut self) -> Result<(), String> {
        let sent = self.stream.write_all(&self.output);
        self.output.clear();
        sent.map_err(|error| format!("it does not read: {error}"))
    }

    /// The next message. Sends what is queued before it waits for one, not before. A job that failed is an error.
    pub fn message(&mut self) -> Result<Message, String> {
        let mut message: Option<Message> = None;
        loop {
            let frame = self.frame()?;
            let payload = self.start + frame.offset..self.start + frame.offset + frame.length;
            match frame.opcode {
                0 | 1 => {
                    let payload = &mut self.buffer[payload];
                    let message = message.get_or_insert_with(|| begin(payload, frame.mask));
                    message.length += payload.len();
                    if self.keep || message.kind != Kind::Chunk {
                        unmask(payload, frame.mask);
                        message.text += std::str::from_utf8(payload).map_err(|_| "no UTF-8")?;
                    }
                }
                9 => {
                    let mut payload = self.buffer[payload].to_vec();
                    unmask(&mut payload, frame.mask);
                    self.put_frame(0x8a, &payload);
                }
                10 => {}
                other => return Err(format!("it sent a frame of kind {other}")),
            }
            self.start += frame.offset + frame.length;
            if frame.last
                && frame.opcode <= 1
                && let Some(mut message) = message.take()
            {
                message.look()?;
                return match message.kind {
                    Kind::Error => Err(format!("a job failed: {}", message.text)),
                    _ => Ok(message),
                };
            }
        }
    }

    fn put_frame(&mut self, first: u8, payload: &[u8]) {
        self.output.push(first);
        match payload.len() {
            length @ 0..126 => self.output.push(length as u8),
            length @ 126..0x1_0000 => {
                self.output.push(126);
                self.output
                    .extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                self.output.push(127);
                self.output
                    .extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        self.output.extend_from_slice(payload);
    }

    /// The head of a frame that is wholly in the buffer.
    fn frame(&mut self) -> Result<Frame, String> {
        loop {
            let here = self.end - self.start;
            let frame = head(&self.buffer[self.start..self.end])?;
            let wanted = match frame {
                Some(frame) if here >= frame.offset + frame.length => break Ok(frame),
                Some(frame) => frame.offset + frame.length,
                None => 0,
            };
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            if self.buffer.len() < (self.end + READ).max(wanted) {
                self.buffer.resize((self.end + READ).max(wanted), 0);
            }
            self.flush()?;
            let read = self.stream.read(&mut self.buffer[self.end..]);
            match read.map_err(|error| format!("it does not answer: {error}"))? {
                0 => return Err("it went away".to_owned()),
                count => self.end += count,
            }
        }
    }
}

/// The head of a frame, once enough of it is there.
fn head(bytes: &[u8]) -> Result<Option<Frame>, String> {
    let Some([first, second]) = bytes.first_chunk() else {
        return Ok(None);
    };
    if second & 0x80 == 0 {
        return Err("it sent a frame without a mask".to_owned());
    }
    let (length, mask_at) = match second & 0x7f {
        126 => (
            bytes
                .get(2..)
                .and_then(<[u8]>::first_chunk)
                .map(|word| u16::from_be_bytes(*word).into()),
            4,
        ),
        127 => (
            bytes
                .get(2..)
                .and_then(<[u8]>::first_chunk)
                .map(|word| u64::from_be_bytes(*word)),
            10,
        ),
        length => (Some(u64::from(length)), 2),
    };
    let mask = bytes.get(mask_at..).and_then(<[u8]>::first_chunk);
    let (Some(length), Some(mask)) = (length, mask) else {
        return Ok(None);
    };
    Ok(Some(Frame {
        last: first & 0x80 != 0,
        opcode: first & 0x0f,
        mask: *mask,
        offset: mask_at + 4,
        length: usize::try_from(length).map_err(|_| "it sent a frame that does not fit")?,
    }))
}

fn unmask(bytes: &mut [u8], mask: [u8; 4]) {
    for (byte, mask) in bytes.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

/// What the first bytes of a message say, if it begins as ours do.
fn begin(payload: &[u8], mask: [u8; 4]) -> Message {
    const ID: &[u8] = b"{\"id\":\"";
    const TYPE: &[u8] = b"\",\"type\":\"";
    const HEAD: usize = ID.len() + ID_DIGITS + TYPE.len() + 1;
    let mut start = [0; HEAD];
    let length = payload.len().min(HEAD);
    start[..length].copy_from_slice(&payload[..length]);
    unmask(&mut start[..length], mask);
    let parts = start.strip_prefix(ID).map(|rest| rest.split_at(ID_DIGITS));
    let (kind, id) = match parts {
        Some((id, rest)) if id.iter().all(u8::is_ascii_digit) => {
            let kind = rest.strip_prefix(TYPE).and_then(|kind| kind.first());
            (kind.and_then(|letter| kind_of(*letter)), number(id))
        }
        _ => (None, 0),
    };
    Message {
        kind: kind.unwrap_or(Kind::Session),
        id,
        length: 0,
        text: String::new(),
    }
}

fn kind_of(letter: u8) -> Option<Kind> {
    match letter {
        b'c' => Some(Kind::Chunk),
        b'd' => Some(Kind::Done),
        b'e' => Some(Kind::Error),
        _ => None,
    }
}

fn number(digits: &[u8]) -> u64 {
    let digits = digits.iter().map(|digit| u64::from(digit - b'0'));
    digits.fold(0, |number, digit| number * 10 + digit)
}

impl Message {
    /// Parses the whole text, where the first bytes said nothing.
    fn look(&mut self) -> Result<(), String> {
        if self.kind != Kind::Session {
            return Ok(());
        }
        let parsed = serde_json::from_str::<Glance>(&self.text);
        let glance = parsed.map_err(|error| format!("{error}: {}", self.text))?;
        if let Some(id) = glance.id
            && let Some(kind) = glance.kind.bytes().next().and_then(kind_of)
        {
            self.kind = kind;
            self.id = number(id.as_bytes());
        }
        Ok(())
    }
}

/// A figure of a `done` frame's `meta`.
pub fn meta(done: &Message, key: &str) -> Value {
    let frame: Value = serde_json::from_str(&done.text).expect("JSON");
    frame["meta"][key].clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> (Kind, u64) {
        let mask = [1, 2, 3, 4];
        let mut payload = text.as_bytes().to_vec();
        unmask(&mut payload, mask);
        let mut message = begin(&payload, mask);
        message.text = text.to_owned();
        message.look().unwrap();
        (message.kind, message.id)
    }

    #[test]
    fn a_frame_is_known_however_it_begins() {
        let ours = r#"{"id":"000000000042","type":"done","meta":{}}"#;
        assert_eq!(seen(ours), (Kind::Done, 42));
        let others = r#"{"type":"chunk","rows":[{"a":1}],"id":"000000000042"}"#;
        assert_eq!(seen(others), (Kind::Chunk, 42));
        let with_a_space = r#"{"id": "000000000042", "type": "error", "code": "x"}"#;
        assert_eq!(seen(with_a_space), (Kind::Error, 42));
        assert_eq!(seen(r#"{"type":"heartbeat"}"#), (Kind::Session, 0));
    }
}
