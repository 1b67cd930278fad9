//! Byte strings, in the form Node gives a `Buffer`.

use crate::json::Out;

/// Writes `{"type":"Buffer","data":[222,173]}`.
pub fn write_bytes(out: &mut impl Out, bytes: &[u8]) {
    out.reserve(28 + bytes.len() * 4);
    out.push_str("{\"type\":\"Buffer\",\"data\":");
    write_byte_list(out, bytes);
    out.push('}');
}

/// Writes `[222,173]`.
pub fn write_byte_list(out: &mut impl Out, bytes: &[u8]) {
    let mut digits = itoa::Buffer::new();
    out.push('[');
    for (i, byte) in bytes.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(digits.format(*byte));
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_lists_its_bytes() {
        let mut out = String::new();
        write_bytes(&mut out, &[222, 173]);
        write_bytes(&mut out, &[]);
        assert_eq!(
            out,
            r#"{"type":"Buffer","data":[222,173]}{"type":"Buffer","data":[]}"#
        );
    }
}
