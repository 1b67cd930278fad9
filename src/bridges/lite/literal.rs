//! Statements with their values as services take them. Values that a service has no form for are spelled out in the
//! statement.

use std::borrow::Cow;

use super::value::Value;
use crate::json::object;
use crate::text::hex;

/// A statement as a JSON object. The values for which `unfit` is false are a list in it, of this name, each by `write`.
pub(in crate::bridges) fn composed(
    sql: &str,
    params: &[Value<'_>],
    list: &'static str,
    unfit: impl Fn(&Value<'_>) -> bool,
    write: impl FnMut(&mut String, &Value<'_>),
) -> String {
    let (sql, params) = spelled_out(sql, params, unfit);
    object(|object| {
        object.string("sql", &sql).list(list, params, write);
    })
}

/// A statement with the parameters that are left when those for which `unfit` is true are literals in its text. Its
/// placeholders are `?`, one after the other.
fn spelled_out<'s, 'v>(
    sql: &'s str,
    params: &'v [Value<'v>],
    unfit: impl Fn(&Value<'_>) -> bool,
) -> (Cow<'s, str>, Vec<&'v Value<'v>>) {
    if !params.iter().any(&unfit) {
        return (Cow::Borrowed(sql), params.iter().collect());
    }
    let (mut text, mut left) = (String::with_capacity(sql.len() + 32), Vec::new());
    let mut params = params.iter();
    // A quote inside of quotes is doubled, which ends them and begins them again.
    let mut quote = None;
    for character in sql.chars() {
        match (character, quote) {
            ('?', None) => match params.next() {
                Some(value) if unfit(value) => write_literal(value, &mut text),
                value => {
                    left.extend(value);
                    text.push('?');
                }
            },
            (character, None) if matches!(character, '\'' | '"') => {
                quote = Some(character);
                text.push(character);
            }
            (character, open) => {
                if open == Some(character) {
                    quote = None;
                }
                text.push(character);
            }
        }
    }
    (Cow::Owned(text), left)
}

fn write_literal(value: &Value<'_>, out: &mut String) {
    match value {
        Value::Null => out.push_str("NULL"),
        Value::Integer(whole) => out.push_str(&whole.to_string()),
        Value::Real(float) if float.is_nan() => out.push_str("NULL"),
        Value::Real(float) if float.is_infinite() => {
            out.push_str(if *float > 0.0 { "9e999" } else { "-9e999" });
        }
        // With a dot or an exponent.
        Value::Real(float) => out.push_str(&format!("{float:?}")),
        Value::Text(bytes) => out.push_str(&format!("CAST(X'{}' AS TEXT)", hex(bytes))),
        Value::Blob(bytes) => out.push_str(&format!("X'{}'", hex(bytes))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_placeholders_are_replaced() {
        let params = [
            Value::Real(f64::NEG_INFINITY),
            Value::Integer(5),
            Value::Integer(i64::MAX),
            Value::Text(Cow::Borrowed(&[0xff])),
        ];
        let unfit = |value: &Value<'_>| *value != Value::Integer(5);
        let sql = "SELECT t.\"a?\"\"b\" > ?, '?''?', ? < ?, ?";
        let (text, left) = spelled_out(sql, &params, unfit);
        assert_eq!(
            text,
            "SELECT t.\"a?\"\"b\" > -9e999, '?''?', ? < 9223372036854775807, CAST(X'ff' AS TEXT)"
        );
        assert_eq!(left, [&Value::Integer(5)]);
    }

    #[test]
    fn what_can_be_bound_is_left_as_it_is() {
        let params = [Value::Real(1.0)];
        let (text, left) = spelled_out("SELECT ?1, ?1", &params, |_| false);
        assert_eq!((&*text, left.len()), ("SELECT ?1, ?1", 1));
        let mut out = String::new();
        write_literal(&Value::Real(1e300), &mut out);
        assert_eq!(out, "1e300");
    }
}
