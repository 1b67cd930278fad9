//! Labels of time buckets: `2025-01-05T10`, `2025-W01`, `2025-Q1`.

use std::fmt::Write;

use crate::json::{MAX_MICROS, MICROS_PER_DAY, Text, civil_from_days, days_from_civil};
use crate::options::TimeUnit;

/// Writes the label of the bucket that begins at an instant given in microseconds since 1970 UTC; `null` for
/// what no JavaScript `Date` can hold. Years are not padded, as in the official runner.
pub fn write_time_label(out: &mut Text, unit: TimeUnit, micros: i64) {
    if !(-MAX_MICROS..=MAX_MICROS).contains(&micros) {
        out.push_str("null");
        return;
    }
    let days = micros.div_euclid(MICROS_PER_DAY);
    let minutes = micros.rem_euclid(MICROS_PER_DAY) / 60_000_000;
    let (hour, minute) = (minutes / 60, minutes % 60);
    let (year, month, day) = civil_from_days(days);
    out.push('"');
    // Writing to a String cannot fail.
    let _ = match unit {
        TimeUnit::Minute => write!(out, "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}"),
        TimeUnit::Hour => write!(out, "{year}-{month:02}-{day:02}T{hour:02}"),
        TimeUnit::Day => write!(out, "{year}-{month:02}-{day:02}"),
        TimeUnit::Week => {
            let (year, week) = iso_week(in_javascript(days, year));
            write!(out, "{year}-W{week:02}")
        }
        TimeUnit::Month => write!(out, "{year}-{month:02}"),
        TimeUnit::Quarter => write!(out, "{year}-Q{}", month.div_ceil(3)),
        TimeUnit::Year => write!(out, "{year}"),
    };
    out.push('"');
}

/// `Date.UTC` takes the years 0 to 99 for those of the twentieth century, and the official labels of weeks
/// are made with it.
fn in_javascript(days: i64, year: i64) -> i64 {
    if !(0..=99).contains(&year) {
        return days;
    }
    let (_, month, day) = civil_from_days(days);
    days_from_civil(year + 1900, month.into()) + i64::from(day) - 1
}

/// The ISO year and week of a day: those of its week's Thursday.
fn iso_week(days: i64) -> (i64, i64) {
    // 1 January 1970 was a Thursday.
    let thursday = days - (days + 3).rem_euclid(7) + 3;
    let (year, _, _) = civil_from_days(thursday);
    (year, (thursday - days_from_civil(year, 1)) / 7 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days_of(year: i64, month: i64, day: i64) -> i64 {
        days_from_civil(year, month) + day - 1
    }

    fn label(unit: TimeUnit, days: i64) -> String {
        let mut out = Text::new();
        write_time_label(&mut out, unit, days * MICROS_PER_DAY + 37_815_000_000);
        out.into_string()
    }

    #[test]
    fn every_unit_has_its_form() {
        let day = days_of(2025, 1, 5);
        for (unit, text) in [
            (TimeUnit::Minute, "\"2025-01-05T10:30\""),
            (TimeUnit::Hour, "\"2025-01-05T10\""),
            (TimeUnit::Day, "\"2025-01-05\""),
            (TimeUnit::Week, "\"2025-W01\""),
            (TimeUnit::Month, "\"2025-01\""),
            (TimeUnit::Quarter, "\"2025-Q1\""),
            (TimeUnit::Year, "\"2025\""),
        ] {
            assert_eq!(label(unit, day), text);
        }
        assert_eq!(label(TimeUnit::Day, days_of(-43, 3, 15)), "\"-43-03-15\"");
        assert_eq!(label(TimeUnit::Day, i64::MAX / MICROS_PER_DAY - 1), "null");
    }

    #[test]
    fn weeks_are_of_the_iso_year() {
        for ((year, month, day), text) in [
            ((2024, 12, 29), "\"2024-W52\""),
            ((2024, 12, 30), "\"2025-W01\""),
            ((2021, 1, 3), "\"2020-W53\""),
            ((2016, 1, 3), "\"2015-W53\""),
            ((1970, 1, 1), "\"1970-W01\""),
            ((99, 12, 28), "\"1999-W52\""),
        ] {
            assert_eq!(label(TimeUnit::Week, days_of(year, month, day)), text);
        }
    }
}
