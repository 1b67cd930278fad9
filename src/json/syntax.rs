//! Whether a text is JSON.

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
pub(super) fn is_json(text: &[u8]) -> bool {
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
    use crate::json::Raw;

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
}
