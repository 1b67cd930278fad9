//! Questions and answers of DNS (RFC 1035, RFC 2782). Anybody may have sent them.

use std::io;

/// Most labels and pointers in a name; a pointer that leads in a circle ends there.
const MAX_STEPS: usize = 128;
/// Longest name.
const MAX_NAME: usize = 255;

/// A kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Where a service is.
    Service,
    /// Any text.
    Text,
}

impl Kind {
    fn number(self) -> u16 {
        match self {
            Self::Service => 33,
            Self::Text => 16,
        }
    }
}

/// A record of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A server of a service.
    Service {
        /// Its name, without the last dot, in lower case.
        target: String,
        /// Its port.
        port: u16,
    },
    /// A text, its parts joined.
    Text(String),
}

/// A question; `None` when the name cannot be one.
pub(super) fn question(number: u16, name: &str, kind: Kind) -> Option<Vec<u8>> {
    let mut out = number.to_be_bytes().to_vec();
    // Please look further; one question.
    out.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len())
            .ok()
            .filter(|length| (1..=63).contains(length))?;
        out.push(length);
        out.extend(label.bytes());
    }
    out.push(0);
    out.extend(kind.number().to_be_bytes());
    out.extend([0, 1]);
    (name.len() < MAX_NAME).then_some(out)
}

/// The records of this kind in the answer to `question`; `None` when they did not fit into it.
///
/// # Errors
/// `InvalidData` when it is no answer to that, `NotFound` when there is no such name, `Other` for a server that
/// cannot tell.
pub fn read_answers(
    message: &[u8],
    question: &[u8],
    kind: Kind,
) -> io::Result<Option<Vec<Record>>> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let word = |at: usize| -> io::Result<u16> {
        let bytes = message.get(at..).and_then(<[u8]>::first_chunk);
        bytes
            .map(|bytes| u16::from_be_bytes(*bytes))
            .ok_or_else(invalid)
    };
    let flags = word(2)?;
    // Its number, that it is an answer, and the question itself.
    let asked = question.get(12..).unwrap_or_default();
    let repeated = message.get(12..12 + asked.len());
    if message.get(..2) != question.get(..2)
        || flags & 0x8000 == 0
        || word(4)? != 1
        || !repeated.is_some_and(|repeated| repeated.eq_ignore_ascii_case(asked))
    {
        return Err(invalid());
    }
    if flags & 0x0200 != 0 {
        return Ok(None);
    }
    match flags & 15 {
        0 => {}
        3 if kind == Kind::Text => return Ok(Some(Vec::new())),
        3 => {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "there is no such name",
            ));
        }
        code => {
            return Err(io::Error::other(format!(
                "the name server answers with error {code}"
            )));
        }
    }
    let mut at = 12 + asked.len();
    let mut records = Vec::new();
    for _ in 0..word(6)? {
        at = read_name(message, at).ok_or_else(invalid)?.1;
        let (found, length) = (word(at)?, usize::from(word(at + 8)?));
        let start = at + 10;
        let data = message.get(start..start + length).ok_or_else(invalid)?;
        // Aliases stand beside what they lead to.
        if found == kind.number() {
            records.push(match kind {
                Kind::Text => Record::Text(read_texts(data).ok_or_else(invalid)?),
                Kind::Service => Record::Service {
                    port: word(start + 4)?,
                    target: read_name(message, start + 6).ok_or_else(invalid)?.0,
                },
            });
        }
        at = start + length;
    }
    Ok(Some(records))
}

fn read_texts(mut data: &[u8]) -> Option<String> {
    let mut text = Vec::new();
    while let Some((&length, rest)) = data.split_first() {
        let (part, rest) = rest.split_at_checked(length.into())?;
        text.extend(part);
        data = rest;
    }
    String::from_utf8(text).ok()
}

/// The name that begins at a place, and where what follows it begins.
fn read_name(message: &[u8], start: usize) -> Option<(String, usize)> {
    let mut name = String::new();
    let mut at = start;
    let mut end = None;
    for _ in 0..MAX_STEPS {
        let length = usize::from(*message.get(at)?);
        if length >= 0xc0 {
            end = end.or(Some(at + 2));
            at = (length & 0x3f) << 8 | usize::from(*message.get(at + 1)?);
            continue;
        }
        if length == 0 {
            return Some((name.to_ascii_lowercase(), end.unwrap_or(at + 1)));
        }
        let label = message
            .get(at + 1..at + 1 + length)
            .filter(|_| length < 0x40)?;
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(std::str::from_utf8(label).ok()?);
        if name.len() > MAX_NAME {
            return None;
        }
        at += 1 + length;
    }
    None
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An answer with these records, whose name is a pointer to the question's.
    pub(in super::super) fn answer(question: &[u8], records: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let mut out = question.to_vec();
        out[2] = 0x81;
        out[3] = 0x80;
        out[7] = u8::try_from(records.len()).unwrap();
        for (kind, data) in records {
            out.extend(b"\xc0\x0c");
            out.extend(kind.to_be_bytes());
            out.extend([0, 1, 0, 0, 0, 60]);
            out.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            out.extend(data);
        }
        out
    }

    #[test]
    fn other_records_beside_the_wanted_are_skipped() {
        let question = question(7, "a.b", Kind::Text).unwrap();
        let message = answer(
            &question,
            &[(5, b"\x01c\xc0\x0c".to_vec()), (16, b"\x01x\x01y".to_vec())],
        );
        let records = read_answers(&message, &question, Kind::Text).unwrap();
        assert_eq!(records, Some(vec![Record::Text("xy".into())]));
    }

    #[test]
    fn what_is_no_answer_to_the_question_is_refused() {
        let question = question(7, "a.b", Kind::Service).unwrap();
        let good = answer(&question, &[(33, b"\0\0\0\0\0\x01\x01c\xc0\x0c".to_vec())]);
        assert!(read_answers(&good, &question, Kind::Service).is_ok());
        for at in [1, 2, 13] {
            let mut bad = good.clone();
            bad[at] ^= 0x81;
            assert!(
                read_answers(&bad, &question, Kind::Service).is_err(),
                "{at}"
            );
        }
        for length in 0..good.len() {
            assert!(read_answers(&good[..length], &question, Kind::Service).is_err());
        }
        // A name that leads to itself.
        let circle = answer(&question, &[(33, b"\0\0\0\0\0\x01\xc0\x27".to_vec())]);
        assert!(read_answers(&circle, &question, Kind::Service).is_err());
        let mut unknown = answer(&question, &[]);
        unknown[3] |= 3;
        let error = read_answers(&unknown, &question, Kind::Service).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn names_that_cannot_be_are_not_asked_for() {
        for name in ["", "a..b", &"x".repeat(64), &"a.".repeat(200)] {
            assert_eq!(question(1, name, Kind::Text), None, "{name}");
        }
    }
}
