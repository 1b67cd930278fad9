//! Percent coding, as URLs have it.

use std::fmt::Write;

use url::Url;

/// Appends a text with everything encoded but RFC 3986's unreserved characters.
pub fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// The text that was encoded. A percent sign that begins no code stands for itself.
pub fn decode(text: &str) -> String {
    String::from_utf8_lossy(&bytes(text)).into_owned()
}

/// The same, where it is UTF-8.
pub fn decode_utf8(text: &str) -> Option<String> {
    String::from_utf8(bytes(text)).ok()
}

fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .filter(|code| first == b'%' && code.iter().all(u8::is_ascii_hexdigit))
            .and_then(|code| std::str::from_utf8(code).ok())
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(code.unwrap_or(first));
        let taken = if code.is_some() { 2 } else { 0 };
        rest = tail.get(taken..).unwrap_or_default();
    }
    bytes
}

/// `user:password` of a URL, decoded, if it has any.
pub fn login(url: &Url) -> Option<String> {
    let password = url.password().unwrap_or_default();
    (!url.username().is_empty()).then(|| format!("{}:{}", decode(url.username()), decode(password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let mut out = String::new();
        encode(&mut out, "rk_a+b/c=&d \u{e9}%~");
        assert_eq!(out, "rk_a%2Bb%2Fc%3D%26d%20%C3%A9%25~");
        assert_eq!(decode(&out), "rk_a+b/c=&d \u{e9}%~");
    }

    #[test]
    fn broken_codes_stand_for_themselves() {
        assert_eq!(decode("a%40b%zz%4"), "a@b%zz%4");
        assert_eq!(decode("%+f%"), "%+f%");
    }
}
