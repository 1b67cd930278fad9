//! Labels of time buckets: `2025-01-05T10`, `2025-W01`, `2025-Q1`.

use crate::json::{MAX_MICROS, MICROS_PER_DAY, Text, civil_from_days, days_from_civil};
use crate::options::TimeUnit;
use crate::reducer;

/// Writes the label of the bucket that begins at an instant given in microseconds since 1970 UTC; `null` for
/// what no JavaScript `Date` can hold. Years are not padded, as in the official runner.
pub fn write_time_label(out: &mut Text, unit: TimeUnit, micros: i64) {
    if !(-MAX_MICROS..=MAX_MICROS).contains(&micros) {
        out.push_str("null");
        return;
    }
    let shifted = match unit {
        TimeUnit::Week => in_javascript(micros),
        _ => micros,
    };
    out.push('"');
    reducer::write_time_label(out, unit, shifted.div_euclid(1000));
    out.push('"');
}

/// `Date.UTC` takes the years 0 to 99 for those of the twentieth century, and the official labels of weeks
/// are made with it.
fn in_javascript(micros: i64) -> i64 {
    let (year, month, day) = civil_from_days(micros.div_euclid(MICROS_PER_DAY));
    if !(0..=99).contains(&year) {
        return micros;
    }
    let days = days_from_civil(year + 1900, month.into()) + i64::from(day) - 1;
    days * MICROS_PER_DAY + micros.rem_euclid(MICROS_PER_DAY)
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
