//! The order of JavaScript's texts: by UTF-16 code units. It differs from the order of UTF-8 bytes only between
//! U+E000..U+FFFF and what lies beyond.

use std::cmp::Ordering;

/// Compares two texts, given as UTF-8, as JavaScript does.
pub fn utf16_order(a: &[u8], b: &[u8]) -> Ordering {
    let differing = a.iter().zip(b).find(|(a, b)| a != b);
    match differing {
        // Lead bytes: 0xEE and 0xEF begin U+E000..U+FFFF, 0xF0 and more the characters with two code units.
        Some((a, b)) if *a >= 0xee && *b >= 0xee && (*a >= 0xf0) != (*b >= 0xf0) => b.cmp(a),
        Some((a, b)) => a.cmp(b),
        None => a.len().cmp(&b.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_ordered_by_their_code_units() {
        let texts = [
            "",
            "a",
            "ab",
            "b",
            "\u{7f}",
            "\u{80}",
            "é",
            "\u{d7ff}",
            "\u{e000}",
            "\u{ffff}",
            "\u{10000}",
            "😀",
            "\u{10ffff}",
            "a\u{ffff}",
            "a\u{10000}",
            "\u{e000}a",
            "\u{e001}",
        ];
        for a in texts {
            for b in texts {
                assert_eq!(
                    utf16_order(a.as_bytes(), b.as_bytes()),
                    a.encode_utf16().cmp(b.encode_utf16()),
                    "{a:?} {b:?}"
                );
            }
        }
    }
}
