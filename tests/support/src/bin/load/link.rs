//! The gateway's end of one WebSocket, as cheap as it can be: the load must not be the bottleneck. Of a frame
//! it looks at the first bytes, where our runner writes id and type; the rest it only counts.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use runner_testkit::{Admission, upgrade};
use serde_json::Value;

/// Digits of every job's id.
pub const ID_DIGITS: usize = 12;
/// How long a runner may say nothing.
const SILENCE: Duration = Duration::from_secs(120);
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
    /// The whole text, where it was asked for or the message is no chunk.
    pub text: String,
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
    /// Waits for a runner, lets it in and reads its `hello`; tells when that came.
    pub fn accept(listener: &TcpListener) -> (Self, Instant) {
        let (stream, _) = listener.accept().expect("a runner");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(SILENCE)).expect("a socket");
        let upgraded = upgrade::accept(stream, 1, |_| Admission::Accept);
        let (stream, _, _) = upgraded.expect("an upgrade").expect("a runner");
        let mut link = Self {
            stream,
            buffer: vec![0; 4 * READ],
            start: 0,
            end: 0,
            output: Vec::with_capacity(64 << 10),
            keep: false,
        };
        let hello = link.message();
        let at = Instant::now();
        assert!(hello.text.contains("\"hello\""), "no hello: {}", hello.text);
        link.put(br#"{"type":"hello-ack","serverVersion":1,"assignedSources":[]}"#);
        link.flush();
        (link, at)
    }

    /// Queues a text frame; `flush` sends it.
    pub fn put(&mut self, text: &[u8]) {
        self.put_frame(0x81, text);
    }

    /// Sends what is queued.
    pub fn flush(&mut self) {
        if !self.output.is_empty() {
            self.stream
                .write_all(&self.output)
                .expect("a runner that reads");
            self.output.clear();
        }
    }

    /// The next message. Sends what is queued before it waits for one, not before.
    pub fn message(&mut self) -> Message {
        let mut message: Option<Message> = None;
        loop {
            let frame = self.frame();
            let payload = self.start + frame.offset..self.start + frame.offset + frame.length;
            match frame.opcode {
                0 | 1 => {
                    let payload = &mut self.buffer[payload];
                    let message = message.get_or_insert_with(|| begin(payload, frame.mask));
                    message.length += payload.len();
                    if self.keep || message.kind != Kind::Chunk {
                        unmask(payload, frame.mask);
                        message.text += std::str::from_utf8(payload).expect("UTF-8");
                    }
                }
                9 => {
                    let mut payload = self.buffer[payload].to_vec();
                    unmask(&mut payload, frame.mask);
                    self.put_frame(0x8a, &payload);
                }
                10 => {}
                other => panic!("the runner sent a frame of kind {other}"),
            }
            self.start += frame.offset + frame.length;
            if frame.last
                && frame.opcode <= 1
                && let Some(message) = message.take()
            {
                assert!(
                    message.kind != Kind::Error,
                    "a job failed: {}",
                    message.text
                );
                return message;
            }
        }
    }

    fn put_frame(&mut self, first: u8, payload: &[u8]) {
        self.output.push(first);
        match payload.len() {
            length @ 0..126 => self.output.push(length as u8),
            length => {
                let length = u16::try_from(length).expect("a short frame");
                self.output.push(126);
                self.output.extend_from_slice(&length.to_be_bytes());
            }
        }
        self.output.extend_from_slice(payload);
    }

    /// The head of a frame that is wholly in the buffer.
    fn frame(&mut self) -> Frame {
        loop {
            let here = self.end - self.start;
            let frame = head(&self.buffer[self.start..self.end]);
            let wanted = match frame {
                Some(frame) if here >= frame.offset + frame.length => break frame,
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
            self.flush();
            let read = self.stream.read(&mut self.buffer[self.end..]);
            let count = read.expect("a runner that answers");
            assert!(count > 0, "the runner went away");
            self.end += count;
        }
    }
}

fn head(bytes: &[u8]) -> Option<Frame> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    assert!(second & 0x80 != 0, "a frame without a mask");
    let (length, mask_at) = match second & 0x7f {
        126 => (u16::from_be_bytes(*bytes[2..].first_chunk()?).into(), 4),
        127 => (u64::from_be_bytes(*bytes[2..].first_chunk()?), 10),
        length => (u64::from(length), 2),
    };
    Some(Frame {
        last: first & 0x80 != 0,
        opcode: first & 0x0f,
        mask: *bytes.get(mask_at..)?.first_chunk()?,
        offset: mask_at + 4,
        length: usize::try_from(length).expect("a frame that fits"),
    })
}

fn unmask(bytes: &mut [u8], mask: [u8; 4]) {
    for (byte, mask) in bytes.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

/// What the first bytes of a message say.
fn begin(payload: &[u8], mask: [u8; 4]) -> Message {
    const ID: &[u8] = b"{\"id\":\"";
    const TYPE: &[u8] = b"\",\"type\":\"";
    const HEAD: usize = ID.len() + ID_DIGITS + TYPE.len() + 1;
    let mut start = [0; HEAD];
    let length = payload.len().min(HEAD);
    start[..length].copy_from_slice(&payload[..length]);
    unmask(&mut start[..length], mask);
    let (kind, id) = match start.strip_prefix(ID) {
        Some(rest) => {
            let (id, rest) = rest.split_at(ID_DIGITS);
            let kind = match rest.strip_prefix(TYPE) {
                Some(b"c") => Kind::Chunk,
                Some(b"d") => Kind::Done,
                Some(b"e") => Kind::Error,
                other => panic!("id and type are not where they were expected: {other:?}"),
            };
            let digits = id.iter().map(|digit| u64::from(digit - b'0'));
            (kind, digits.fold(0, |id, digit| id * 10 + digit))
        }
        None => (Kind::Session, 0),
    };
    Message {
        kind,
        id,
        length: 0,
        text: String::new(),
    }
}

/// A figure of a `done` frame's `meta`.
pub fn meta(done: &Message, key: &str) -> Value {
    let frame: Value = serde_json::from_str(&done.text).expect("JSON");
    frame["meta"][key].clone()
}
