//! JSON values as the text they came in. Documents of a store without columns are filtered, grouped and sent on
//! without being built: what is not looked at costs nothing, nesting has no limit, and numbers keep their digits.

use std::borrow::Cow;

use crate::json::passthrough::string_length;
use crate::json::{js_number, js_number_of, write_string};

/// A JSON value as its text, without white space around it, known to be valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a>(&'a str);

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawKind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number,
    /// A string.
    Text,
    /// An array.
    List,
    /// An object.
    Object,
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

impl<'a> Raw<'a> {
    /// `null`
    pub const NULL: Raw<'static> = Raw("null");

    /// Takes a text that is JSON to JavaScript's `JSON.parse`: any depth, lone surrogates, doubled members.
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = trimmed(text);
        is_json(text.as_bytes()).then_some(Self(text))
    }

    /// Takes the text of one whole JSON value, valid and without white space around it. Anything else is
    /// shown as it is.
    pub(crate) fn known(text: &'a str) -> Self {
        Self(text)
    }

    /// Its text.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// What it is.
    pub fn kind(self) -> RawKind {
        match self.0.as_bytes().first() {
            Some(b'n') => RawKind::Null,
            Some(b't') => RawKind::Bool(true),
            Some(b'f') => RawKind::Bool(false),
            Some(b'"') => RawKind::Text,
            Some(b'[') => RawKind::List,
            Some(b'{') => RawKind::Object,
            _ => RawKind::Number,
        }
    }

    /// The number, if it is one; infinite where no double holds it.
    pub fn number(self) -> Option<f64> {
        match self.kind() {
            RawKind::Number => self.0.parse().ok(),
            _ => None,
        }
    }

    /// The text, if it is one; half a surrogate pair becomes U+FFFD.
    pub fn text(self) -> Option<Cow<'a, str>> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        Some(unescaped(inner))
    }

    /// The members of an object as they stand, doubled names and all; none of anything else.
    pub fn members(self) -> impl Iterator<Item = (Cow<'a, str>, Raw<'a>)> {
        self.named_members()
            .map(|(name, value)| (name.text().unwrap_or_default(), value))
    }

    /// As [`Raw::members`], with their names as they are written.
    pub fn named_members(self) -> impl Iterator<Item = (Raw<'a>, Raw<'a>)> {
        let mut items = Items::of(self, '{');
        std::iter::from_fn(move || {
            let name = items.next_value()?;
            items.skip(':');
            let value = items.next_value()?;
            items.skip(',');
            Some((name, value))
        })
    }

    /// The elements of an array; none of anything else.
    pub fn elements(self) -> impl Iterator<Item = Raw<'a>> {
        let mut items = Items::of(self, '[');
        std::iter::from_fn(move || {
            let value = items.next_value()?;
            items.skip(',');
            Some(value)
        })
    }

    /// The member of this name, the last one if there are several.
    pub fn member(self, name: &str) -> Option<Raw<'a>> {
        self.members()
            .filter(|(found, _)| found == name)
            .last()
            .map(|(_, value)| value)
    }

    /// The value as JavaScript's `String(x)` has it: lists joined by commas, objects without a word about what
    /// is in them.
    pub fn js_string(self) -> Cow<'a, str> {
        match self.kind() {
            RawKind::Text => self.text().unwrap_or_default(),
            RawKind::Number => Cow::Owned(js_number(self.number().unwrap_or(f64::NAN))),
            RawKind::List => Cow::Owned(joined(self.0)),
            RawKind::Object => Cow::Borrowed("[object Object]"),
            RawKind::Null | RawKind::Bool(_) => Cow::Borrowed(self.0),
        }
    }

    /// The value as JavaScript's `Number(x)` has it.
    pub fn js_number(self) -> f64 {
        match self.kind() {
            RawKind::Null | RawKind::Bool(false) => 0.0,
            RawKind::Bool(true) => 1.0,
            RawKind::Number => self.number().unwrap_or(f64::NAN),
            RawKind::Text | RawKind::List => js_number_of(&self.js_string()),
            RawKind::Object => f64::NAN,
        }
    }

    /// The value as `JSON.stringify` has it: no white space, numbers as JavaScript prints them.
    pub fn compact(self) -> String {
        let mut out = String::with_capacity(self.0.len());
        let mut rest = self.0;
        while let Some((token, after)) = next_token(rest) {
            match Raw(token).kind() {
                RawKind::Text => match Raw(token).text() {
                    Some(text) if !text.contains('\u{fffd}') => write_string(&mut out, &text),
                    _ => out.push_str(token),
                },
                RawKind::Number if token.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
                    match token.parse::<f64>() {
                        Ok(number) if number.is_finite() => out.push_str(&js_number(number)),
                        _ => out.push_str("null"),
                    }
                }
                _ => out.push_str(token),
            }
            rest = after;
        }
        out
    }
}

