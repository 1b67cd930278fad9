//! WebSocket frames on their way out. Small ones are gathered, so that what is ready together leaves together; large
//! ones are masked where they are and sent from there.

use std::hash::{BuildHasher, RandomState};
use std::io;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use crate::gateway::socket::SocketWriter;
use crate::limits;

/// Puts frames on a socket.
pub struct FrameWriter {
    socket: SocketWriter,
    /// Whole frames that wait for the flush.
    gathered: Vec<u8>,
    masks: Masks,
}

impl FrameWriter {
    /// A writer with nothing sent yet.
    pub fn new(socket: SocketWriter) -> Self {
        Self {
            socket,
            gathered: Vec::new(),
            masks: Masks::default(),
        }
    }

    /// Sends a text, which is UTF-8: in fragments, if it is long, between which the other side may be heard. It is of
    /// no more use afterwards.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn text(&mut self, text: &mut [u8]) -> io::Result<()> {
        if text.len() <= limits::WRITE_BUFFER {
            return self.gather(OpCode::Data(Data::Text), text);
        }
        let last = text.len().div_ceil(limits::FRAGMENT_BYTES) - 1;
        for (number, part) in text.chunks_mut(limits::FRAGMENT_BYTES).enumerate() {
            let kind = if number == 0 {
                Data::Text
            } else {
                Data::Continue
            };
            let mask = self.head(OpCode::Data(kind), number == last, part.len())?;
            mask_over(part, mask);
            self.socket.send(&self.gathered, part)?;
            self.gathered.clear();
        }
        Ok(())
    }

    /// Sends a frame of the WebSocket itself, with at most 125 bytes.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn control(&mut self, kind: Control, payload: &[u8]) -> io::Result<()> {
        self.gather(OpCode::Control(kind), payload)
    }

    /// Sends what was gathered.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return self.socket.send_waiting();
        }
        self.socket.send(&self.gathered, &[])?;
        self.gathered.clear();
        Ok(())
    }

    /// Sends what was gathered as far as the socket takes it at once. False if some is left, for the next flush.
    /// Never blocks.
    ///
    /// # Errors
    /// Those of TLS.
    pub fn flush_at_once(&mut self) -> io::Result<bool> {
        self.socket.send_at_once(&self.gathered)?;
        self.gathered.clear();
        Ok(!self.is_waiting())
    }

    /// True while something waits for the flush.
    pub fn is_waiting(&self) -> bool {
        !self.gathered.is_empty() || self.socket.is_waiting()
    }

    /// The socket, once everything is sent.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn socket(&mut self) -> io::Result<&mut SocketWriter> {
        self.flush()?;
        Ok(&mut self.socket)
    }

    fn gather(&mut self, opcode: OpCode, payload: &[u8]) -> io::Result<()> {
        let mask = self.head(opcode, true, payload.len())?;
        let start = self.gathered.len();
        self.gathered.extend_from_slice(payload);
        mask_over(self.gathered.get_mut(start..).unwrap_or_default(), mask);
        if self.gathered.len() > limits::WRITE_BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    /// Gathers the head of a frame. Returns the mask that its payload is to be covered with.
    fn head(&mut self, opcode: OpCode, last: bool, length: usize) -> io::Result<[u8; 4]> {
        let mask = self.masks.next();
        let head = FrameHeader {
            is_final: last,
            opcode,
            mask: Some(mask),
            ..FrameHeader::default()
        };
        // Writing to memory does not fail.
        head.format(length as u64, &mut self.gathered)
            .map_err(io::Error::other)?;
        Ok(mask)
    }
}

/// Masks that nobody who chooses what is sent can foresee: a keyed hash of their number, whose key is the system's
/// randomness.
#[derive(Default)]
struct Masks {
    key: RandomState,
    number: u64,
}

impl Masks {
    fn next(&mut self) -> [u8; 4] {
        self.number += 1;
        let [a, b, c, d, ..] = self.key.hash_one(self.number).to_ne_bytes();
        [a, b, c, d]
    }
}

fn mask_over(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u128::from_ne_bytes([a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<16>();
    for word in words {
        *word = (u128::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_covers_every_byte_and_comes_off_again() {
        let mask = [1, 2, 4, 128];
        for length in 0..70 {
            let clear: Vec<u8> = (0..length).collect();
            let mut covered = clear.clone();
            mask_over(&mut covered, mask);
            for (at, (covered, clear)) in covered.iter().zip(&clear).enumerate() {
                assert_eq!(*covered, clear ^ mask[at % 4], "{at} of {length}");
            }
            mask_over(&mut covered, mask);
            assert_eq!(covered, clear);
        }
    }

    #[test]
    fn masks_differ() {
        let mut masks = Masks::default();
        let mut other = Masks::default();
        assert_ne!(masks.next(), masks.next());
        // One in four milliards agree by chance, so some are compared.
        assert!((0..4).any(|_| masks.next() != other.next()));
    }
}
