//! Strings.

use crate::json::Out;

/// Writes a quoted JSON string.
pub fn write_string(out: &mut impl Out, text: &str) {
    write_lossy(out, text.as_bytes());
}

/// Writes a quoted JSON string of text that should be UTF-8; what is not becomes U+FFFD. Both are found out in one
/// pass, and runs that need no change are copied whole.
pub fn write_lossy(out: &mut impl Out, text: &[u8]) {
    out.push('"');
    let mut rest = text;
    loop {
        rest = out.push_plain(rest);
        rest = match rest {
            [] => break,
            [ascii @ 0..128, after @ ..] => {
                escape(out, *ascii);
                after
            }
            _ => push_foreign(out, rest),
        };
    }
    out.push('"');
}

/// Appends what is no ASCII, up to where ASCII begins. Returns the rest.
fn push_foreign<'a>(out: &mut impl Out, text: &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(u8::is_ascii).unwrap_or(text.len());
    let (foreign, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    for part in foreign.utf8_chunks() {
        out.push_str(part.valid());
        if !part.invalid().is_empty() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
    rest
}

fn escape(out: &mut impl Out, special: u8) {
    match special {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        8 => out.push_str("\\b"),
        12 => out.push_str("\\f"),
        other => {
            let hex = |digit: u8| {
                if digit < 10 {
                    b'0' + digit
                } else {
                    b'a' + digit - 10
                }
            };
            out.push_ascii(&[
                b'\\',
                b'u',
                b'0',
                b'0',
                hex(other >> 4 & 1),
                hex(other & 15),
            ]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Text;

    fn both(text: &[u8]) -> String {
        let (mut string, mut bounded) = (String::new(), Text::new());
        write_lossy(&mut string, text);
        write_lossy(&mut bounded, text);
        assert_eq!(bounded.as_str(), string);
        string
    }

    #[test]
    fn every_character_survives_a_json_parser() {
        let all: String = (0u8..=0x7f)
            .map(char::from)
            .chain("é漢😀\u{2028}".chars())
            .collect();
        let written = both(all.as_bytes());
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), all);
    }

    #[test]
    fn what_is_no_utf8_is_mended_as_ever() {
        for text in [
            &b"\xff"[..],
            b"a\xffb",
            b"\xc3\xa9\xc3",
            b"\xe6\xbc",
            b"\xe6\xbc\"\xa9",
            b"\xf0\x9f\x98\x80\xf0\x9f\x98.",
            b"\xed\xa0\x80\xc0\xaf plain text of some length \x80",
        ] {
            let written = both(text);
            let read: String = serde_json::from_str(&written).unwrap();
            assert_eq!(read, String::from_utf8_lossy(text));
        }
    }
}
