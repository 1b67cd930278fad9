//! JSON documents that a database hands over as text.

use crate::json::Out;
use crate::json::token::string_length;

/// Copies a JSON document that is known to be valid. Only numbers are looked at: one that no double can hold
/// (`1e400`) becomes `null`, as it does in the official runner, because readers would make it infinite.
/// Everything else, long integers included, stays as it is written.
pub fn write_document(out: &mut impl Out, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let (structure, tail) = rest.split_at(at);
        out.push_str(structure);
        let length = if tail.starts_with('"') {
            string_length(tail)
        } else {
            number_length(tail)
        };
        let (token, after) = tail.split_at(length);
        if !token.starts_with('"') && token.parse::<f64>().is_ok_and(f64::is_infinite) {
            out.push_str("null");
        } else {
            out.push_str(token);
        }
        rest = after;
    }
    out.push_str(rest);
}

fn number_length(text: &str) -> usize {
    text.bytes()
        .position(|b| !(b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E')))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_impossible_numbers_change() {
        let mut out = String::new();
        write_document(
            &mut out,
            r#"{"a\"1":[1e400,-1e999, 12345678901234567890,"1e400",1.50],"b":-0}"#,
        );
        assert_eq!(
            out,
            r#"{"a\"1":[null,null, 12345678901234567890,"1e400",1.50],"b":-0}"#
        );
    }
}
