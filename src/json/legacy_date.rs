//! Dates in the many forms that `Date.parse` of V8 takes beyond the documented ones: `Mar 10, 2024`,
//! `2024/03/10 2:30 PM`, `Sun Mar 10 2024 02:30:00 GMT+0100`. They are nowhere specified; this is the scanner's own
//! grammar: numbers are added to the date or, after a colon, to the time; three letters tell months, halves of the
//! day and zones; punctuation says nothing.

use crate::json::days_from_civil;

/// Milliseconds since 1970 of such a text. Without a zone it is UTC.
pub(super) fn legacy_date_millis(text: &str) -> Option<i64> {
    let mut parser = Parser {
        rest: text,
        day: Vec::new(),
        month: None,
        time: Vec::new(),
        half: None,
        zone: Zone::default(),
        has_number: false,
    };
    while !parser.rest.is_empty() {
        parser.step()?;
    }
    let days = parser.days()?;
    let seconds = parser.zone.seconds();
    Some((days * 86_400 - seconds) * 1000 + parser.millis()?)
}

struct Parser<'a> {
    rest: &'a str,
    /// Up to three numbers of a date.
    day: Vec<i64>,
    month: Option<i64>,
    /// Up to four numbers of a time.
    time: Vec<i64>,
    /// Hours that the half of the day begins after.
    half: Option<i64>,
    zone: Zone,
    has_number: bool,
}

#[derive(Default)]
struct Zone {
    sign: Option<i64>,
    hour: Option<i64>,
    minute: Option<i64>,
}

impl Zone {
    fn is_utc(&self) -> bool {
        (self.hour, self.minute) == (Some(0), Some(0))
    }

    fn seconds(&self) -> i64 {
        let size = self.hour.unwrap_or(0) * 3600 + self.minute.unwrap_or(0) * 60;
        self.sign.map_or(0, |sign| sign * size)
    }
}

/// What three letters mean.
enum Word {
    Month(i64),
    Half(i64),
    Zone(i64),
    Nothing,
}

impl Word {
    fn of(word: &str) -> Self {
        const MONTHS: [&str; 12] = [
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ];
        let lower = word.to_ascii_lowercase();
        let start = lower.get(..3).unwrap_or(&lower);
        // Months alone may be written in full.
        if let Some(month) = MONTHS.iter().position(|month| *month == start) {
            return i64::try_from(month).map_or(Self::Nothing, |month| Self::Month(month + 1));
        }
        match lower.as_str() {
            "am" => Self::Half(0),
            "pm" => Self::Half(12),
            "ut" | "utc" | "z" | "gmt" => Self::Zone(0),
            "est" | "cdt" => Self::Zone(-5),
            "edt" => Self::Zone(-4),
            "cst" | "mdt" => Self::Zone(-6),
            "mst" | "pdt" => Self::Zone(-7),
            "pst" => Self::Zone(-8),
            _ => Self::Nothing,
        }
    }
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn peeks_number(&self) -> bool {
        self.peek().is_some_and(|c| c.is_ascii_digit())
    }

