//! The server's messages as they come in, before the driver sees them: how long they say they are, and whether they
//! are ones that a server sends. The driver makes room for whatever length it is told, and keeps what it was not
//! asked for.

use crate::error::{JobError, Retry};
use crate::job::LargeRows;
use crate::limits;

/// Where in the stream of messages the next byte is.
#[derive(Default)]
pub struct Messages {
    head: [u8; 5],
    /// Bytes of the head that are there.
    known: usize,
    /// Bytes of the body that are not.
    rest: usize,
    /// Bytes of the longest message that was none of the large ones.
    longest: usize,
    /// Rows that began, and their bytes.
    rows: (usize, usize),
    /// The session is open.
    open: bool,
    /// Bytes of what nobody asked for, and before the session is open of everything.
    unasked: usize,
    /// The number of columns that the last description tells of, as far as it has come in.
    count: [u8; 2],
    counted: usize,
    /// The body of the last error, as far as it has come in.
    error: Vec<u8>,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Nothing special.
    Usual,
    /// A large row, or another message of that size, for which the job needs its turn.
    Large,
}

impl Messages {
    /// Takes note of bytes from the server.
    ///
    /// # Errors
    /// Nothing more is to be read from it.
    pub fn hear(&mut self, mut bytes: &[u8], rows: &LargeRows) -> Result<Heard, JobError> {
        let mut heard = Heard::Usual;
        while !bytes.is_empty() {
            if self.rest > 0 {
                let passed = self.rest.min(bytes.len());
                let (body, after) = bytes.split_at_checked(passed).unwrap_or((bytes, &[]));
                if self.head.first() == Some(&b'T') {
                    self.describe(body)?;
                }
                if self.head.first() == Some(&b'E') {
                    let room = limits::POSTGRES_ERROR.saturating_sub(self.error.len());
                    self.error.extend(body.iter().take(room));
                }
                bytes = after;
                self.rest -= passed;
                continue;
            }
            // Mostly the whole head is there.
            if self.known == 0
                && let Some((head, body)) = bytes.split_first_chunk()
            {
                self.head = *head;
                bytes = body;
            } else {
                let (byte, after) = bytes.split_first().unwrap_or((&0, &[]));
                if let Some(place) = self.head.get_mut(self.known) {
                    *place = *byte;
                }
                bytes = after;
                self.known += 1;
                if self.known < self.head.len() {
                    continue;
                }
                self.known = 0;
            }
            if self.begin(rows)? == Heard::Large {
                heard = Heard::Large;
            }
        }
        Ok(heard)
    }

    /// Bytes of the longest message that was none of the large ones: the driver's buffer stays as long.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The number and the bytes of the rows that began since this was asked last; large ones have no bytes here.
    pub fn take_rows(&mut self) -> (usize, usize) {
        std::mem::take(&mut self.rows)
    }

    /// Why the session is over, if the last message says so. The driver tells only of a connection that is closed when
    /// both come at once.
    pub fn last_words(&self) -> Option<JobError> {
        if self.rest > 0 || self.error.is_empty() {
            return None;
        }
        let fields = || self.error.split(|byte| *byte == 0);
        let field = |kind: u8| {
            let mut found = fields().filter_map(|field| field.split_first());
            let text = found.find(|(first, _)| **first == kind)?.1;
            Some(String::from_utf8_lossy(text).into_owned())
        };
        let severity = field(b'V').or_else(|| field(b'S'))?;
        let (state, message) = (field(b'C')?, field(b'M')?);
        matches!(severity.as_str(), "FATAL" | "PANIC").then(|| {
            let text = format!("{message} (SQLSTATE {state})");
            JobError::query_failed(text)
                .with_sql_state(&state)
                .with(Retry::NewConnection)
        })
    }

    /// A message begins.
    fn begin(&mut self, rows: &LargeRows) -> Result<Heard, JobError> {
        let [kind, length @ ..] = self.head;
        let length = u32::from_be_bytes(length) as usize;
        self.rest = length.checked_sub(4).ok_or_else(nonsense)?;
        self.error.clear();
        self.counted = 0;
        if !self.open {
            self.open = kind == b'Z';
            return self.count(length, limits::POSTGRES_GREETING);
        }
        let (heard, usual) = match length > limits::LARGE_ROW {
            true => (Heard::Large, 0),
            false => (Heard::Usual, length),
        };
        self.longest = self.longest.max(usual);
        if kind == b'D' {
            let (count, bytes) = self.rows;
            self.rows = (count + 1, bytes.saturating_add(usual));
        }
        match kind {
            b'D' if length > rows.most_received() => Err(rows.too_large()),
            b'D' => Ok(heard),
            // Notifications and settings stay in the driver's memory. Notices pass through it.
            b'A' | b'S' => self.count(length, limits::POSTGRES_UNASKED),
            b'1' | b'2' | b'3' | b'C' | b'E' | b'I' | b'N' | b'T' | b'Z' | b'n' | b's' | b't'
                if length <= limits::POSTGRES_MESSAGE =>
            {
                Ok(heard)
            }
            _ => Err(nonsense()),
        }
    }

