//! Base64: for the places of HTTP where bytes travel as text, and for PEM.

/// Standard alphabet, padded.
pub fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let at = |n: usize| group.get(n).copied().map_or(0, u32::from);
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for n in 0..4 {
            let digit = ALPHABET.get((bits >> (18 - 6 * n) & 63) as usize);
            out.push(match digit {
                Some(&digit) if n <= group.len() => char::from(digit),
                _ => '=',
            });
        }
    }
    out
}

/// The bytes that a text of [`encode`]'s form stands for.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for group in digits.as_bytes().chunks(4) {
        let mut bits = 0;
        for n in 0..4 {
            let digit = match group.get(n) {
                Some(digit @ b'A'..=b'Z') => digit - b'A',
                Some(digit @ b'a'..=b'z') => digit - b'a' + 26,
                Some(digit @ b'0'..=b'9') => digit - b'0' + 52,
                Some(b'+') => 62,
                Some(b'/') => 63,
                Some(_) => return None,
                None => 0,
            };
            bits = bits << 6 | u32::from(digit);
        }
        let [_, bytes @ ..] = bits.to_be_bytes();
        out.extend(bytes.iter().take(group.len() - 1));
    }
    Some(out)
}

/// The bytes of a text without padding, in the alphabet of URLs or the standard one.
pub fn decode_bare(text: &str) -> Option<Vec<u8>> {
    let mut padded = text.replace('-', "+").replace('_', "/");
    while !padded.len().is_multiple_of(4) {
        padded.push('=');
    }
    decode(&padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        for (text, code) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
            ("\u{ff}\u{3ff}", "w7/Pvw=="),
        ] {
            assert_eq!(encode(text.as_bytes()), code);
            assert_eq!(decode(code).as_deref(), Some(text.as_bytes()));
        }
    }

    #[test]
    fn padding_may_be_missing() {
        for text in ["w7_Pvw", "w7/Pvw", "w7/Pvw=="] {
            assert_eq!(decode_bare(text).unwrap(), "\u{ff}\u{3ff}".as_bytes());
        }
        assert_eq!(decode_bare("Z"), None);
    }

    #[test]
    fn what_is_no_code_is_told() {
        for text in ["Z", "Zg=", "Zg", "====", "Zg==Zg==", "Zm 8="] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
