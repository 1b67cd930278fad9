//! Numbers as digits, of any length: columns have up to 256 bits, and JSON numbers are doubles or less.

use std::cmp::Ordering;

/// Digits beyond which no column's value is told from another.
const MOST_DIGITS: usize = 400;

/// A number, exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Digits before the point, without leading zeros.
    whole: String,
    /// Digits behind it, without trailing zeros.
    fraction: String,
}

/// Where a number lies among the multiples of a power of ten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ticks {
    negative: bool,
    /// Without leading zeros; empty for zero.
    digits: String,
    /// It is no multiple itself, but follows this one.
    pub(super) beyond: bool,
}

impl Decimal {
    /// Reads a number as JSON and people write it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = whole.bytes().chain(fraction.bytes());
        if mantissa.len() > MOST_DIGITS
            || (whole.is_empty() && fraction.is_empty())
            || !digits.clone().all(|byte| byte.is_ascii_digit())
        {
            return None;
        }
        let digits: String = digits.map(char::from).collect();
        let exponent = exponent.clamp(-1000, 1000);
        let point = i64::try_from(whole.len()).ok()? + i64::from(exponent);
        let (whole, fraction) = match usize::try_from(point) {
            Ok(point) if point < digits.len() => {
                let (whole, fraction) = digits.split_at_checked(point)?;
                (whole.to_owned(), fraction.to_owned())
            }
            Ok(point) => (format!("{digits:0<point$}"), String::new()),
            Err(_) => {
                let zeros = usize::try_from(-point).unwrap_or(0);
                (String::new(), format!("{}{digits}", "0".repeat(zeros)))
            }
        };
        Some(Self {
            negative,
            whole: whole.trim_start_matches('0').to_owned(),
            fraction: fraction.trim_end_matches('0').to_owned(),
        })
    }

    /// The number in units of 10^-scale, rounded down.
    pub(super) fn ticks(&self, scale: usize) -> Ticks {
        let (kept, rest) = match self.fraction.split_at_checked(scale) {
            Some((kept, rest)) => (kept, !rest.is_empty()),
            None => (self.fraction.as_str(), false),
        };
        let digits = format!("{}{kept:0<scale$}", self.whole);
        let mut digits = digits.trim_start_matches('0').to_owned();
        if rest && self.negative {
            digits = successor(&digits);
        }
        Ticks {
            negative: self.negative && !digits.is_empty(),
            digits,
            beyond: rest,
        }
    }
}

impl Ticks {
    /// The text of the multiple, with the point before its last `scale` digits.
    pub(super) fn text(&self, scale: usize) -> String {
        let width = scale + 1;
        let digits = format!("{:0>width$}", self.digits);
        let (whole, fraction) = digits
            .split_at_checked(digits.len() - scale)
            .unwrap_or((&digits, ""));
        let sign = if self.negative { "-" } else { "" };
        match fraction {
            "" => format!("{sign}{whole}"),
            fraction => format!("{sign}{whole}.{fraction}"),
        }
    }

    /// Compared with zero and then with a bound of the same sign, given by its digits: is it further from zero?
    pub(super) fn exceeds(&self, digits: &str) -> bool {
        compare(&self.digits, digits) == Ordering::Greater
    }

    /// Below zero.
    pub(super) fn is_negative(&self) -> bool {
        self.negative
    }
}

/// Digits without leading zeros.
fn compare(one: &str, other: &str) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

fn successor(digits: &str) -> String {
    let nines = digits.len() - digits.trim_end_matches('9').len();
    let (head, tail) = digits
        .split_at_checked(digits.len() - nines)
        .unwrap_or_default();
    let mut next: Vec<u8> = head.bytes().collect();
    match next.last_mut() {
        Some(last) => *last += 1,
        None => next.push(b'1'),
    }
    next.extend(tail.bytes().map(|_| b'0'));
    next.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(text: &str, scale: usize) -> (String, bool) {
        let ticks = Decimal::parse(text).unwrap().ticks(scale);
        (ticks.text(scale), ticks.beyond)
    }

    #[test]
    fn numbers_are_rounded_down_to_a_scale() {
        for (text, scale, want, beyond) in [
            ("7", 0, "7", false),
            ("-0", 0, "0", false),
            ("0.5", 0, "0", true),
            ("-0.5", 0, "-1", true),
            ("-9.99", 0, "-10", true),
            ("-9.99", 2, "-9.99", false),
            ("1e21", 0, "1000000000000000000000", false),
            ("1.5E3", 0, "1500", false),
            ("125e-2", 1, "1.2", true),
            ("1e-7", 3, "0.000", true),
            ("600", 2, "600.00", false),
            ("0.1000000000", 4, "0.1000", false),
            ("18446744073709551615", 0, "18446744073709551615", false),
            (".5", 1, "0.5", false),
        ] {
            assert_eq!(ticks(text, scale), (want.to_owned(), beyond), "{text}");
        }
        for text in [
            "", "-", ".", "abc", "1e", "0x10", " 7", "1.2.3", "nan", "１",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn bounds_are_compared_by_their_digits() {
        let whole = |text: &str| Decimal::parse(text).unwrap().ticks(0);
        assert!(whole("256").exceeds("255"));
        assert!(!whole("255").exceeds("255"));
        assert!(!whole("99").exceeds("128"));
        assert!(whole("-129").exceeds("128") && whole("-129").is_negative());
    }
}
