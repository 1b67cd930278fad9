//! What a server says before the session is open, as far as it matters here: the process that serves it.

use super::wire::Bytes;
use crate::limits;

/// The messages of a session's start, as they come in.
#[derive(Default)]
pub struct Greeting(Vec<u8>);

impl Greeting {
    /// Takes note of bytes from the server.
    pub fn hear(&mut self, bytes: &[u8]) {
        if self.0.len() + bytes.len() <= limits::GREETING_BYTES {
            self.0.extend_from_slice(bytes);
        }
    }

    /// The id of the process that serves the session, out of the message that allows to cancel it
    /// (PostgreSQL protocol, `BackendKeyData`). A pooler serves many sessions with one process, so it makes up
    /// ids of its own.
    pub fn process_id(&self) -> Option<i32> {
        let mut messages = Bytes(&self.0);
        loop {
            let [kind] = messages.array()?;
            let length = usize::try_from(messages.i32()?).ok()?;
            let body = messages.take(length.checked_sub(4)?)?;
            if kind == b'K' {
                return Bytes(body).i32();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = i32::try_from(body.len() + 4).unwrap();
        [&[kind], &length.to_be_bytes()[..], body].concat()
    }

    #[test]
    fn the_process_is_found_among_the_messages() {
        let all = [
            message(b'R', &[0, 0, 0, 0]),
            message(b'S', b"TimeZone\0UTC\0"),
            message(b'K', &[0, 0, 1, 2, 9, 9, 9, 9]),
            message(b'Z', b"I"),
        ]
        .concat();
        let mut greeting = Greeting::default();
        for byte in &all {
            greeting.hear(&[*byte]);
        }
        assert_eq!(greeting.process_id(), Some(258));
    }

    #[test]
    fn nonsense_names_no_process() {
        for bytes in [
            &b""[..],
            b"K",
            &[b'K', 0, 0, 0, 0],
            &[b'K', 255, 255, 255, 255, 1],
            &[b'S', 0, 0, 0, 200, 1],
            &message(b'K', &[1]),
        ] {
            let mut greeting = Greeting::default();
            greeting.hear(bytes);
            assert_eq!(greeting.process_id(), None, "{bytes:?}");
        }
        let mut greeting = Greeting::default();
        greeting.hear(&vec![0; limits::GREETING_BYTES + 1]);
        assert!(greeting.0.is_empty());
    }
}
