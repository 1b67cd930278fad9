//! Texts that are dates to JavaScript.

use crate::json::legacy_date::legacy_date_millis;
use crate::json::{MAX_MICROS, MICROS_PER_DAY, days_from_civil};

const MILLIS_PER_DAY: i64 = MICROS_PER_DAY / 1000;

/// Milliseconds since 1970 of a text that is a date to JavaScript, in one of the forms of ISO 8601 that
/// `Date.parse` documents or any other that V8 takes. Without an offset it is UTC.
pub fn js_date_millis(text: &str) -> Option<i64> {
    // The one year that its sign makes none.
    if text.starts_with("-000000") {
        return None;
    }
    let millis = iso_millis(text).or_else(|| legacy_date_millis(text))?;
    (millis.abs() <= MAX_MICROS / 1000).then_some(millis)
}

/// A year, a month or a day, perhaps with a time and an offset. Days that a short month has not are of the
/// next one.
fn iso_millis(text: &str) -> Option<i64> {
    let mut rest = text;
    let year = match text.as_bytes().first()? {
        sign @ (b'+' | b'-') => {
            rest = text.get(1..)?;
            let year = digits(&mut rest, 6)?;
            if *sign == b'-' { -year } else { year }
        }
        _ => digits(&mut rest, 4)?,
    };
    let mut month = 1;
    let mut day = 1;
    let mut time = 0;
    if skip(&mut rest, '-') {
        month = within(digits(&mut rest, 2)?, 1, 12)?;
        if skip(&mut rest, '-') {
            day = within(digits(&mut rest, 2)?, 1, 31)?;
        }
    }
    if skip(&mut rest, 'T') || skip(&mut rest, 't') {
        time = time_of_day(&mut rest)?;
    }
    if !rest.is_empty() {
        return None;
    }
    let days = days_from_civil(year, month) + day - 1;
    Some(days * MILLIS_PER_DAY + time)
}

/// Milliseconds since midnight in UTC.
fn time_of_day(rest: &mut &str) -> Option<i64> {
    let hour = within(digits(rest, 2)?, 0, 24)?;
    if !skip(rest, ':') {
        return None;
    }
    let minute = within(digits(rest, 2)?, 0, 59)?;
    let mut second = 0;
    let mut milli = 0;
    if skip(rest, ':') {
        second = within(digits(rest, 2)?, 0, 59)?;
        if skip(rest, '.') {
            let count = rest.bytes().take_while(u8::is_ascii_digit).count();
            let fraction = rest.get(..count).filter(|digits| !digits.is_empty())?;
            *rest = rest.get(count..)?;
            let mut places = fraction.bytes().chain([b'0', b'0', b'0']).take(3);
            milli = places.try_fold(0, |milli, digit| {
                Some(milli * 10 + i64::from(digit.checked_sub(b'0')?))
            })?;
        }
    }
    if hour == 24 && (minute, second, milli) != (0, 0, 0) {
        return None;
    }
    let offset = if skip(rest, 'Z') || skip(rest, 'z') || rest.is_empty() {
        0
    } else {
        let sign = if skip(rest, '-') {
            -1
        } else if skip(rest, '+') {
            1
        } else {
            return None;
        };
        let hours = within(digits(rest, 2)?, 0, 23)?;
        skip(rest, ':');
        let minutes = within(digits(rest, 2)?, 0, 59)?;
        sign * (hours * 60 + minutes)
    };
    Some(((hour * 60 + minute - offset) * 60 + second) * 1000 + milli)
}

fn digits(rest: &mut &str, count: usize) -> Option<i64> {
    let text = rest.get(..count)?;
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    *rest = rest.get(count..)?;
    text.parse().ok()
}

fn within(number: i64, least: i64, most: i64) -> Option<i64> {
    (least..=most).contains(&number).then_some(number)
}

fn skip(rest: &mut &str, c: char) -> bool {
    match rest.strip_prefix(c) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What V8 says to each.
    #[test]
    fn dates_are_read() {
        for (text, millis) in [
            ("1970", Some(0)),
            ("1970-02", Some(2_678_400_000)),
            ("2024-02-29T12:34:56.789Z", Some(1_709_210_096_789)),
            ("1969-12-31T22:30:00-01:30", Some(0)),
            ("-000043-03-22T12:00:00.000Z", Some(-63_517_176_000_000)),
            ("+275760-09-13T00:00:00.000Z", Some(8_640_000_000_000_000)),
            ("+275760-09-13T00:00:00.001Z", None),
            ("Mar 10, 2024", Some(1_710_028_800_000)),
            (" 2024-03-10", Some(1_710_028_800_000)),
            ("", None),
            ("-000000", None),
            ("32 Mar", Some(1_961_712_000_000)),
            ("x", None),
            ("never", None),
            ("13", None),
            ("2024-03-10T02", None),
            ("1 2 3 4", None),
            ("10 Mar 2024 x", None),
            ("x10", None),
            ("2024-03-10 25:00", None),
            ("2024-03-10 10:60", None),
            ("13:00 pm 3/1/2024", None),
            ("3/1/2024 10:00 GMT+12345", None),
            ("0", Some(946_684_800_000)),
            ("😀", None),
            ("1:2:3:4:5:6", None),
            ("2024-03-10 02:30:00.5", Some(1_710_037_800_500)),
            ("10-Mar-2024 12:00 am EST", Some(1_710_046_800_000)),
            (
                "Sun Mar 10 2024 02:30:00 GMT-08:30 (Pacific (x))",
                Some(1_710_068_400_000),
            ),
            ("2024-03-10 24:00", Some(1_710_115_200_000)),
            ("1970-01-01T24:00:01", None),
            ("1970-01-01T00:60", None),
            ("1970-01-01T00", None),
            ("1970-01-01T00:00:00.", None),
            ("1970-01-01T00:00:00X", None),
            ("1970-01-01T02:00+02", None),
            ("1970-01-01 02:00+02", Some(0)),
            ("1970-13", None),
            ("1970-00", None),
            ("1970-01-32", None),
            ("1970-01T00:00", Some(0)),
            ("yesterday", None),
            ("é970", None),
            ("19", None),
            ("2024-02-29 12:34:56.7", Some(1_709_210_096_700)),
            ("1970-01-01T00:00:00+0x:00", None),
            ("999999999 1 1", None),
            ("1970-01-01T24:00:00", Some(86_400_000)),
            ("2023-02-31", Some(1_677_801_600_000)),
            ("-000001-01-01", Some(-62_198_755_200_000)),
            ("2024-02-29T12:34:56.7899", Some(1_709_210_096_789)),
            ("May 5", Some(989_020_800_000)),
            ("Tue May 5, 2020 at 5", None),
            (
                "2020-05-05T10:00:00.123456789+05:30",
                Some(1_588_653_000_123),
            ),
            ("2020-05-05 10:00:00.123456 UTC", Some(1_588_672_800_123)),
            ("5/5/2020, 10:00:00 PM", Some(1_588_716_000_000)),
            ("20200505", None),
            ("2020-05-05T10:00:00-0800", Some(1_588_701_600_000)),
        ] {
            assert_eq!(js_date_millis(text), millis, "{text}");
        }
        assert_eq!(js_date_millis(&"9".repeat(100)), None);
    }
}
