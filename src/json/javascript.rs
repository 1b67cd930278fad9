//! What JavaScript makes of a value where it wants a string or a number. The keys of `top_k` and the numbers
//! of measures are made that way in the official runner.

use crate::json::Out;

use serde_json::Value;

use crate::json::{MAX_MICROS, MICROS_PER_DAY, civil_from_days, number_text, write_f64};

/// A JSON value as `String(x)` has it: lists joined by commas, objects without a word about what is in them.
/// Integers are exact.
pub fn js_string(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number_text(number),
        Value::Array(items) => {
            let items: Vec<_> = items
                .iter()
                .map(|item| match item {
                    Value::Null => String::new(),
                    item => js_string(item),
                })
                .collect();
            items.join(",")
        }
        Value::Object(_) => "[object Object]".to_owned(),
    }
}

/// An instant in microseconds since 1970 as `String(date)` has it in UTC, to the second.
pub fn js_date_text(micros: i64) -> String {
    if !(-MAX_MICROS..=MAX_MICROS).contains(&micros) {
        return "Invalid Date".to_owned();
    }
    let days = micros.div_euclid(MICROS_PER_DAY);
    let seconds = micros.rem_euclid(MICROS_PER_DAY) / 1_000_000;
    let (year, month, day) = civil_from_days(days);
    // 1 January 1970 was a Thursday.
    let weekday = match days.rem_euclid(7) {
        0 => "Thu",
        1 => "Fri",
        2 => "Sat",
        3 => "Sun",
        4 => "Mon",
        5 => "Tue",
        _ => "Wed",
    };
    let month = match month {
        1 => "Jan",
        2 => "Feb",
        3 => "Mar",
        4 => "Apr",
        5 => "May",
        6 => "Jun",
        7 => "Jul",
        8 => "Aug",
        9 => "Sep",
        10 => "Oct",
        11 => "Nov",
        _ => "Dec",
    };
    let sign = if year < 0 { "-" } else { "" };
    format!(
        "{weekday} {month} {day:02} {sign}{:04} {:02}:{:02}:{:02} GMT+0000 (Coordinated Universal Time)",
        year.unsigned_abs(),
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Writes a text as `Number(text)` has it: empty is zero, what is no finite number is `null`. Integers are
/// exact, however long.
pub fn write_number_of_text(out: &mut impl Out, text: &str) {
    let text = trimmed(text);
    if let Some(digits) = integer_digits(text)
        && text.parse::<f64>().is_ok_and(f64::is_finite)
    {
        if text.starts_with('-') && digits != "0" {
            out.push('-');
        }
        out.push_str(digits);
        return;
    }
    write_f64(out, js_number_of(text));
}

/// A text as `Number(text)` has it: empty is zero, what is no number is NaN.
pub fn js_number_of(text: &str) -> f64 {
    number_of_text(trimmed(text))
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// The digits of a decimal integer, without its sign and leading zeros.
fn integer_digits(text: &str) -> Option<&str> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    Some(if significant.is_empty() {
        "0"
    } else {
        significant
    })
}

fn number_of_text(text: &str) -> f64 {
    if text.is_empty() {
        return 0.0;
    }
    for (prefix, radix) in [
        ("0x", 16),
        ("0X", 16),
        ("0o", 8),
        ("0O", 8),
        ("0b", 2),
        ("0B", 2),
    ] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let value = digits.chars().try_fold(0.0, |value: f64, c| {
                c.to_digit(radix)
                    .map(|digit| value * f64::from(radix) + f64::from(digit))
            });
            return value.filter(|_| !digits.is_empty()).unwrap_or(f64::NAN);
        }
    }
    match text {
        "Infinity" | "+Infinity" => return f64::INFINITY,
        "-Infinity" => return f64::NEG_INFINITY,
        _ => {}
    }
    // Rust also reads words such as "inf" and "nan".
    if text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-' | b'e' | b'E'))
    {
        text.parse().unwrap_or(f64::NAN)
    } else {
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn strings_are_what_javascript_makes_of_values() {
        for (value, text) in [
            (json!(null), "null"),
            (json!(true), "true"),
            (json!(1e21), "1e+21"),
            (json!(2.50), "2.5"),
            (json!(9007199254740993_i64), "9007199254740993"),
            (json!(["a", null, [1, 2]]), "a,,1,2"),
            (json!({"a": 1}), "[object Object]"),
            (json!([]), ""),
        ] {
            assert_eq!(js_string(&value), text);
        }
    }

    #[test]
    fn dates_are_told_at_length() {
        assert_eq!(
            js_date_text(1_709_210_096_789_999),
            "Thu Feb 29 2024 12:34:56 GMT+0000 (Coordinated Universal Time)"
        );
        assert_eq!(
            js_date_text(-1),
            "Wed Dec 31 1969 23:59:59 GMT+0000 (Coordinated Universal Time)"
        );
        assert_eq!(js_date_text(i64::MAX), "Invalid Date");
    }

    #[test]
    fn numbers_are_what_javascript_makes_of_texts() {
        for (text, number) in [
            ("", "0"),
            (" \t12.50\n", "12.5"),
            ("-0", "0"),
            ("+007", "7"),
            ("-9223372036854775809", "-9223372036854775809"),
            ("18014398509481984.0000", "18014398509481984"),
            ("1e3", "1000"),
            (".5", "0.5"),
            ("5.", "5"),
            ("0x1F", "31"),
            ("0b", "null"),
            ("1_000", "null"),
            ("inf", "null"),
            ("Infinity", "null"),
            ("NaN", "null"),
            ("1e999", "null"),
            ("12 apples", "null"),
        ] {
            let mut out = String::new();
            write_number_of_text(&mut out, text);
            assert_eq!(out, number, "{text:?}");
        }
    }
}
