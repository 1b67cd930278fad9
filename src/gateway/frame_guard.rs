//! Takes frames that are too large out of the stream before the WebSocket parser sees them. The parser would
//! end the session over one, and with it every live job; so it gets an empty frame in its place. And refuses
//! headers that no WebSocket frame has at once, where the parser would wait for their payload first.

use std::io::{self, Read, Write};

use log::warn;

use crate::limits;

/// Reads frame by frame: what one `read` returns never goes past the end of a frame, so that the parser's
/// buffer is empty after each.
pub struct FrameGuard<R> {
    inner: R,
    raw: Box<[u8]>,
    start: usize,
    end: usize,
    header: Vec<u8>,
    /// Bytes of `header` that the parser has.
    given: usize,
    state: State,
    /// Payload of the message so far, when it comes in fragments.
    message: u64,
}

#[derive(Clone, Copy)]
enum State {
    /// Collecting a header.
    Header,
    /// Handing out the header, then this much payload.
    Pass(u64),
    /// Handing out the header, then throwing this much payload away.
    Skip(u64),
}

impl<R> FrameGuard<R> {
    /// `early` are bytes that came before those of `inner`.
    pub fn new(inner: R, early: Vec<u8>) -> Self {
        let end = early.len();
        let mut raw = early;
        raw.resize(end.max(limits::READ_BUFFER), 0);
        Self {
            inner,
            raw: raw.into_boxed_slice(),
            start: 0,
            end,
            header: Vec::with_capacity(14),
            given: 0,
            state: State::Header,
            message: 0,
        }
    }

    /// The stream under it.
    pub fn inner(&mut self) -> &mut R {
        &mut self.inner
    }

    fn fresh(&self) -> &[u8] {
        self.raw.get(self.start..self.end).unwrap_or_default()
    }

    /// Takes header bytes; true once the header is complete.
    fn collect_header(&mut self) -> bool {
        while self.start < self.end {
            let Some(&byte) = self.raw.get(self.start) else {
                break;
            };
            self.start += 1;
            self.header.push(byte);
            if self.header.len() >= 2 && self.header.len() == header_length(&self.header) {
                return true;
            }
        }
        false
    }

    /// What becomes of the frame whose header is complete.
    fn judge(&mut self) -> io::Result<State> {
        let (first, length) = (
            self.header.first().copied().unwrap_or(0),
            payload_length(&self.header),
        );
        let control = first & 0x08 != 0;
        let fragment = first & 0x80 == 0;
        let masked = self.header.get(1).is_some_and(|b| b & 0x80 != 0);
        let known = matches!(first & 0x0f, 0..=2 | 8..=10);
        if first & 0x70 != 0 || !known || masked || control && (fragment || length > 125) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the gateway sent bytes that are no WebSocket frame",
            ));
        }
        if control {
            return Ok(State::Pass(length));
        }
        let continued = first & 0x0f == 0;
        let before = if continued { self.message } else { 0 };
        self.message = before.saturating_add(length);
        // Nobody waits for the end of just any length: over that one, the parser does end the session.
        if self.message <= limits::MAX_FRAME_BYTES as u64 || length > limits::MAX_SKIPPED_BYTES {
            return Ok(State::Pass(length));
        }
        warn!(
            "skipping {length} bytes from the gateway: messages above {} bytes are not accepted",
            limits::MAX_FRAME_BYTES
        );
        self.header.clear();
        self.header.extend([first, 0]);
        Ok(State::Skip(length))
    }
}

/// Length of the header that begins with these two bytes or more.
fn header_length(header: &[u8]) -> usize {
    let second = header.get(1).copied().unwrap_or(0);
    let length = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    2 + length + if second & 0x80 == 0 { 0 } else { 4 }
}

fn payload_length(header: &[u8]) -> u64 {
    let big_endian = |count: usize| {
        header
            .iter()
            .skip(2)
            .take(count)
            .fold(0, |n, b| n << 8 | u64::from(*b))
    };
    match header.get(1).copied().unwrap_or(0) & 0x7f {
        126 => big_endian(2),
        127 => big_endian(8),
        short => short.into(),
    }
}

impl<R: Read> Read for FrameGuard<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.given < self.header.len() && !matches!(self.state, State::Header) {
                let mut rest = self.header.get(self.given..).unwrap_or_default();
                let count = rest.read(buf)?;
                self.given += count;
                return Ok(count);
            }
            let available = (self.end - self.start) as u64;
            match self.state {
                State::Header => {
                    if self.collect_header() {
                        self.state = self.judge()?;
                        self.given = 0;
                        continue;
                    }
                }
                State::Pass(0) | State::Skip(0) => {
                    self.header.clear();
                    self.state = State::Header;
                    continue;
                }
                State::Pass(left) if available > 0 => {
                    let most = usize::try_from(left).unwrap_or(usize::MAX);
                    let fresh = self.fresh();
                    let count = fresh.get(..most).unwrap_or(fresh).read(buf)?;
                    self.start += count;
                    self.state = State::Pass(left - count as u64);
                    return Ok(count);
                }
                State::Skip(left) if available > 0 => {
                    let count = left.min(available);
                    self.start += count as usize;
                    self.state = State::Skip(left - count);
                    continue;
                }
                State::Pass(_) | State::Skip(_) => {}
            }
            self.start = 0;
            self.end = 0;
            self.end = self.inner.read(&mut self.raw)?;
            if self.end == 0 {
                return Ok(0);
            }
        }
    }
}

