//! Text from outside, made fit for a line that people read, and words that were meant.

mod hex;
mod nearest;

use std::cmp::Reverse;

pub use hex::{hex, unhex};
pub use nearest::nearest;

/// Text from outside with its control characters replaced: a line break must not forge a line, and what is shown
/// must stand in the order in which it is read.
pub fn printable(text: impl IntoIterator<Item = char>) -> String {
    text.into_iter().map(shown).collect()
}

/// As [`printable`], but lines and tabs stay.
pub fn printable_lines(text: impl IntoIterator<Item = char>) -> String {
    let keep = |c: char| matches!(c, '\n' | '\t');
    text.into_iter()
        .map(|c| if keep(c) { c } else { shown(c) })
        .collect()
}

/// Puts longer texts before shorter ones, so that none hides a part of another.
pub fn longest_first(texts: &mut [String]) {
    texts.sort_by_key(|text| Reverse(text.len()));
}

fn shown(c: char) -> char {
    match is_unseen(c) {
        true => '\u{fffd}',
        false => c,
    }
}

/// True for what a terminal acts on in place of showing it: control characters, separators of lines, and those
/// that Unicode calls format characters: they turn the order of letters around or are invisible.
pub fn is_unseen(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{890}'..='\u{891}'
                | '\u{8e2}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{110bd}'
                | '\u{110cd}'
                | '\u{13430}'..='\u{1343f}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0001}'
                | '\u{e0020}'..='\u{e007f}'
        )
}

/// JSON text with the same characters written as escapes. They stand in strings only, so it says the same.
pub fn printable_json(text: &str) -> String {
    if !text.contains(is_unseen) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unseen(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A text that stands where a path, a name or a host is expected, for a message; unless it looks like a secret
/// that was put into the wrong place: a token, or a URL or host with credentials.
pub fn unless_secret(text: &str) -> String {
    let credentials = text.contains('@') && text.contains(':');
    if text.contains("rk_") || text.contains("://") || credentials {
        return "(not shown: it looks like a secret)".to_owned();
    }
    printable(text.chars())
}

/// A host, for a message: none that may be the end of a password. A URL's host has no `@`.
pub fn shown_host(host: &str) -> String {
    match host.contains('@') {
        true => "the host of the configuration".to_owned(),
        false => format!("\"{}\"", printable(host.chars().take(255))),
    }
}

/// Its beginning, at most so many bytes, cut between two characters.
pub fn clipped(text: &str, bytes: usize) -> &str {
    let mut cut = text.len().min(bytes);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    text.get(..cut).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_replaced() {
        let text = "a\u{1b}[2Jb\u{202e}c\u{2028}d\u{200f}e\nf\tg\u{9b}é→漢";
        let once = "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}e";
        assert_eq!(
            printable(text.chars()),
            format!("{once}\u{fffd}f\u{fffd}g\u{fffd}é→漢")
        );
        assert_eq!(
            printable_lines(text.chars()),
            format!("{once}\nf\tg\u{fffd}é→漢")
        );
    }

    #[test]
    fn json_is_escaped_and_says_the_same() {
        let value = serde_json::json!({"a": "\u{202e}x\u{e0041}\u{9b}é\n"});
        let text = printable_json(&value.to_string());
        assert!(!text.contains(is_unseen), "{text}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_shown() {
        for secret in [
            "rk_0123456789",
            "/run/rk_0123",
            "postgres://u:pw@h/d",
            "u:pw@h",
            "postgres://h",
        ] {
            assert!(unless_secret(secret).starts_with("(not shown"), "{secret}");
        }
        for name in ["/run/secrets/token", "db@2.example", "C:/x"] {
            assert_eq!(unless_secret(name), name);
        }
    }

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(
            printable("a\r\n\u{1b}[2Jé".chars()),
            "a\u{fffd}\u{fffd}\u{fffd}[2Jé"
        );
    }

    #[test]
    fn characters_stay_whole() {
        assert_eq!(clipped("éé", 3), "é");
        assert_eq!(clipped("éé", 4), "éé");
        assert_eq!(clipped("éé", 1), "");
    }
}
