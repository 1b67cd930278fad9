//! Days and instants that a job gives as text or as seconds.

use std::fmt;

use crate::json::{civil_from_days, days_from_civil};

use super::decimal::Decimal;

/// A day, or a point in time on some clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// Seconds since 1970 on that clock.
    pub(super) seconds: i64,
    /// Digits of what is beyond the second, without trailing zeros.
    pub(super) fraction: String,
    /// The clock is that of UTC; otherwise it is the column's.
    pub(super) utc: bool,
}

const DAY: i64 = 86_400;

impl Moment {
    /// Reads an ISO 8601 date or instant; `T` may be a space. With an offset it is in UTC.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (date, clock) = match text.split_once(['T', ' ']) {
            Some((date, clock)) => (date, Some(clock)),
            None => (text, None),
        };
        let mut parts = date.split('-');
        let mut part = |length| digits(parts.next()?, length);
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        if parts.next().is_some() || !(1..=12).contains(&month) {
            return None;
        }
        let (month, day) = (u32::try_from(month).ok()?, u32::try_from(day).ok()?);
        let days = days_from_civil(year, month.into()) + i64::from(day) - 1;
        if civil_from_days(days) != (year, month, day) {
            return None;
        }
        let midnight = days * DAY;
        let Some(clock) = clock else {
            return Some(Self {
                seconds: midnight,
                fraction: String::new(),
                utc: false,
            });
        };
        let zone_at = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
        let (clock, zone) = clock.split_at_checked(zone_at)?;
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let mut parts = clock.split(':');
        let hour = digits(parts.next()?, 2).filter(|hour| *hour < 24)?;
        let minute = digits(parts.next()?, 2).filter(|minute| *minute < 60)?;
        let second = match parts.next() {
            Some(second) => digits(second, 2).filter(|second| *second < 60)?,
            None => 0,
        };
        if parts.next().is_some() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(Self {
            seconds: midnight + (hour * 60 + minute) * 60 + second - offset(zone)? * 60,
            fraction: fraction.trim_end_matches('0').to_owned(),
            utc: !zone.is_empty(),
        })
    }

    /// So many seconds after 1970.
    pub(super) fn of_seconds(number: &Decimal) -> Option<Self> {
        // Nothing that is compared with has more digits.
        const SCALE: usize = 9;
        let ticks = number.ticks(SCALE);
        let nanos: i128 = ticks.text(SCALE).replace('.', "").parse().ok()?;
        let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
        let mut fraction = format!("{:09}", nanos.rem_euclid(1_000_000_000));
        if ticks.beyond {
            fraction.push('1');
        }
        Some(Self {
            seconds,
            fraction: fraction.trim_end_matches('0').to_owned(),
            utc: true,
        })
    }

    /// The day, and whether the moment is its midnight.
    pub(super) fn day(&self) -> (Day, bool) {
        let midnight = self.seconds.rem_euclid(DAY) == 0 && self.fraction.is_empty();
        (Day(self.seconds.div_euclid(DAY)), midnight)
    }

    /// The text of the last point in time with so many digits of a second that is not later, and whether
    /// it is the moment itself.
    pub(super) fn text(&self, scale: usize) -> (String, bool) {
        let day = Day(self.seconds.div_euclid(DAY));
        let second = self.seconds.rem_euclid(DAY);
        let (kept, rest) = match self.fraction.split_at_checked(scale) {
            Some((kept, rest)) => (kept, rest),
            None => (self.fraction.as_str(), ""),
        };
        let point = if scale > 0 { "." } else { "" };
        let text = format!(
            "{day} {:02}:{:02}:{:02}{point}{kept:0<scale$}",
            second / 3600,
            second / 60 % 60,
            second % 60
        );
        (text, rest.is_empty())
    }
}

/// A day, counted from 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(pub(super) i64);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// Minutes east of UTC.
fn offset(zone: &str) -> Option<i64> {
    let (sign, rest) = match zone.split_at_checked(1) {
        None | Some(("Z" | "z", "")) => return Some(0),
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        Some(_) => return None,
    };
    let plain = rest.replace(':', "");
    let (hours, minutes) = plain.split_at_checked(2)?;
    let minutes = if minutes.is_empty() { "00" } else { minutes };
    Some(sign * (digits(hours, 2)? * 60 + digits(minutes, 2)?))
}

fn digits(text: &str, length: usize) -> Option<i64> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_with_all_their_digits() {
        for (text, scale, want, exact, utc) in [
            ("2024-02-29", 0, "2024-02-29 00:00:00", true, false),
            (
                "2024-10-01T02:00:00+02:00",
                3,
                "2024-10-01 00:00:00.000",
                true,
                true,
            ),
            (
                "2024-02-29 12:34:56.789012345",
                3,
                "2024-02-29 12:34:56.789",
                false,
                false,
            ),
            (
                "1900-01-01T00:00:00.000Z",
                9,
                "1900-01-01 00:00:00.000000000",
                true,
                true,
            ),
            (
                "2024-02-29T23:30-0130",
                0,
                "2024-03-01 01:00:00",
                true,
                true,
            ),
        ] {
            let moment = Moment::parse(text).unwrap();
            assert_eq!(moment.text(scale), (want.to_owned(), exact), "{text}");
            assert_eq!(moment.utc, utc, "{text}");
        }
        for text in [
            "",
            "soon",
            "2024-02-30",
            "2024-13-01",
            "2024-1-1",
            "20240101",
            "2024-01-01T",
            "2024-01-01T25:00Z",
            "2024-01-01T00:00X",
            "2024-01-01T00:00:00.x",
            "é-01-01",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn seconds_may_be_fractions_and_negative() {
        let moment = |text: &str| Moment::of_seconds(&Decimal::parse(text).unwrap());
        assert_eq!(
            moment("1.5").unwrap().text(1),
            ("1970-01-01 00:00:01.5".into(), true)
        );
        assert_eq!(
            moment("-0.5").unwrap().text(0),
            ("1969-12-31 23:59:59".into(), false)
        );
        assert_eq!(moment("1e40"), None);
        let (day, midnight) = moment("86400").unwrap().day();
        assert_eq!((day.to_string().as_str(), midnight), ("1970-01-02", true));
    }
}
