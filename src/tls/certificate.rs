//! What a certificate says about itself, for messages. Not for deciding whom to trust: that is webpki's.

use std::fmt;

use crate::json::days_from_civil;
use crate::text::printable;

/// Longest name shown; a certificate comes from anybody.
const SHOWN: usize = 120;

/// The parts of a certificate that people ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Whom it is for, such as `CN=example.com, O=Example`.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// True when it was signed with its own key, as far as names tell.
    pub self_issued: bool,
    /// Seconds since 1970.
    pub not_before: u64,
    /// Seconds since 1970.
    pub not_after: u64,
    /// True when it says that it may sign others.
    pub authority: bool,
}

impl CertificateFacts {
    /// Reads a certificate; `None` when it is none.
    pub fn read(der: &[u8]) -> Option<Self> {
        let certificate = expect(&mut { der }, SEQUENCE)?;
        let body = &mut expect(&mut { certificate }, SEQUENCE)?;
        // The version is there unless it is 1.
        if body.first() == Some(&VERSION) {
            expect(body, VERSION)?;
        }
        expect(body, INTEGER)?;
        expect(body, SEQUENCE)?;
        let issuer = expect(body, SEQUENCE)?;
        let validity = &mut expect(body, SEQUENCE)?;
        let (not_before, not_after) = (time(validity)?, time(validity)?);
        let subject = expect(body, SEQUENCE)?;
        // The public key; what follows it is optional.
        expect(body, SEQUENCE)?;
        Some(Self {
            subject: name(subject),
            issuer: name(issuer),
            self_issued: subject == issuer,
            not_before,
            not_after,
            authority: is_authority(body).unwrap_or(false),
        })
    }
}

/// The algorithm and the bits of a certificate's public key; `None` when it is no certificate. Of any version, while
/// webpki reads the third only.
pub(super) fn public_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let certificate = expect(&mut { der }, SEQUENCE)?;
    let body = &mut expect(&mut { certificate }, SEQUENCE)?;
    if body.first() == Some(&VERSION) {
        expect(body, VERSION)?;
    }
    expect(body, INTEGER)?;
    // The signature's algorithm, the issuer, the validity and the subject.
    for _ in 0..4 {
        expect(body, SEQUENCE)?;
    }
    let key = &mut expect(body, SEQUENCE)?;
    let algorithm = expect(key, SEQUENCE)?;
    // The first byte counts unused bits, of which a key has none.
    let (_, bits) = expect(key, BIT_STRING)?.split_first()?;
    Some((algorithm, bits))
}

/// The algorithm that a certificate is signed with, as the bytes of its object identifier.
pub(super) fn signature_algorithm(der: &[u8]) -> Option<&[u8]> {
    let certificate = &mut expect(&mut { der }, SEQUENCE)?;
    expect(certificate, SEQUENCE)?;
    let mut algorithm = expect(certificate, SEQUENCE)?;
    expect(&mut algorithm, OBJECT_ID)
}

/// The first element of a DER text, without what follows it.
pub(super) fn first_element(der: &[u8]) -> Option<&[u8]> {
    let mut rest = der;
    next(&mut rest)?;
    der.get(..der.len() - rest.len())
}

/// Whether the extensions say that the certificate may sign others (RFC 5280, 4.2.1.9 and 4.2.1.3). One that
/// says nothing may not.
fn is_authority(mut rest: &[u8]) -> Option<bool> {
    let mut extensions = loop {
        // What else there may be are unique identifiers, which nobody uses.
        if let (EXTENSIONS, mut content) = next(&mut rest)? {
            break expect(&mut content, SEQUENCE)?;
        }
    };
    let mut authority = false;
    let mut may_sign = true;
    while !extensions.is_empty() {
        let mut extension = expect(&mut extensions, SEQUENCE)?;
        let kind = expect(&mut extension, OBJECT_ID)?;
        let mut value = match next(&mut extension)? {
            (BOOLEAN, _critical) => expect(&mut extension, OCTET_STRING)?,
            (OCTET_STRING, value) => value,
            _ => return None,
        };
        match kind {
            BASIC_CONSTRAINTS => {
                let mut constraints = expect(&mut value, SEQUENCE)?;
                authority = matches!(next(&mut constraints), Some((BOOLEAN, [0xff])));
            }
            KEY_USAGE => {
                // The first byte counts unused bits, the sixth bit is `keyCertSign`.
                let usage = expect(&mut value, BIT_STRING)?;
                may_sign = usage.get(1).is_some_and(|bits| bits & 0b100 != 0);
            }
            _ => {}
        }
    }
    Some(authority && may_sign)
}

