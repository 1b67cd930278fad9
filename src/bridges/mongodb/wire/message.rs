//! OP_MSG: sixteen bytes of head, four of flags, and one document.

use std::io::{self, Read};

use crate::bridges::mongodb::bson::{Document, Fields};
use crate::limits;

const OP_MSG: i32 = 2013;
/// Length, the message's own number, the number it answers, kind of message.
const HEAD: usize = 16;
/// Four bytes of a checksum stand at the end.
const CHECKSUM: u32 = 1;
/// Bits that a reader must know; the server sends none but the checksum's unasked.
const REQUIRED: u32 = 0xffff;

/// Puts a command into a message.
pub(super) fn write_message(out: &mut Vec<u8>, number: i32, command: &Fields) {
    out.clear();
    out.extend([0; HEAD]);
    // No flags, and a section of kind 0: one document.
    out.extend([0; 5]);
    command.write(out);
    let length = i32::try_from(out.len()).unwrap_or(i32::MAX);
    let mut head = [0; HEAD];
    for (place, value) in head.chunks_exact_mut(4).zip([length, number, 0, OP_MSG]) {
        place.copy_from_slice(&value.to_le_bytes());
    }
    if let Some(place) = out.first_chunk_mut() {
        *place = head;
    }
}

/// Reads the answer to message `number` into `buffer`, which then holds nothing else. Asks `may_be_large` before it takes the
/// memory for a large one.
///
/// # Errors
/// Of kind `InvalidData` when it is something else, or too long; `UnexpectedEof` when there is none; that of
/// `may_be_large`.
pub(super) fn receive(
    stream: &mut impl Read,
    buffer: &mut Vec<u8>,
    number: i32,
    may_be_large: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    // Most answers come whole with the first read.
    buffer.resize(limits::MONGODB_READ, 0);
    let mut filled = 0;
    while filled < HEAD {
        filled += more(stream, buffer, filled)?;
    }
    let length = whole_length(buffer).ok_or_else(unreadable)?;
    if length < filled {
        return Err(unreadable());
    }
    if length > limits::MONGODB_LARGE {
        may_be_large()?;
    }
    buffer.resize(length, 0);
    while filled < length {
        filled += more(stream, buffer, filled)?;
    }
    match read_message(buffer) {
        Some((answered, _)) if answered == number => Ok(()),
        _ => Err(unreadable()),
    }
}

fn more(stream: &mut impl Read, buffer: &mut [u8], filled: usize) -> io::Result<usize> {
    let free = buffer.get_mut(filled..).unwrap_or_default();
    match stream.read(free) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
        result => result,
    }
}

fn whole_length(message: &[u8]) -> Option<usize> {
    let length = usize::try_from(i32::from_le_bytes(*message.first_chunk()?)).ok()?;
    (HEAD..=limits::MONGODB_MESSAGE)
        .contains(&length)
        .then_some(length)
}

/// The number that a whole message answers, and its document.
pub fn read_message(message: &[u8]) -> Option<(i32, Document<'_>)> {
    if whole_length(message)? != message.len() {
        return None;
    }
    let word = |at: usize| Some(i32::from_le_bytes(*message.get(at..)?.first_chunk()?));
    let (answered, kind) = (word(8)?, word(12)?);
    let flags = word(16)?.cast_unsigned();
    if kind != OP_MSG || flags & REQUIRED & !CHECKSUM != 0 {
        return None;
    }
    let trailer = if flags & CHECKSUM != 0 { 4 } else { 0 };
    let sections = message.get(20..message.len().checked_sub(trailer)?)?;
    let (&section, document) = sections.split_first()?;
    match Document::new(document) {
        Ok(document) if section == 0 => Some((answered, document)),
        _ => None,
    }
}

/// What sent this, or more than is accepted, is no MongoDB.
pub(super) fn unreadable() -> io::Error {
    let problem =
        "what answers there does not speak MongoDB's protocol, or sent more than is accepted";
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridges::mongodb::bson::fields;

    /// The answer to message 7.
    fn answer(length: usize) -> Vec<u8> {
        let mut message = Vec::new();
        write_message(
            &mut message,
            1,
            &fields! { "ok": 1, "text": "x".repeat(length) },
        );
        message[8] = 7;
        message
    }

    /// Some bytes a read.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(self.1);
            Read::read(&mut self.0, &mut buffer[..count])
        }
    }

    #[test]
    fn an_answer_is_read_however_it_arrives() {
        let mut buffer = Vec::new();
        for length in [0, limits::MONGODB_READ, 3 * limits::MONGODB_READ] {
            let message = answer(length);
            for step in [1, 15, 16, 17, 5000, usize::MAX] {
                receive(&mut Slow(&message, step), &mut buffer, 7, || Ok(())).unwrap();
                assert_eq!(buffer, message);
            }
        }
    }

    #[test]
    fn a_checksum_is_skipped() {
        let mut message = answer(1);
        message[16] = 1;
        message.extend([1, 2, 3, 4]);
        message[0] += 4;
        assert!(read_message(&message).is_some());
    }

    #[test]
    fn anything_else_is_refused() {
        let good = answer(10);
        let kind = |message: &[u8], number| {
            receive(&mut &message[..], &mut Vec::new(), number, || Ok(()))
                .unwrap_err()
                .kind()
        };
        assert_eq!(kind(&good, 8), io::ErrorKind::InvalidData);
        assert_eq!(
            kind(b"HTTP/1.1 400 Bad Request\r\n", 7),
            io::ErrorKind::InvalidData
        );
        assert_eq!(kind(b"", 7), io::ErrorKind::UnexpectedEof);
        assert_eq!(
            kind(&good[..good.len() - 1], 7),
            io::ErrorKind::UnexpectedEof
        );
        for (at, byte) in [
            (3, 0x7f),
            (3, 0xff),
            (0, 5),
            (12, 1),
            (16, 2),
            (20, 1),
            (21, 0),
        ] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert_eq!(kind(&bad, 7), io::ErrorKind::InvalidData, "{at}");
        }
        let mut two = good.clone();
        two.extend(&good);
        assert_eq!(kind(&two, 7), io::ErrorKind::InvalidData);
    }
}