    fn skip(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &str {
        let (taken, rest) = match self.rest.find(|c| !belongs(c)) {
            Some(end) => self.rest.split_at(end),
            None => (self.rest, ""),
        };
        self.rest = rest;
        taken
    }

    /// A number and the count of its digits. Digits beyond nine change nothing.
    fn number(&mut self) -> (i64, usize) {
        let digits = self.take(|c| c.is_ascii_digit());
        let significant = digits.trim_start_matches('0');
        let number = significant.get(..9).unwrap_or(significant).parse();
        (number.unwrap_or(0), digits.len())
    }

    fn step(&mut self) -> Option<()> {
        let first = self.peek()?;
        if first.is_ascii_digit() {
            self.has_number = true;
            let (number, _) = self.number();
            return self.add(number);
        }
        // To the scanner everything from "A" on is a letter.
        if first >= 'A' {
            let word = Word::of(self.take(|c| c >= 'A'));
            return self.word(&word);
        }
        self.rest = self.rest.get(first.len_utf8()..)?;
        match first {
            '+' | '-' if self.zone.is_utc() || !self.time.is_empty() => {
                self.offset(if first == '-' { -1 } else { 1 })
            }
            '+' | '-' | ')' if self.has_number => None,
            '(' => {
                self.skip_parentheses();
                Some(())
            }
            _ => Some(()),
        }
    }

    fn add(&mut self, number: i64) -> Option<()> {
        if self.skip(':') {
            if self.skip(':') {
                if !self.time.is_empty() {
                    return None;
                }
                self.time.extend([number, 0]);
            } else {
                if self.time.len() >= 4 {
                    return None;
                }
                self.time.push(number);
                self.skip('.');
            }
            return Some(());
        }
        if self.time_expects(number) && self.skip('.') {
            self.time.push(number);
            if !self.peeks_number() {
                return None;
            }
            let digits = self.take(|c| c.is_ascii_digit()).to_owned();
            let millis: String = digits.chars().chain("00".chars()).take(3).collect();
            let millis = millis.parse().ok()?;
            return self.finish_time(millis);
        }
        if self.zone.hour.is_some() && self.zone.minute.is_none() && number < 60 {
            self.zone.minute = Some(number);
            return Some(());
        }
        if self.time_expects(number) {
            self.finish_time(number)?;
            return match self.peek() {
                None => Some(()),
                Some(c) if c.is_whitespace() || matches!(c, 'z' | 'Z' | '+' | '-') => Some(()),
                Some(_) => None,
            };
        }
        if self.day.len() >= 3 {
            return None;
        }
        self.day.push(number);
        self.skip('-');
        Some(())
    }

    fn time_expects(&self, number: i64) -> bool {
        match self.time.len() {
            1 | 2 => number < 60,
            3 => number < 1000,
            _ => false,
        }
    }

    fn finish_time(&mut self, number: i64) -> Option<()> {
        if self.time.len() >= 4 {
            return None;
        }
        self.time.push(number);
        self.time.resize(4, 0);
        Some(())
    }

    fn word(&mut self, word: &Word) -> Option<()> {
        match word {
            Word::Half(hours) if !self.time.is_empty() => self.half = Some(*hours),
            Word::Month(month) => {
                self.month = Some(*month);
                self.skip('-');
            }
            Word::Zone(hours) if self.has_number => {
                self.zone = Zone {
                    sign: Some(if *hours < 0 { -1 } else { 1 }),
                    hour: Some(hours.abs()),
                    minute: Some(0),
                };
            }
            // A word that means nothing may only stand before all numbers, and not directly before one.
            _ if self.has_number || self.peeks_number() => return None,
            _ => {}
        }
        Some(())
    }

    fn offset(&mut self, sign: i64) -> Option<()> {
        let (number, length) = match self.peeks_number() {
            true => self.number(),
            false => (0, 0),
        };
        self.has_number = true;
        self.zone.sign = Some(sign);
        (self.zone.hour, self.zone.minute) = match length {
            _ if self.peek() == Some(':') => (Some(number), None),
            1 | 2 => (Some(number), Some(0)),
            3 | 4 => (Some(number / 100), Some(number % 100)),
            _ => return None,
        };
        Some(())
    }

    fn skip_parentheses(&mut self) {
        let mut depth = 1_usize;
        let end = self.rest.char_indices().find(|(_, c)| {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        self.rest = end
            .and_then(|(at, _)| self.rest.get(at + 1..))
            .unwrap_or_default();
    }

    /// Days since 1970. Two numbers without a year are of 2001, and years below 100 are near to 2000.
    fn days(&self) -> Option<i64> {
        let is_day = |number: i64| (1..=31).contains(&number);
        let count = self.day.len();
        let mut numbers = self.day.iter().copied().chain([1, 1]);
        let (first, second, third) = (
            numbers.next().filter(|_| count > 0)?,
            numbers.next()?,
            numbers.next().unwrap_or(1),
        );
        let (year, month, day) = match self.month {
            None if !is_day(first) => (first, second, third),
            None => (third, first, second),
            Some(month) if !is_day(first) => (first, month, second),
            Some(month) => (second, month, first),
        };
        let year = match year {
            0..=49 => year + 2000,
            50..=99 => year + 1900,
            _ => year,
        };
        // Far more years than any date has.
        let valid = (1..=12).contains(&month) && is_day(day) && year < 1_000_000;
        valid.then(|| days_from_civil(year, month) + day - 1)
    }

    fn millis(&self) -> Option<i64> {
        let mut numbers = self.time.iter().copied().chain([0; 4]);
        let mut next = || numbers.next().unwrap_or(0);
        let (mut hour, minute, second, milli) = (next(), next(), next(), next());
        if let Some(half) = self.half {
            if !(0..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + half;
        }
        let valid = hour < 24 && minute < 60 && second < 60 && milli < 1000;
        let midnight = hour == 24 && (minute, second, milli) == (0, 0, 0);
        (valid || midnight).then_some(((hour * 60 + minute) * 60 + second) * 1000 + milli)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::js_date_millis;

    #[test]
    fn forms_that_people_write_are_understood() {
        for (text, iso) in [
            ("Mar 10, 2024", "2024-03-10"),
            ("10 Mar 2024 01:02:03 GMT", "2024-03-10T01:02:03Z"),
            ("12", "2001-12-01"),
            ("2024-3-1", "2024-03-01"),
            ("2024/03/01", "2024-03-01"),
            ("3/1/2024", "2024-03-01"),
            ("3/1/24", "2024-03-01"),
            ("3/1/50", "1950-03-01"),
            ("Sun Mar 10 2024 02:30:00 GMT+0100", "2024-03-10T01:30:00Z"),
            (
                "Sun Mar 10 2024 02:30:00 GMT-08:30 (Pacific (x))",
                "2024-03-10T11:00:00Z",
            ),
            (" 2024-03-10", "2024-03-10"),
            ("March 10 2024 2:30 PM", "2024-03-10T14:30:00Z"),
            ("10-Mar-2024 12:00 am EST", "2024-03-10T05:00:00Z"),
            ("2024-03-10 02:30:00.5", "2024-03-10T02:30:00.500Z"),
            ("2024-03-10 24:00", "2024-03-11"),
        ] {
            assert_eq!(legacy_date_millis(text), js_date_millis(iso), "{text}");
        }
    }
}