    /// A part of a description of columns: what they are counted by stands at its beginning.
    fn describe(&mut self, body: &[u8]) -> Result<(), JobError> {
        for byte in body {
            let Some(place) = self.count.get_mut(self.counted) else {
                break;
            };
            *place = *byte;
            self.counted += 1;
            if self.counted == self.count.len()
                && usize::from(u16::from_be_bytes(self.count)) > limits::RESULT_COLUMNS
            {
                return Err(nonsense());
            }
        }
        Ok(())
    }

    fn count(&mut self, length: usize, most: usize) -> Result<Heard, JobError> {
        self.unasked = self.unasked.saturating_add(length);
        if self.unasked > most {
            return Err(JobError::unreachable(
                "the server sends more than anybody asked for; the connection is closed",
            ));
        }
        Ok(Heard::Usual)
    }
}

fn nonsense() -> JobError {
    JobError::unreachable("what answers there does not speak as a PostgreSQL server does")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    fn head(kind: u8, length: usize) -> Vec<u8> {
        let length = u32::try_from(length).unwrap();
        [&[kind], &length.to_be_bytes()[..]].concat()
    }

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [head(kind, body.len() + 4), body.to_vec()].concat()
    }

    /// After a login, in pieces of this many bytes.
    fn hear(bytes: &[u8], piece: usize) -> Result<Heard, JobError> {
        let mut messages = Messages::default();
        let rows = LargeRows::default();
        let login = [message(b'R', &[0; 4]), message(b'Z', b"I")].concat();
        let all = [login.as_slice(), bytes].concat();
        let mut heard = Heard::Usual;
        for piece in all.chunks(piece) {
            if messages.hear(piece, &rows)? == Heard::Large {
                heard = Heard::Large;
            }
        }
        Ok(heard)
    }

    #[test]
    fn what_servers_say_passes_in_any_pieces() {
        let all = [
            message(b'1', b""),
            message(b'T', &[0; 100]),
            message(b'T', &[0x10, 0x00, 0xff]),
            message(b'D', &[1; 1000]),
            message(b'S', b"TimeZone\0UTC\0"),
            message(b'N', &[1; 100]),
            message(b'C', b"SELECT 1\0"),
            message(b'Z', b"I"),
        ]
        .concat();
        for piece in [1, 3, 5, 7, all.len()] {
            assert_eq!(hear(&all, piece), Ok(Heard::Usual), "{piece}");
        }
    }

    #[test]
    fn what_is_large_is_told_at_its_head() {
        for piece in [1, 1000] {
            for kind in *b"DTEN" {
                let heard = hear(&head(kind, limits::LARGE_ROW + 1), piece);
                assert_eq!(heard, Ok(Heard::Large));
            }
            let error = hear(&head(b'D', i32::MAX as usize), piece).unwrap_err();
            assert_eq!(error.code, ErrorCode::QueryFailed);
        }
    }

    #[test]
    fn what_nobody_asked_for_has_an_end() {
        for bytes in [
            head(b'E', limits::POSTGRES_MESSAGE + 1),
            head(b'x', 10),
            message(b'T', &[0x10, 0x01, 0]),
            head(b'D', 3),
            message(b'A', &[0; 100]).repeat(limits::POSTGRES_UNASKED / 100),
            message(b'S', &[0; 100]).repeat(limits::POSTGRES_UNASKED / 100),
        ] {
            assert!(hear(&bytes, 4096).is_err());
        }
        let mut messages = Messages::default();
        let rows = LargeRows::default();
        let notices = message(b'N', &[0; 100]).repeat(limits::POSTGRES_GREETING / 100);
        assert!(messages.hear(&notices, &rows).is_err());
    }

    #[test]
    fn the_reason_of_an_end_is_kept() {
        let rows = LargeRows::default();
        let said = |body: &[u8]| {
            let mut messages = Messages {
                open: true,
                ..Messages::default()
            };
            let all = [
                head(b'C', 8),
                b"SET\0".to_vec(),
                head(b'E', body.len() + 4),
                body.to_vec(),
            ]
            .concat();
            for byte in all {
                messages.hear(&[byte], &rows).unwrap();
            }
            messages.last_words().map(|error| error.message)
        };
        assert_eq!(
            said(b"SFATAL\0C08P01\0Mnot here\0\0").as_deref(),
            Some("not here (SQLSTATE 08P01)")
        );
        assert_eq!(said(b"SERROR\0C42P01\0Mno table\0\0"), None);
        assert_eq!(said(b"SFATAL\0\0"), None);
    }
}