/// What is left of an array or object.
struct Items<'a> {
    rest: &'a str,
}

impl<'a> Items<'a> {
    fn of(value: Raw<'a>, open: char) -> Self {
        Self {
            rest: value.0.strip_prefix(open).unwrap_or_default(),
        }
    }

    fn next_value(&mut self) -> Option<Raw<'a>> {
        let (first, mut after) = next_token(self.rest)?;
        let start = self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        let mut depth = match first {
            "{" | "[" => 1_usize,
            "}" | "]" => return None,
            _ => 0,
        };
        while depth > 0 {
            let (token, next) = next_token(after)?;
            match token {
                "{" | "[" => depth += 1,
                "}" | "]" => depth -= 1,
                _ => {}
            }
            after = next;
        }
        let text = self.rest.get(start..self.rest.len() - after.len())?;
        self.rest = after;
        Some(Raw(text))
    }

    fn skip(&mut self, separator: char) {
        let rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.rest = rest.strip_prefix(separator).unwrap_or(rest);
    }
}

/// The next token of a valid text and what follows: a string, a number, a word, or a single character.
fn next_token(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r']);
    let length = match text.as_bytes().first()? {
        b'"' => string_length(text),
        b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
        _ => text
            .bytes()
            .position(|b| matches!(b, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r'))
            .unwrap_or(text.len()),
    };
    text.split_at_checked(length)
}

/// `String(list)`: the elements of all lists inside, in one row, joined by commas; null is nothing.
fn joined(list: &str) -> String {
    let mut out = String::new();
    let mut rest = list;
    while let Some((token, after)) = next_token(rest) {
        rest = after;
        match token {
            "[" | "]" | "null" => {}
            "," => out.push(','),
            "{" => {
                out.push_str("[object Object]");
                let mut depth = 1_usize;
                while depth > 0
                    && let Some((token, after)) = next_token(rest)
                {
                    match token {
                        "{" | "[" => depth += 1,
                        "}" | "]" => depth -= 1,
                        _ => {}
                    }
                    rest = after;
                }
            }
            scalar => out.push_str(&Raw(scalar).js_string()),
        }
    }
    out
}

fn unescaped(inner: &str) -> Cow<'_, str> {
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = escape.chars();
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let unit = hex_unit(chars.as_str());
                rest = chars.as_str().get(4..).unwrap_or_default();
                let low = rest.strip_prefix("\\u").map(hex_unit);
                match (unit, low) {
                    (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                        let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                        rest = rest.get(6..).unwrap_or_default();
                    }
                    _ => out.push(char::from_u32(unit).unwrap_or('\u{fffd}')),
                }
                continue;
            }
            Some(itself) => out.push(itself),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn hex_unit(text: &str) -> u32 {
    text.get(..4)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .unwrap_or(0xfffd)
}

/// What may come next in a text.
enum Due {
    Value,
    /// A value, or the end of an array that has just begun.
    FirstElement,
    Name,
    /// A name, or the end of an object that has just begun.
    FirstName,
    Colon,
    /// A comma or an end.
    After,
}

/// JavaScript's `JSON.parse` as a question. Nothing here calls itself: text from outside must not be able to
/// exhaust the stack.
fn is_json(text: &[u8]) -> bool {
    let mut rest = text;
    let mut open = Vec::new();
    let mut due = Due::Value;
    loop {
        while let [b' ' | b'\t' | b'\n' | b'\r', after @ ..] = rest {
            rest = after;
        }
        due = match (due, rest) {
            (Due::After, []) => return open.is_empty(),
            (Due::After, [b',', after @ ..]) if !open.is_empty() => {
                rest = after;
                if open.last() == Some(&b'}') {
                    Due::Name
                } else {
                    Due::Value
                }
            }
            (
                Due::After | Due::FirstElement | Due::FirstName,
                [end @ (b']' | b'}'), after @ ..],
            ) if open.last() == Some(end) => {
                rest = after;
                open.pop();
                Due::After
            }
            (Due::Colon, [b':', after @ ..]) => {
                rest = after;
                Due::Value
            }
            (
                due @ (Due::Name | Due::FirstName | Due::Value | Due::FirstElement),
                [b'"', after @ ..],
            ) => {
                match after_string(after) {
                    Some(after) => rest = after,
                    None => return false,
                }
                if matches!(due, Due::Name | Due::FirstName) {
                    Due::Colon
                } else {
                    Due::After
                }
            }
            (Due::Value | Due::FirstElement, [b'{', after @ ..]) => {
                rest = after;
                open.push(b'}');
                Due::FirstName
            }
            (Due::Value | Due::FirstElement, [b'[', after @ ..]) => {
                rest = after;
                open.push(b']');
                Due::FirstElement
            }
            (Due::Value | Due::FirstElement, scalar) => match after_scalar(scalar) {
                Some(after) => {
                    rest = after;
                    Due::After
                }
                None => return false,
            },
            _ => return false,
        };
    }
}

/// What follows a string whose opening quote was read.
fn after_string(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        match rest {
            [b'"', after @ ..] => return Some(after),
            [
                b'\\',
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                after @ ..,
            ] => {
                rest = after;
            }
            [b'\\', b'u', a, b, c, d, after @ ..]
                if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) =>
            {
                rest = after;
            }
            [0x20..=0x5b | 0x5d..=0xff, after @ ..] => rest = after,
            _ => return None,
        }
    }
}

