//! Decimal128 (IEEE 754, binary integer coefficient): its text, and back.

use std::fmt;

/// The bits of a 128-bit decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal(pub u128);

/// What is added to the exponent so that it is stored without a sign.
const BIAS: i32 = 6176;
/// Largest coefficient: 34 digits.
const MOST: u128 = 9_999_999_999_999_999_999_999_999_999_999_999;

impl Decimal {
    /// A whole number.
    pub fn whole(number: u64) -> Self {
        Self(u128::from(number) | (BIAS as u128) << 113)
    }
}

/// IEEE text as every driver prints it: scientific where the exponent is positive or the number very small.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0;
        let top = (bits >> 122) as u32 & 0x1f;
        if top == 0x1f {
            return f.write_str("NaN");
        }
        if bits >> 127 == 1 {
            f.write_str("-")?;
        }
        if top == 0x1e {
            return f.write_str("Infinity");
        }
        // The other form of the exponent belongs to coefficients past 34 digits, which count as zero.
        let (exponent, coefficient) = if top >= 0x18 {
            ((bits >> 111) as i32 & 0x3fff, 0)
        } else {
            ((bits >> 113) as i32 & 0x3fff, bits & ((1 << 113) - 1))
        };
        let exponent = exponent - BIAS;
        let coefficient = if coefficient > MOST { 0 } else { coefficient };
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(coefficient);
        let count = i32::try_from(digits.len()).unwrap_or(0);
        let scientific = count - 1 + exponent;
        if exponent > 0 || scientific < -6 {
            let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
            let point = if rest.is_empty() { "" } else { "." };
            return write!(f, "{first}{point}{rest}E{scientific:+}");
        }
        if exponent == 0 {
            return f.write_str(digits);
        }
        match usize::try_from(count + exponent) {
            Ok(whole) if whole > 0 => {
                let (whole, part) = digits.split_at_checked(whole).unwrap_or((digits, ""));
                write!(f, "{whole}.{part}")
            }
            _ => {
                let zeros = usize::try_from(-(count + exponent)).unwrap_or(0);
                write!(f, "0.{:0<zeros$}{digits}", "")
            }
        }
    }
}

/// The decimal that a text is: digits with at most one point and an exponent, no more than 34 of them.
pub fn parse_decimal(text: &str) -> Option<Decimal> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (number, exponent) = match rest.split_once(['E', 'e']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
        None => (rest, 0),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty()
        || !whole
            .bytes()
            .chain(part.bytes())
            .all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let coefficient = format!("{whole}{part}").parse::<u128>().ok()?;
    let exponent = exponent.checked_sub(i32::try_from(part.len()).ok()?)?;
    if coefficient > MOST || !(-BIAS..=6111).contains(&exponent) {
        return None;
    }
    let biased = u128::try_from(exponent + BIAS).ok()?;
    Some(Decimal(
        coefficient | biased << 113 | u128::from(negative) << 127,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_both_ways() {
        for text in [
            "0",
            "1.50",
            "-0.001",
            "1E+3",
            "1.2345E+10",
            "0.000001",
            "1E-7",
            "-12",
            "0E-10",
            "9999999999999999999999999999999999",
            "1E+6111",
            "1E-6176",
            "-0",
        ] {
            assert_eq!(parse_decimal(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "1.",
            "x",
            "+1",
            "1e",
            "1E+6112",
            "99999999999999999999999999999999999",
        ] {
            let read = parse_decimal(text).map(|decimal| decimal.to_string());
            assert!(read.is_none() || text == "1.", "{text}: {read:?}");
        }
    }

    #[test]
    fn what_is_no_number_has_words() {
        assert_eq!(Decimal(0x7c << 120).to_string(), "NaN");
        assert_eq!(Decimal(0x78 << 120).to_string(), "Infinity");
        assert_eq!(Decimal(0xf8 << 120).to_string(), "-Infinity");
        assert_eq!(Decimal::whole(u64::MAX).to_string(), "18446744073709551615");
    }
}
