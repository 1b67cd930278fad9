//! Labels of time buckets: `2025-01-05T10`, `2025-W01`, `2025-Q1`.

use crate::json::{MICROS_PER_DAY, Out, civil_from_days, days_from_civil};
use crate::options::TimeUnit;

const MILLIS_PER_DAY: i64 = MICROS_PER_DAY / 1000;

/// Writes the label of the bucket that an instant, given in milliseconds since 1970 UTC, falls into. Years are
/// not padded, as in the official runner.
pub fn write_time_label(out: &mut impl Out, unit: TimeUnit, millis: i64) {
    let days = millis.div_euclid(MILLIS_PER_DAY);
    let minutes = millis.rem_euclid(MILLIS_PER_DAY) / 60_000;
    let (hour, minute) = (minutes / 60, minutes % 60);
    let (year, month, day) = civil_from_days(days);
    out.push_str(&match unit {
        TimeUnit::Minute => format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}"),
        TimeUnit::Hour => format!("{year}-{month:02}-{day:02}T{hour:02}"),
        TimeUnit::Day => format!("{year}-{month:02}-{day:02}"),
        TimeUnit::Week => {
            let (year, week) = iso_week(days);
            format!("{year}-W{week:02}")
        }
        TimeUnit::Month => format!("{year}-{month:02}"),
        TimeUnit::Quarter => format!("{year}-Q{}", month.div_ceil(3)),
        TimeUnit::Year => format!("{year}"),
    });
}

/// The ISO year and week of a day: those of its week's Thursday.
fn iso_week(days: i64) -> (i64, i64) {
    // 1 January 1970 was a Thursday.
    let thursday = days - (days + 3).rem_euclid(7) + 3;
    let (year, _, _) = civil_from_days(thursday);
    (year, (thursday - days_from_civil(year, 1)) / 7 + 1)
}
