//! What a frame's text may cost, found before anything of it is parsed.

use std::fmt;

use crate::limits;

/// Bytes of a text whose values take half a megabyte at most.
const FEW: usize = 16 << 10;

/// Why a text is not worth parsing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooMuch {
    /// Lists and objects inside each other beyond [`limits::MAX_NESTING`]: parsing recurses.
    Nesting,
    /// More values than [`limits::MAX_VALUES`]: two bytes of text such as `0,` become some 70 in memory.
    Values,
}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nesting => write!(f, "nested deeper than {} levels", limits::MAX_NESTING),
            Self::Values => write!(f, "more than {} values", limits::MAX_VALUES),
        }
    }
}

/// The number of values; none where they are too few to matter. No recursion, no memory. It need not be JSON.
pub fn scan(text: &str) -> Result<usize, TooMuch> {
    // Nearly every text is so short and opens so few brackets, wherever they stand, that nothing can be too much.
    if text.len() < FEW && brackets(text.as_bytes()) <= limits::MAX_NESTING {
        return Ok(0);
    }
    scan_whole(text)
}

/// How many bytes are `[` or `{`, which differ in one bit.
fn brackets(text: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let (words, rest) = text.as_chunks::<8>();
    let mut count = rest.iter().filter(|byte| **byte | 0x20 == b'{').count();
    for word in words {
        // Zero in the bytes that are looked for; adding sets the high bit of all others.
        let other = (u64::from_le_bytes(*word) | (ONES * 0x20)) ^ (ONES * b'{' as u64);
        let low = !(ONES << 7);
        let others = ((other & low) + low) | other | low;
        if others != u64::MAX {
            count += others.count_zeros() as usize;
        }
    }
    count
}

/// One pass over the bytes.
fn scan_whole(text: &str) -> Result<usize, TooMuch> {
    let mut depth = 0usize;
    let mut values = 1usize;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'[' | b'{' => {
                depth += 1;
                values += 1;
                if depth > limits::MAX_NESTING {
                    return Err(TooMuch::Nesting);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
    }
    if values > limits::MAX_VALUES {
        return Err(TooMuch::Values);
    }
    Ok(values)
}

fn skip_string(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_strings_only() {
        let nested = |n| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(scan(&nested(limits::MAX_NESTING)).is_ok());
        assert_eq!(
            scan(&nested(limits::MAX_NESTING + 1)),
            Err(TooMuch::Nesting)
        );
        let text = format!(r#"{{"a\"":"{}"}}"#, "[".repeat(1000));
        assert!(scan(&text).is_ok());
        assert!(scan(&"[],".repeat(500)).is_ok());
    }

    #[test]
    fn brackets_are_counted_wherever_they_are() {
        for byte in 0..=255_u8 {
            let expected = usize::from(matches!(byte, b'[' | b'{'));
            for at in 0..19 {
                let mut text = [b'Z'; 19];
                text[at] = byte;
                assert_eq!(brackets(&text), expected, "{byte} at {at}");
            }
        }
        assert_eq!(brackets(b"{[{[{[{[{[{["), 12);
    }

    #[test]
    fn values_are_counted() {
        let list = |n: usize| format!("[{}0]", "0,".repeat(n));
        // The list itself, and what stands before each comma and at the end.
        let values = limits::MAX_LIST + 2;
        assert_eq!(scan(&list(limits::MAX_LIST)), Ok(values));
        assert_eq!(scan(&list(100)), Ok(0));
        assert_eq!(scan(&list(limits::MAX_VALUES)), Err(TooMuch::Values));
        assert_eq!(scan(&"{}".repeat(limits::MAX_VALUES)), Err(TooMuch::Values));
        let text = format!("\"{}\"", ",".repeat(limits::MAX_VALUES));
        assert_eq!(scan(&text), Ok(1));
    }

    #[test]
    fn broken_text_is_the_parser_s_business() {
        for text in ["", "]]]]", "\"", "\"\\", "{\"a", "😀"] {
            assert_eq!(scan(text), Ok(0));
        }
    }
}
