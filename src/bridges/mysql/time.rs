//! Dates of the server as the instants that the official drivers make of them, accidents included: both hand
//! the server's text to JavaScript, in a process whose time zone is UTC.

use std::fmt::Write;

use mysql::Value;

use super::layout::shown_decimals;
use crate::json::{Text, civil_from_days, days_from_civil, write_timestamp};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A DATE, DATETIME or TIMESTAMP as it is stored: parts may be zero, and a day may not exist in its month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DateTime {
    pub(super) year: u16,
    pub(super) month: u8,
    pub(super) day: u8,
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) second: u8,
    pub(super) micros: u32,
}

impl DateTime {
    /// The date and time that a value of the driver is; the zero date for any other value.
    pub(super) fn of(value: &Value) -> Self {
        let (year, month, day, hour, minute, second, micros) = match value {
            Value::Date(year, month, day, hour, minute, second, micros) => {
                (*year, *month, *day, *hour, *minute, *second, *micros)
            }
            _ => (0, 0, 0, 0, 0, 0, 0),
        };
        Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            micros,
        }
    }

    /// Days from 1970 to a date.
    pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
        days_from_civil(year, month) + day - 1
    }

    /// The date and time so many microseconds after 1970; `None` outside the years 0 to 9999.
    pub(super) fn of_micros(micros: i64) -> Option<Self> {
        let day = SECONDS_PER_DAY * MICROS_PER_SECOND;
        let (year, month, day_of_month) = civil_from_days(micros.div_euclid(day));
        let rest = micros.rem_euclid(day);
        let seconds = rest / MICROS_PER_SECOND;
        Some(Self {
            year: u16::try_from(year).ok().filter(|year| *year <= 9999)?,
            month: u8::try_from(month).ok()?,
            day: u8::try_from(day_of_month).ok()?,
            hour: u8::try_from(seconds / 3600).ok()?,
            minute: u8::try_from(seconds / 60 % 60).ok()?,
            second: u8::try_from(seconds % 60).ok()?,
            micros: u32::try_from(rest % MICROS_PER_SECOND).ok()?,
        })
    }

    /// The server's text: `2024-02-29` or `2024-02-29 12:34:56.789`.
    pub(super) fn text(self, date_only: bool, decimals: usize) -> String {
        let mut text = Text::new();
        self.push_text(&mut text, date_only, decimals);
        text.into_string()
    }

    /// Appends the server's text.
    pub(super) fn push_text(self, text: &mut Text, date_only: bool, decimals: usize) {
        let _ = write!(text, "{:04}-{:02}-{:02}", self.year, self.month, self.day);
        if !date_only {
            let _ = write!(
                text,
                " {:02}:{:02}:{:02}",
                self.hour, self.minute, self.second
            );
            push_fraction(text, self.micros, decimals);
        }
    }
}

/// A TIME as the server prints it: `-838:59:59.000000`. Empty for any other value.
pub(super) fn time_text(value: &Value, decimals: u8) -> String {
    let mut text = Text::new();
    push_time(&mut text, value, decimals);
    text.into_string()
}

/// Appends a TIME as the server prints it.
pub(super) fn push_time(text: &mut Text, value: &Value, decimals: u8) {
    let Value::Time(negative, days, hours, minutes, seconds, micros) = value else {
        return;
    };
    let hours = u64::from(*days) * 24 + u64::from(*hours);
    let sign = if *negative { "-" } else { "" };
    let _ = write!(text, "{sign}{hours:02}:{minutes:02}:{seconds:02}");
    push_fraction(text, *micros, shown_decimals(decimals, *micros));
}

/// Appends `.` and the first `decimals` digits of a second's microseconds.
fn push_fraction(text: &mut Text, micros: u32, decimals: usize) {
    if decimals > 0 {
        text.push('.');
        let start = text.len();
        let _ = write!(text, "{micros:06}");
        text.truncate(start + decimals.min(6));
    }
}

/// Writes a DATE as `new Date(year, month - 1, day)` has it: parts that are zero run over into the month or
/// year before, and years below 100 belong to the twentieth century.
pub(super) fn write_date_of(out: &mut Text, date: DateTime, zero_is_null: bool) {
    match date_micros(date, zero_is_null) {
        Some(micros) => write_timestamp(out, micros),
        None => out.push_str("null"),
    }
}

