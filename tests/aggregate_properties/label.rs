//! Labels of buckets, and keys of `top_k`.

use crate::table::{Cell, Moment};

/// The label of a time bucket.
pub fn of(moment: Moment, unit: &str) -> String {
    let Moment {
        year,
        month,
        day,
        hour,
        minute,
    } = moment;
    match unit {
        "minute" => format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}"),
        "hour" => format!("{year}-{month:02}-{day:02}T{hour:02}"),
        "day" => format!("{year}-{month:02}-{day:02}"),
        "week" => week(moment),
        "month" => format!("{year}-{month:02}"),
        "quarter" => format!("{year}-Q{}", (month + 2) / 3),
        _ => format!("{year}"),
    }
}

/// A week belongs to the year its Thursday is in; counted day by day.
fn week(moment: Moment) -> String {
    let days = days_since_2018(moment.year, moment.month, moment.day);
    // 1 January 2018 was a Monday.
    let thursday = days - days % 7 + 3;
    let year = (2018..)
        .find(|year| days_since_2018(year + 1, 1, 1) > thursday)
        .unwrap();
    let week = (thursday - days_since_2018(year, 1, 1)) / 7 + 1;
    format!("{year}-W{week:02}")
}

fn days_since_2018(year: i64, month: i64, day: i64) -> i64 {
    let is_leap = |year: i64| year % 4 == 0;
    let february = if is_leap(year) { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: i64 = (2018..year)
        .map(|year| if is_leap(year) { 366 } else { 365 })
        .sum();
    years + lengths[..month as usize - 1].iter().sum::<i64>() + day - 1
}

/// The label of a numeric bucket.
pub fn span(low: f64, high: f64) -> String {
    // Negative zero is zero.
    format!("{}..{}", low + 0.0, high + 0.0)
}

/// The key of a value in a `top_k`.
pub fn key(cell: &Cell) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => text.clone(),
        Cell::Time(_) => panic!("times are not listed here"),
    }
}

/// Milliseconds since 1970.
pub fn millis(moment: Moment) -> i64 {
    // 1 January 2018 was 17,532 days after 1 January 1970.
    let days = days_since_2018(moment.year, moment.month, moment.day) + 17_532;
    ((days * 24 + moment.hour) * 60 + moment.minute) * 60_000
}
