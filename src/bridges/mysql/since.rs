//! `changedSince`: an instant as ISO text, compared with whatever the tracking column holds.

use super::dialect::MYSQL;
use super::time::DateTime;
use crate::sql::{Bound, Dialect};

/// The condition for rows whose tracking column is later than `since`. What is no instant is compared as
/// the text it is, loosely, as the official bridges do.
pub(super) fn later_than(column: &str, data_type: &str, since: &str) -> Bound {
    let column = (&MYSQL as &dyn Dialect).column(column);
    let instant = instant(since).map(|moment| moment.text(false, 6));
    let is_text = matches!(
        data_type,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext"
    );
    let before = if instant.is_some() && is_text {
        // Text that is a time, in whatever form, is compared as one; any other text as text.
        format!("COALESCE(CAST({column} AS DATETIME(6)), {column}) > ")
    } else {
        format!("{column} > ")
    };
    Bound {
        before,
        value: instant.unwrap_or_else(|| since.to_owned()).into(),
        after: String::new(),
    }
}

/// Reads an ISO 8601 date or instant, with any offset, as a time in UTC.
fn instant(text: &str) -> Option<DateTime> {
    let (date, clock) = match text.split_once(['T', ' ']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4)?;
    let month = number(parts.next()?, 2).filter(|month| (1..=12).contains(month))?;
    let day = number(parts.next()?, 2).filter(|day| (1..=31).contains(day))?;
    if parts.next().is_some() {
        return None;
    }
    let (micros_of_day, offset) = match clock {
        Some(clock) => of_day(clock)?,
        None => (0, 0),
    };
    DateTime::of_micros(DateTime::days(year, month, day) * 86_400_000_000 + micros_of_day - offset)
}

/// Microseconds since midnight, and the offset from UTC in microseconds.
fn of_day(clock: &str) -> Option<(i64, i64)> {
    let zone_at = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at_checked(zone_at)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = clock.split(':');
    let hour = number(parts.next()?, 2).filter(|hour| *hour < 24)?;
    let minute = number(parts.next()?, 2).filter(|minute| *minute < 60)?;
    let second = match parts.next() {
        Some(second) => number(second, 2).filter(|second| *second < 60)?,
        None => 0,
    };
    if parts.next().is_some() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let micros = ((hour * 60 + minute) * 60 + second) * 1_000_000 + digits.parse::<i64>().ok()?;
    Some((micros, offset(zone)? * 60_000_000))
}

/// Minutes east of UTC.
fn offset(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.split_at_checked(1) {
        None => return Some(0),
        Some(("Z" | "z", "")) => return Some(0),
        Some(("+", digits)) => (1, digits),
        Some(("-", digits)) => (-1, digits),
        Some(_) => return None,
    };
    let plain = digits.replace(':', "");
    let (hours, minutes) = plain.split_at_checked(2)?;
    let minutes = if minutes.is_empty() { "00" } else { minutes };
    Some(sign * (number(hours, 2)? * 60 + number(minutes, 2)?))
}

fn number(digits: &str, length: usize) -> Option<i64> {
    (digits.len() == length && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(given: &str) -> Option<String> {
        instant(given).map(|moment| moment.text(false, 6))
    }

    #[test]
    fn instants_become_utc() {
        for (given, want) in [
            ("2025-03-01T00:00:00.000Z", "2025-03-01 00:00:00.000000"),
            ("2025-03-01", "2025-03-01 00:00:00.000000"),
            ("2025-03-01T12:30", "2025-03-01 12:30:00.000000"),
            ("2025-03-01 12:30:01.5", "2025-03-01 12:30:01.500000"),
            (
                "2025-01-01T00:30:00.123456789+01:00",
                "2024-12-31 23:30:00.123456",
            ),
            ("2024-02-29T23:30:00-0130", "2024-03-01 01:00:00.000000"),
        ] {
            assert_eq!(text(given).as_deref(), Some(want), "{given}");
        }
        for given in [
            "",
            "abc",
            "2025-3-1",
            "2025-13-01",
            "2025-01-01T",
            "2025-01-01T25:00Z",
            "2025-01-01T00:00X",
            "2025-01-01T00:00+1",
            "20250101",
            "2025-01-01T00:00:00.x",
            "é-01-01",
            "2025-01-01Té",
        ] {
            assert_eq!(text(given), None, "{given}");
        }
    }

    #[test]
    fn the_condition_follows_the_columns_type() {
        let bound = later_than("u", "datetime", "2025-03-01T00:00:00Z");
        assert_eq!(bound.before, "t.`u` > ");
        assert_eq!(bound.value, "2025-03-01 00:00:00.000000");
        let bound = later_than("u", "varchar", "2025-03-01T00:00:00Z");
        assert_eq!(
            bound.before,
            "COALESCE(CAST(t.`u` AS DATETIME(6)), t.`u`) > "
        );
        let bound = later_than("u", "varchar", "soon");
        assert_eq!(
            (bound.before.as_str(), bound.value),
            ("t.`u` > ", "soon".into())
        );
    }
}
