//! JSON values as the text they came in. Documents of a store without columns are filtered, grouped and sent on
//! without being built: what is not looked at costs nothing, nesting has no limit, and numbers keep their digits.

use std::borrow::Cow;

use crate::json::syntax::is_json;
use crate::json::token::{WHITE, next_token, unescaped};
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

impl<'a> Raw<'a> {
    /// `null`
    pub const NULL: Raw<'static> = Raw("null");

    /// Takes a text that is JSON to JavaScript's `JSON.parse`: any depth, lone surrogates, doubled members.
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim_matches(WHITE);
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
        let start = self.rest.len() - self.rest.trim_start_matches(WHITE).len();
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
        let rest = self.rest.trim_start_matches(WHITE);
        self.rest = rest.strip_prefix(separator).unwrap_or(rest);
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

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
