//! The operators that look into texts. All of them ignore case.

use crate::options::Pattern;

/// A pattern, prepared for many texts.
pub(super) enum Matcher {
    Like(Vec<Part>),
    Contains(String),
    StartsWith(String),
    EndsWith(String),
}

/// A part of a `$ilike` pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Any run of characters.
    Run,
    /// Any one character.
    One,
    /// This one, in either case.
    Same(char),
}

impl Matcher {
    pub(super) fn new(pattern: &Pattern) -> Self {
        match pattern {
            Pattern::Like(text) => Self::Like(parts(text)),
            Pattern::Contains(text) => Self::Contains(text.to_lowercase()),
            Pattern::StartsWith(text) => Self::StartsWith(text.to_lowercase()),
            Pattern::EndsWith(text) => Self::EndsWith(text.to_lowercase()),
        }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Like(parts) => like(parts, text),
            Self::Contains(part) => text.to_lowercase().contains(part),
            Self::StartsWith(part) => text.to_lowercase().starts_with(part),
            Self::EndsWith(part) => text.to_lowercase().ends_with(part),
        }
    }
}

/// `%`, `_`, and a backslash that makes either literal; before anything else it is itself.
fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        parts.push(match c {
            '%' => Part::Run,
            '_' => Part::One,
            '\\' => match chars.next_if(|next| matches!(next, '%' | '_')) {
                Some(literal) => Part::Same(literal),
                None => Part::Same('\\'),
            },
            other => Part::Same(folded(other)),
        });
    }
    parts
}

/// The case that a regular expression of JavaScript compares in, without its unicode flag: upper case where
/// that is one code unit and does not fall from beyond ASCII into it.
fn folded(c: char) -> char {
    if c.len_utf16() > 1 {
        return c;
    }
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(up), None) if up.len_utf16() == 1 && (c.is_ascii() || !up.is_ascii()) => up,
        _ => c,
    }
}

/// When a text does not fit, only the last `%` may take one more character: one before it has done its part.
/// So the time is the product of both lengths at most.
fn like(parts: &[Part], text: &str) -> bool {
    let mut pattern = parts;
    let mut rest = text.chars();
    let mut retry = None;
    loop {
        match (pattern.split_first(), rest.clone().next()) {
            (Some((Part::Run, after)), _) => {
                pattern = after;
                retry = Some((after, rest.clone()));
                continue;
            }
            (Some((part, after)), Some(c))
                if *part == Part::One || *part == Part::Same(folded(c)) =>
            {
                pattern = after;
                rest.next();
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((after, taken)) = &mut retry else {
            return false;
        };
        if taken.next().is_none() {
            return false;
        }
        pattern = after;
        rest = taken.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likes() {
        for (pattern, text, want) in [
            ("", "", true),
            ("", "a", false),
            ("%", "", true),
            ("a%", "Abc", true),
            ("%c", "abC", true),
            ("a%c%e", "abcde", true),
            ("a%c%e", "abcdef", false),
            ("%ab%ab%", "xabyab", true),
            ("%ab%ab%", "xabyb", false),
            ("a_c", "a\nc", true),
            ("a_c", "a😀c", true),
            ("new%line", "New\nLine", true),
            ("_", "", false),
            ("a\\_b", "a_b", true),
            ("a\\_b", "axb", false),
            ("50\\%", "50%", true),
            ("back\\slash", "back\\slash", true),
            ("back\\\\slash", "back\\\\slash", true),
            ("\\", "\\", true),
            ("ünïcöd", "ÜNÏCÖD", true),
            // One code unit never equals two, and nothing beyond ASCII equals ASCII.
            ("STRASSE", "straße", false),
            ("ſ", "s", false),
            ("k", "\u{212a}", false),
            ("𐐨", "𐐀", false),
        ] {
            let matcher = Matcher::new(&Pattern::Like(pattern.into()));
            assert_eq!(matcher.matches(text), want, "{pattern} {text}");
        }
    }

    #[test]
    fn parts_of_texts_are_literal() {
        let text = "100% a_B ÇA";
        for (pattern, want) in [
            (Pattern::Contains("% A_b".into()), true),
            (Pattern::Contains("%a_b".into()), false),
            (Pattern::StartsWith("100%".into()), true),
            (Pattern::StartsWith("00".into()), false),
            (Pattern::EndsWith("ça".into()), true),
            (Pattern::EndsWith("%".into()), false),
        ] {
            assert_eq!(Matcher::new(&pattern).matches(text), want, "{pattern:?}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_exponential_time() {
        let pattern = "%a".repeat(2000) + "b";
        let text = "a".repeat(5000);
        assert!(!Matcher::new(&Pattern::Like(pattern)).matches(&text));
    }
}
