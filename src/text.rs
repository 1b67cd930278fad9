//! Text from outside, made fit for a line that people read.

/// With its control characters replaced: a line break must not forge a line.
pub fn printable(text: impl IntoIterator<Item = char>) -> String {
    text.into_iter()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// Its beginning, at most so many bytes, cut between two characters.
pub fn clipped(text: &str, bytes: usize) -> &str {
    let mut cut = text.len().min(bytes);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    text.get(..cut).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(
            printable("a\r\n\u{1b}[2Jé".chars()),
            "a\u{fffd}\u{fffd}\u{fffd}[2Jé"
        );
    }

    #[test]
    fn characters_stay_whole() {
        assert_eq!(clipped("éé", 3), "é");
        assert_eq!(clipped("éé", 4), "éé");
        assert_eq!(clipped("éé", 1), "");
    }
}