/// The instant of [`write_date_of`].
pub(super) fn date_micros(date: DateTime, zero_is_null: bool) -> Option<i64> {
    if zero_is_null && date.year == 0 && date.month == 0 && date.day == 0 {
        return None;
    }
    let year = match i64::from(date.year) {
        short @ 0..=99 => 1900 + short,
        year => year,
    };
    Some(micros(year, date, 0))
}

/// Writes a DATETIME or TIMESTAMP as `new Date(text)` has it: months and days that are zero are no date,
/// and years below 100 are those of the decades around 2000.
pub(super) fn write_instant(out: &mut Text, moment: DateTime) {
    match instant_micros(moment) {
        Some(micros) => write_timestamp(out, micros),
        None => out.push_str("null"),
    }
}

/// The instant of [`write_instant`].
pub(super) fn instant_micros(moment: DateTime) -> Option<i64> {
    if !(1..=12).contains(&moment.month) || !(1..=31).contains(&moment.day) {
        return None;
    }
    let year = match i64::from(moment.year) {
        short @ 0..=49 => 2000 + short,
        short @ 50..=99 => 1900 + short,
        year => year,
    };
    let seconds =
        i64::from(moment.hour) * 3600 + i64::from(moment.minute) * 60 + i64::from(moment.second);
    let clock = seconds * MICROS_PER_SECOND + i64::from(moment.micros);
    Some(micros(year, moment, clock))
}

/// Microseconds since 1970 of a day, which may lie outside its month, plus `clock`.
fn micros(year: i64, date: DateTime, clock: i64) -> i64 {
    let months = year * 12 + i64::from(date.month) - 1;
    let first = days_from_civil(months.div_euclid(12), months.rem_euclid(12) + 1);
    (first + i64::from(date.day) - 1) * SECONDS_PER_DAY * MICROS_PER_SECOND + clock
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(year: u16, month: u8, day: u8) -> DateTime {
        DateTime {
            year,
            month,
            day,
            hour: 1,
            minute: 2,
            second: 3,
            micros: 4_999,
        }
    }

    fn date(year: u16, month: u8, day: u8) -> String {
        let mut out = Text::new();
        write_date_of(&mut out, moment(year, month, day), false);
        out.into_string()
    }

    fn instant(year: u16, month: u8, day: u8) -> String {
        let mut out = Text::new();
        write_instant(&mut out, moment(year, month, day));
        out.into_string()
    }

    #[test]
    fn dates_run_over() {
        for (given, want) in [
            ((2024, 2, 29), "\"2024-02-29T00:00:00.000Z\""),
            ((9999, 12, 31), "\"9999-12-31T00:00:00.000Z\""),
            ((1970, 1, 1), "\"1970-01-01T00:00:00.000Z\""),
            ((1, 1, 1), "\"1901-01-01T00:00:00.000Z\""),
            ((100, 1, 1), "\"0100-01-01T00:00:00.000Z\""),
            ((0, 0, 0), "\"1899-11-30T00:00:00.000Z\""),
            ((2024, 0, 0), "\"2023-11-30T00:00:00.000Z\""),
            ((2023, 2, 31), "\"2023-03-03T00:00:00.000Z\""),
        ] {
            assert_eq!(date(given.0, given.1, given.2), want);
        }
        let mut out = Text::new();
        write_date_of(&mut out, moment(0, 0, 0), true);
        write_date_of(&mut out, moment(2024, 0, 0), true);
        assert_eq!(out.as_str(), "null\"2023-11-30T00:00:00.000Z\"");
    }

    #[test]
    fn instants_do_not() {
        for (given, want) in [
            ((2024, 2, 29), "\"2024-02-29T01:02:03.004Z\""),
            ((1000, 1, 1), "\"1000-01-01T01:02:03.004Z\""),
            ((0, 5, 6), "\"2000-05-06T01:02:03.004Z\""),
            ((1, 1, 1), "\"2001-01-01T01:02:03.004Z\""),
            ((99, 12, 31), "\"1999-12-31T01:02:03.004Z\""),
            ((0, 0, 0), "null"),
            ((2024, 5, 0), "null"),
            ((2024, 0, 5), "null"),
        ] {
            assert_eq!(instant(given.0, given.1, given.2), want);
        }
    }

    #[test]
    fn the_servers_text() {
        let value = moment(24, 2, 9);
        assert_eq!(value.text(true, 0), "0024-02-09");
        assert_eq!(value.text(false, 0), "0024-02-09 01:02:03");
        assert_eq!(value.text(false, 6), "0024-02-09 01:02:03.004999");
        assert_eq!(value.text(false, 3), "0024-02-09 01:02:03.004");
    }
}
