//! LIKE patterns.

use crate::options::Pattern;

/// The text of a LIKE pattern in which `escape` makes the next character literal.
pub(crate) fn like_text(pattern: &Pattern, escape: char) -> String {
    match pattern {
        Pattern::Like(given) if escape == '\\' => given.clone(),
        Pattern::Like(given) => translated(given, escape),
        Pattern::Contains(text) => format!("%{}%", literal(text, escape)),
        Pattern::StartsWith(text) => format!("{}%", literal(text, escape)),
        Pattern::EndsWith(text) => format!("%{}", literal(text, escape)),
    }
}

fn literal(text: &str, escape: char) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        push_literal(&mut out, c, escape);
    }
    out
}

fn push_literal(out: &mut String, c: char, escape: char) {
    if c == '%' || c == '_' || c == escape {
        out.push(escape);
    }
    out.push(c);
}

/// A pattern with backslash escapes, rewritten for another escape character. A backslash at the very end
/// escapes nothing and is taken literally, as MySQL does.
fn translated(given: &str, escape: char) -> String {
    let mut out = String::with_capacity(given.len() + 2);
    let mut chars = given.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => push_literal(&mut out, chars.next().unwrap_or('\\'), escape),
            '%' | '_' => out.push(c),
            other => push_literal(&mut out, other, escape),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_literal_whatever_it_holds() {
        let contains = Pattern::Contains("50%_|\\".to_owned());
        assert_eq!(like_text(&contains, '\\'), "%50\\%\\_|\\\\%");
        assert_eq!(like_text(&contains, '|'), "%50|%|_||\\%");
        let starts = Pattern::StartsWith("a".to_owned());
        assert_eq!(like_text(&starts, '|'), "a%");
        let ends = Pattern::EndsWith(String::new());
        assert_eq!(like_text(&ends, '|'), "%");
    }

    #[test]
    fn a_given_pattern_keeps_its_meaning_under_another_escape() {
        let like = |text: &str| like_text(&Pattern::Like(text.to_owned()), '|');
        assert_eq!(like("a%_b"), "a%_b");
        assert_eq!(like("50\\%%"), "50|%%");
        assert_eq!(like("back\\\\slash"), "back\\slash");
        assert_eq!(like("a\\da"), "ada");
        assert_eq!(like("\\||"), "||||");
        assert_eq!(like("a\\"), "a\\");
        let same = Pattern::Like("50\\%%|".to_owned());
        assert_eq!(like_text(&same, '\\'), "50\\%%|");
    }
}
