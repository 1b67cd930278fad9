//! How MySQL is to take a text among the parameters.

/// The placeholder of a text. MySQL (not MariaDB) gives a bare placeholder the type of the column beside it,
/// or of the value it was first used with, and converts later values to it. A text becomes the number 0 that
/// way, which equals every text that is no number, and a wrong date becomes no date instead of an error.
/// `CONCAT(?)` is text whatever comes. But TIME and YEAR compare with an expression as text: what reads as a
/// number or a time keeps a bare placeholder, marked so that the statement is not shared with numbers.
pub(crate) fn text_placeholder(text: &str) -> &'static str {
    if reads_as_number(text) || reads_as_time(text) {
        "?/*text*/"
    } else {
        "CONCAT(?)"
    }
}

fn reads_as_number(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'))
        && text.parse::<f64>().is_ok()
}

/// A date that exists, a time of day or a duration, or both, as MySQL and ISO 8601 write them.
fn reads_as_time(text: &str) -> bool {
    match text.split_once([' ', 'T']) {
        Some((date, clock)) => is_date(date) && is_clock(clock.strip_suffix('Z').unwrap_or(clock)),
        None => is_date(text) || is_clock(text.strip_prefix('-').unwrap_or(text)),
    }
}

fn is_date(text: &str) -> bool {
    let mut parts = text.split('-').map(digits);
    let (Some(Some(year)), Some(Some(month)), Some(Some(day)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=9999).contains(&year) && (1..=days).contains(&day)
}

fn is_clock(text: &str) -> bool {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = clock.split(':').map(digits);
    let hours = parts.next().flatten().is_some_and(|hours| hours < 1000);
    let minutes = parts.next().flatten().is_some_and(|minutes| minutes < 60);
    let seconds = parts
        .next()
        .unwrap_or(Some(0))
        .is_some_and(|seconds| seconds < 60);
    hours && minutes && seconds && parts.next().is_none() && digits(fraction).is_some()
}

fn digits(text: &str) -> Option<u32> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_as_a_time_or_a_number_stays_a_literal() {
        for text in [
            "7",
            "-1.5e-7",
            "2024-02-29",
            "2024-02-29 12:34:56.789",
            "2024-02-29T12:34:56.000Z",
            "12:30",
            "-838:59:59.000000",
        ] {
            assert_eq!(text_placeholder(text), "?/*text*/", "{text}");
        }
    }

    #[test]
    fn everything_else_is_text() {
        for text in [
            "",
            " 7 ",
            "abc",
            "inf",
            "NaN",
            "0000-00-00",
            "2023-02-29",
            "2024-13-01",
            "2024-00-00",
            "12:60",
            "1:2:3:4",
            "a:b",
            "2024-02-29 noon",
            "é-1-1",
            "0x10",
            "-",
        ] {
            assert_eq!(text_placeholder(text), "CONCAT(?)", "{text}");
        }
    }
}