/// A day as `2027-01-31`.
pub struct Day(pub u64);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = i64::try_from(self.0 / 86_400).unwrap_or(0);
        let (year, month, day) = crate::json::civil_from_days(days);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const BMP_STRING: u8 = 0x1e;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// Takes the next element off `input`: its tag and its content (X.690, definite lengths only).
fn next<'a>(input: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let digits = usize::from(first & 0x7f);
        if digits == 0 || digits > 4 {
            return None;
        }
        let (bytes, after) = rest.split_at_checked(digits)?;
        length = bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
        rest = after;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    *input = rest;
    Some((tag, content))
}

fn expect<'a>(input: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    next(input).and_then(|(found, content)| (found == tag).then_some(content))
}

/// The usual parts of a distinguished name.
fn name(mut parts: &[u8]) -> String {
    let mut shown = Vec::new();
    while let Some(mut set) = expect(&mut parts, SET) {
        while let Some(mut part) = expect(&mut set, SEQUENCE) {
            let kind = expect(&mut part, OBJECT_ID);
            let label = match kind {
                Some([0x55, 0x04, 0x03]) => "CN",
                Some([0x55, 0x04, 0x0a]) => "O",
                Some([0x55, 0x04, 0x0b]) => "OU",
                _ => continue,
            };
            let text = match next(&mut part) {
                Some((BMP_STRING, bytes)) => {
                    let units = bytes
                        .chunks(2)
                        .map(|pair| pair.iter().fold(0, |n: u16, b| n << 8 | u16::from(*b)));
                    char::decode_utf16(units)
                        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                        .collect()
                }
                Some((_, bytes)) => String::from_utf8_lossy(bytes).into_owned(),
                None => continue,
            };
            shown.push(format!("{label}={}", printable(text.chars())));
        }
    }
    // Most significant first in the certificate; people look for the common name.
    let (mut first, others): (Vec<_>, Vec<_>) =
        shown.into_iter().partition(|part| part.starts_with("CN="));
    first.extend(others);
    let text = first.join(", ");
    if text.is_empty() {
        "(no name)".to_owned()
    } else {
        text.chars().take(SHOWN).collect()
    }
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`, the forms RFC 5280 allows.
fn time(input: &mut &[u8]) -> Option<u64> {
    let (tag, text) = next(input)?;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i64 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse::<u32>().ok();
    let days = days_from_civil(year, part(0)?.into()) + i64::from(part(2)?) - 1;
    let seconds = part(4)? * 3600 + part(6)? * 60 + part(8)?;
    u64::try_from(days * 86_400 + i64::from(seconds)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_is_no_certificate() {
        for bytes in [
            &b""[..],
            b"\x30",
            b"\x30\x80",
            b"\x30\x85\xff\xff\xff\xff\xff",
            b"\x30\x02\x30\x00",
            b"\x30\x03\x30\x01\xa0",
        ] {
            assert_eq!(CertificateFacts::read(bytes), None, "{bytes:x?}");
        }
    }

    #[test]
    fn both_forms_of_time_are_read() {
        let utc = b"\x17\x0d700101000001Z";
        assert_eq!(time(&mut &utc[..]), Some(1));
        let general = b"\x18\x0f20280229235959Z";
        assert_eq!(time(&mut &general[..]), Some(1_835_481_599));
        assert_eq!(time(&mut &b"\x17\x0d7001010000xxZ"[..]), None);
        assert_eq!(Day(1_835_481_599).to_string(), "2028-02-29");
    }

    #[test]
    fn names_are_shortened_and_harmless() {
        let cn = b"\x31\x0e\x30\x0c\x06\x03\x55\x04\x03\x0c\x05a\nb\xffc";
        let o = b"\x31\x0b\x30\x09\x06\x03\x55\x04\x0a\x1e\x02\x00o";
        let mut both = o.to_vec();
        both.extend(cn);
        assert_eq!(name(&both), "CN=a\u{fffd}b\u{fffd}c, O=o");
        assert_eq!(name(b""), "(no name)");
    }
}
