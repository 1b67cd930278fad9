//! Dates and times, in the form of JavaScript's `Date.toISOString()`: UTC, milliseconds, expanded years.

use crate::json::Out;

use crate::json::{two_digits, write_i64};

pub(crate) const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Largest instant a JavaScript `Date` can hold, in microseconds either side of 1970.
pub(crate) const MAX_MICROS: i64 = 8_640_000_000_000_000_000;

/// Writes an instant given in microseconds since 1970 UTC. Microseconds are cut, not rounded, toward the
/// past; what no `Date` can hold (year past 275760) is `null`.
pub fn write_timestamp(out: &mut impl Out, micros: i64) {
    if !(-MAX_MICROS..=MAX_MICROS).contains(&micros) {
        out.push_str("null");
        return;
    }
    let (days, rest) = (
        micros.div_euclid(MICROS_PER_DAY),
        micros.rem_euclid(MICROS_PER_DAY),
    );
    let (year, month, day) = civil_from_days(days);
    let millis = rest / 1000;
    out.push('"');
    if !(0..=9999).contains(&year) {
        out.push(if year < 0 { '-' } else { '+' });
        out.push_ascii(&two_digits(year.abs() / 10_000));
    }
    let year = year.abs() % 10_000;
    let [y1, y2] = two_digits(year / 100);
    let [y3, y4] = two_digits(year % 100);
    let [m1, m2] = two_digits(month.into());
    let [d1, d2] = two_digits(day.into());
    let [h1, h2] = two_digits(millis / 3_600_000);
    let [i1, i2] = two_digits(millis / 60_000 % 60);
    let [s1, s2] = two_digits(millis / 1000 % 60);
    let [f1, f2] = two_digits(millis % 1000 / 10);
    let [_, f3] = two_digits(millis % 10);
    out.push_ascii(&[
        y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2, b'.',
        f1, f2, f3, b'Z', b'"',
    ]);
}

/// Writes an instant given in microseconds since 1970 UTC as `Number(date)` has it: in milliseconds.
pub fn write_millis(out: &mut impl Out, micros: i64) {
    if (-MAX_MICROS..=MAX_MICROS).contains(&micros) {
        write_i64(out, micros.div_euclid(1000));
    } else {
        out.push_str("null");
    }
}

/// Writes a calendar date, given in days since 1970, as its midnight in UTC.
pub fn write_date(out: &mut impl Out, days: i64) {
    match days.checked_mul(MICROS_PER_DAY) {
        Some(micros) => write_timestamp(out, micros),
        None => out.push_str("null"),
    }
}

/// Days since 1970 to (year, month, day) in the proleptic Gregorian calendar (Hinnant's algorithm: years
/// begin in March so that the leap day is the last one).
pub(crate) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    // Both are in range by construction: 1..=12 and 1..=31.
    (
        year,
        u32::try_from(month).unwrap_or(1),
        u32::try_from(day).unwrap_or(1),
    )
}

/// Days from 1970 to the first of a month (Hinnant's algorithm).
pub(crate) fn days_from_civil(year: i64, month: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(micros: i64) -> String {
        let mut out = String::new();
        write_timestamp(&mut out, micros);
        out
    }

    #[test]
    fn days_and_dates_go_both_ways() {
        for days in (-1_000_000..1_000_000).step_by(997) {
            let (year, month, day) = civil_from_days(days);
            let first = days_from_civil(year, month.into());
            assert_eq!(first + i64::from(day) - 1, days);
        }
    }

    #[test]
    fn instants_read_as_iso_text() {
        assert_eq!(text(0), "\"1970-01-01T00:00:00.000Z\"");
        assert_eq!(text(1_709_210_096_789_999), "\"2024-02-29T12:34:56.789Z\"");
        assert_eq!(text(-1), "\"1969-12-31T23:59:59.999Z\"");
        assert_eq!(
            text(253_402_300_800_000_000),
            "\"+010000-01-01T00:00:00.000Z\""
        );
        assert_eq!(
            text(-63_517_176_000_000_000),
            "\"-000043-03-22T12:00:00.000Z\""
        );
        assert_eq!(text(MAX_MICROS), "\"+275760-09-13T00:00:00.000Z\"");
        assert_eq!(text(MAX_MICROS + 1000), "null");
        let mut out = String::new();
        write_millis(&mut out, -1);
        write_millis(&mut out, i64::MAX);
        assert_eq!(out, "-1null");
    }

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        for days in (-800_000..800_000).step_by(97) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(
                days_from_civil(year, month.into()) + i64::from(day) - 1,
                days
            );
        }
    }
}
