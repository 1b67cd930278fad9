//! Points in time as jobs write them.

use crate::json::days_from_civil;

/// Milliseconds since 1970 of a text that is exactly `YYYY-MM-DDTHH:MM:SS`, with a fraction and a zone or without;
/// without a zone it is UTC.
pub fn parse_instant(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once('T')?;
    let day = parse_day(date)?;
    let (time, rest) = rest.split_at_checked(8)?;
    let (hour, minute, second) = (two(time, 0)?, two(time, 3)?, two(time, 6)?);
    let separators = [time.as_bytes().get(2), time.as_bytes().get(5)];
    if separators != [Some(&b':'); 2] || minute > 59 || second > 59 {
        return None;
    }
    // Midnight may be told as the end of a day.
    if hour > 24 || (hour == 24 && minute + second > 0) {
        return None;
    }
    let (millis, zone) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(rest) => {
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            let (digits, zone) = rest.split_at_checked(end)?;
            if digits.is_empty() {
                return None;
            }
            let millis = digits.bytes().chain([b'0', b'0']).take(3);
            (
                millis.fold(0, |n, digit| n * 10 + i64::from(digit - b'0')),
                zone,
            )
        }
    };
    let seconds = day * 86_400 + hour * 3600 + minute * 60 + second - parse_zone(zone)?;
    seconds.checked_mul(1000)?.checked_add(millis)
}

/// As [`parse_instant`], and a date alone is its midnight.
pub fn parse_since(text: &str) -> Option<i64> {
    parse_instant(text).or_else(|| Some(parse_day(text)? * 86_400_000))
}

/// Days since 1970 of `YYYY-MM-DD`.
fn parse_day(text: &str) -> Option<i64> {
    let bytes: &[u8; 10] = text.as_bytes().try_into().ok()?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = bytes else {
        return None;
    };
    let number = |digits: &[&u8]| {
        digits.iter().try_fold(0, |n: i64, digit| {
            digit
                .is_ascii_digit()
                .then(|| n * 10 + i64::from(**digit - b'0'))
        })
    };
    let (year, month, day) = (
        number(&[y1, y2, y3, y4])?,
        number(&[m1, m2])?,
        number(&[d1, d2])?,
    );
    let first = days_from_civil(year, month);
    let next = match month {
        12 => days_from_civil(year + 1, 1),
        _ => days_from_civil(year, month + 1),
    };
    ((1..=12).contains(&month) && day >= 1 && day <= next - first).then_some(first + day - 1)
}

/// Seconds by which a zone is ahead of UTC.
fn parse_zone(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "Z") {
        return Some(0);
    }
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let digits = rest.replacen(':', "", usize::from(rest.len() == 5));
    let (hours, minutes) = (two(&digits, 0)?, two(&digits, 2)?);
    (digits.len() == 4 && hours < 24 && minutes < 60)
        .then_some(sign * (hours * 3600 + minutes * 60))
}

fn two(text: &str, at: usize) -> Option<i64> {
    let digits = text.get(at..at + 2)?;
    digits
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_form_is_an_instant() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T00:00:00", Some(0)),
            ("1970-01-01T00:00:00.1239Z", Some(123)),
            ("1970-01-01T00:00:00.5Z", Some(500)),
            ("1970-01-01T02:00:00.000+02:00", Some(0)),
            ("1969-12-31T22:30:00-0130", Some(0)),
            ("2024-02-29T12:34:56.789Z", Some(1_709_210_096_789)),
            ("1970-01-01T24:00:00Z", Some(86_400_000)),
            ("2023-02-29T00:00:00Z", None),
            ("1970-13-01T00:00:00Z", None),
            ("1970-01-01T25:00:00Z", None),
            ("1970-01-01T00:60:00Z", None),
            ("1970-01-01T00:00:00.Z", None),
            ("1970-01-01T00:00:00+2:00", None),
            ("1970-01-01T00:00:00z", None),
            ("1970-01-01 00:00:00Z", None),
            ("1970-01-01T00:00Z", None),
            ("1970-01-01", None),
            ("+1970-01-01T00:00:00Z", None),
            ("", None),
        ] {
            assert_eq!(parse_instant(text), millis, "{text}");
        }
        assert_eq!(parse_since("1970-01-02"), Some(86_400_000));
        assert_eq!(parse_since("x"), None);
    }
}
