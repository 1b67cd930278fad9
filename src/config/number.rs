//! Numbers from the environment.

/// A whole number within bounds, both included.
pub fn bounded(text: &str, least: u64, most: u64) -> Result<u64, String> {
    match text.trim().parse::<u64>() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("must be a whole number from {least} to {most}")),
    }
}

/// The whole number at the start of a text, as JavaScript's `parseInt` finds it: `8080tcp` is 8080. `None`
/// where that gives NaN, zero or less.
pub fn leading(text: &str) -> Option<u64> {
    let text = text.trim_start();
    let text = text.strip_prefix('+').unwrap_or(text);
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, _) = text.split_at(end);
    digits.parse().ok().filter(|n| *n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_included() {
        assert_eq!(bounded(" 1 ", 1, 9), Ok(1));
        assert_eq!(bounded("9", 1, 9), Ok(9));
        for bad in ["0", "10", "-1", "1.5", "x", "99999999999999999999"] {
            assert!(bounded(bad, 1, 9).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_leading_number_counts() {
        for (text, number) in [
            ("8080", Some(8080)),
            (" +80x", Some(80)),
            ("0", None),
            ("-1", None),
            ("x80", None),
            ("", None),
        ] {
            assert_eq!(leading(text), number, "{text}");
        }
    }
}