/// The parser answers pings and closes on its own. The writer thread does that for it, so what it writes here
/// goes nowhere.
impl<R> Write for FrameGuard<R> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tungstenite::Message;
    use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

    /// A frame of a server.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![first];
        match payload.len() {
            n @ 0..126 => out.push(n as u8),
            n @ 126..65536 => {
                out.push(126);
                out.extend((n as u16).to_be_bytes());
            }
            n => {
                out.push(127);
                out.extend((n as u64).to_be_bytes());
            }
        }
        out.extend(payload);
        out
    }

    /// Gives out `step` bytes a read and "would block" between.
    struct Slow(io::Cursor<Vec<u8>>, usize, bool);

    impl Read for Slow {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.2 = !self.2;
            if self.2 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let most = buf.len().min(self.1);
            self.0.read(&mut buf[..most])
        }
    }

    fn messages(bytes: Vec<u8>, step: usize, early: usize) -> Vec<Message> {
        let (early, late) = bytes.split_at(early);
        let mut guard = FrameGuard::new(
            Slow(io::Cursor::new(late.to_vec()), step, false),
            early.to_vec(),
        );
        let config = WebSocketConfig::default()
            .max_frame_size(Some(limits::MAX_FRAME_BYTES))
            .max_message_size(Some(limits::MAX_FRAME_BYTES));
        let mut context = WebSocketContext::new(Role::Client, Some(config));
        let mut found = Vec::new();
        loop {
            match context.read(&mut guard) {
                Ok(message) => found.push(message),
                Err(tungstenite::Error::Io(e)) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(tungstenite::Error::Protocol(_)) => return found,
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn frames_pass_unchanged_however_they_arrive() {
        let long = "x".repeat(70_000);
        let mut bytes = frame(0x81, b"one");
        bytes.extend(frame(0x89, b"ping"));
        bytes.extend(frame(0x01, b"tw"));
        bytes.extend(frame(0x8a, b""));
        bytes.extend(frame(0x80, b"o"));
        bytes.extend(frame(0x81, "y".repeat(300).as_bytes()));
        bytes.extend(frame(0x81, long.as_bytes()));
        bytes.extend(frame(0x81, b""));
        let expected = [
            Message::text("one"),
            Message::Ping("ping".into()),
            Message::Pong("".into()),
            Message::text("two"),
            Message::text("y".repeat(300)),
            Message::text(long),
            Message::text(""),
        ];
        for step in [1, 2, 3, 7, 4096, 1 << 20] {
            assert_eq!(messages(bytes.clone(), step, 0), expected, "{step}");
        }
        for early in 0..20 {
            assert_eq!(messages(bytes.clone(), 100, early), expected, "{early}");
        }
    }

    #[test]
    fn too_large_a_frame_becomes_an_empty_one() {
        let large = vec![b'x'; limits::MAX_FRAME_BYTES + 1];
        let mut bytes = frame(0x81, &large);
        bytes.extend(frame(0x81, b"after"));
        let found = messages(bytes, 1 << 16, 0);
        assert_eq!(found, [Message::text(""), Message::text("after")]);
        // Exactly the limit is fine.
        let found = messages(frame(0x81, &large[1..]), 1 << 16, 0);
        assert_eq!(found[0].len(), limits::MAX_FRAME_BYTES);
    }

    #[test]
    fn too_large_a_message_in_fragments_is_cut() {
        let half = vec![b'x'; limits::MAX_FRAME_BYTES / 2 + 1];
        let mut bytes = frame(0x01, &half);
        bytes.extend(frame(0x00, &half));
        bytes.extend(frame(0x89, b"p"));
        bytes.extend(frame(0x80, &half));
        bytes.extend(frame(0x81, b"after"));
        let found = messages(bytes, 1 << 16, 0);
        assert_eq!(found[0], Message::Ping("p".into()));
        assert_eq!(found[1].len(), half.len());
        assert_eq!(found[2], Message::text("after"));
    }

    #[test]
    fn what_is_no_frame_is_refused_by_its_header() {
        for header in [
            &b"HT"[..],                // reserved bits
            &[0x83, 0x05],             // reserved opcode
            &[0x8b, 0x05],             // reserved control opcode
            &[0x81, 0x85, 0, 0, 0, 0], // masked
            &[0x09, 0x00],             // a ping in fragments
            &[0x89, 126, 0, 126],      // a long ping
        ] {
            let mut guard = FrameGuard::new(io::Cursor::new(header.to_vec()), Vec::new());
            let error = guard.read(&mut [0; 64]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{header:?}");
        }
    }

    #[test]
    fn an_endless_frame_is_left_to_the_parser() {
        let mut bytes = vec![0x81, 127];
        bytes.extend((limits::MAX_SKIPPED_BYTES + 1).to_be_bytes());
        let mut guard = FrameGuard::new(io::Cursor::new(bytes.clone()), Vec::new());
        let mut out = Vec::new();
        guard.read_to_end(&mut out).unwrap();
        assert_eq!(out, bytes);
    }
}