fn after_scalar(text: &[u8]) -> Option<&[u8]> {
    for word in [&b"null"[..], b"true", b"false"] {
        if let Some(after) = text.strip_prefix(word) {
            return Some(after);
        }
    }
    let digits = |rest: &mut &[u8]| {
        let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        *rest = rest.get(count..).unwrap_or_default();
        count > 0
    };
    let mut rest = text.strip_prefix(b"-").unwrap_or(text);
    match rest {
        [b'0', after @ ..] => rest = after,
        _ => {
            if !digits(&mut rest) {
                return None;
            }
        }
    }
    if let Some(after) = rest.strip_prefix(b".") {
        rest = after;
        if !digits(&mut rest) {
            return None;
        }
    }
    if let [b'e' | b'E', after @ ..] = rest {
        rest = after;
        if let [b'+' | b'-', after @ ..] = rest {
            rest = after;
        }
        if !digits(&mut rest) {
            return None;
        }
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn what_is_json_is_what_javascript_says() {
        for good in [
            "{}",
            "[]",
            " [ 1 , -0.5e+3 , \"a\" ] ",
            "{\"a\":{\"b\":[]}}",
            "0",
            "-0",
            "1e400",
            "\"\\ud800\"",
            "\"\\u00e9\\/\"",
            "null",
            "true",
            "[[[]],{}]",
            "{\"a\":1,\"a\":2}",
            "\"\u{7f}\u{2028}\"",
            "\n1\t",
        ] {
            assert!(Raw::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            " ",
            "007",
            "1.",
            "+1",
            ".5",
            "NaN",
            "'x'",
            "\u{feff}{}",
            "{a:1}",
            "[1,]",
            "{\"a\":1,}",
            "[1 2]",
            "{\"a\" 1}",
            "\"\\x41\"",
            "\"\\u12g4\"",
            "\"a\nb\"",
            "nul",
            "truex",
            "[",
            "{",
            "]",
            "[}",
            "\"",
            "1 2",
            "{\"a\":}",
            "{1:2}",
            "[,1]",
            "1e",
            "--1",
            "\"\\",
            "\u{a0}1",
        ] {
            assert!(Raw::parse(bad).is_none(), "{bad}");
        }
        // Far deeper than any stack.
        let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
        let deep = Raw::parse(&deep).unwrap();
        assert_eq!(deep.js_string(), "");
        assert_eq!(deep.compact().len(), 2_000_000);
        assert_eq!(deep.elements().count(), 1);
    }

    #[test]
    fn parts_are_found() {
        let text = r#" { "a" : [ 1 , {"x":"]"} ] , "b\"" : "\ud83d\ude00\ud800" , "a" : null } "#;
        let value = Raw::parse(text).unwrap();
        let members: Vec<_> = value
            .members()
            .map(|(n, v)| (n.into_owned(), v.0))
            .collect();
        assert_eq!(
            members,
            [
                ("a".to_owned(), r#"[ 1 , {"x":"]"} ]"#),
                ("b\"".to_owned(), r#""\ud83d\ude00\ud800""#),
                ("a".to_owned(), "null")
            ]
        );
        assert_eq!(value.member("a"), Some(Raw::NULL));
        assert_eq!(value.member("c"), None);
        assert_eq!(value.member("b\"").unwrap().text().unwrap(), "😀\u{fffd}");
        let list = Raw(members[0].1);
        assert_eq!(
            list.elements().map(Raw::as_str).collect::<Vec<_>>(),
            ["1", r#"{"x":"]"}"#]
        );
        assert_eq!(list.members().count() + value.elements().count(), 0);
    }

    #[test]
    fn values_become_what_javascript_makes_of_them() {
        for (text, string, number, compact) in [
            ("null", "null", 0.0, "null"),
            ("true", "true", 1.0, "true"),
            ("1.50", "1.5", 1.5, "1.5"),
            ("-0", "0", 0.0, "0"),
            ("\" 0x10 \"", " 0x10 ", 16.0, "\" 0x10 \""),
            ("\"Infinity\"", "Infinity", f64::INFINITY, "\"Infinity\""),
            ("\"\"", "", 0.0, "\"\""),
            ("[ 5 ]", "5", 5.0, "[5]"),
            ("[]", "", 0.0, "[]"),
            (
                r#"[1, [null, "a"], {"b": [2]}, true]"#,
                "1,,a,[object Object],true",
                f64::NAN,
                r#"[1,[null,"a"],{"b":[2]},true]"#,
            ),
            (
                r#"{"a": 1e2, "\u0041": 1e999}"#,
                "[object Object]",
                f64::NAN,
                r#"{"a":100,"A":null}"#,
            ),
        ] {
            let value = Raw::parse(text).unwrap();
            assert_eq!(value.js_string(), string, "{text}");
            assert!(
                value.js_number() == number || number.is_nan() && value.js_number().is_nan(),
                "{text}"
            );
            assert_eq!(value.compact(), compact, "{text}");
        }
    }

    #[test]
    fn texts_are_read_as_any_parser_reads_them() {
        let all = json!("\u{0}\t\"\\/é漢😀\u{2028}");
        let text = serde_json::to_string(&all).unwrap();
        let read = Raw::parse(&text).unwrap().text().unwrap();
        assert_eq!(Value::String(read.into_owned()), all);
    }
}
