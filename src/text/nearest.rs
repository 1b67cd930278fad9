//! The word that was probably meant.

/// The candidate that differs least from `word`, if that is little enough for a slip of the pen: one change in
/// four characters. Case makes no difference.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let (distance, found) = candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_ascii_lowercase()), candidate))
        .min_by_key(|(distance, _)| *distance)?;
    let most = (found.len().min(word.len()) / 4).clamp(1, 4);
    (distance <= most).then_some(found)
}

/// How many characters must be added, dropped, changed, or exchanged with their neighbour.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    // Rows of the table of all beginnings: the last two, and the one in the making.
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    let mut previous = None;
    for (row, c) in from.chars().enumerate() {
        let at =
            |cells: &[usize], place: usize| cells.get(place).copied().unwrap_or(usize::MAX / 2);
        let mut cells = vec![row + 1];
        for (column, d) in to.iter().enumerate() {
            let changed = at(&last, column) + usize::from(c != *d);
            let dropped = at(&last, column + 1) + 1;
            let added = at(&cells, column) + 1;
            let mut least = changed.min(dropped).min(added);
            let neighbour = column.checked_sub(1).and_then(|left| to.get(left));
            if neighbour == Some(&c) && previous == Some(*d) {
                least = least.min(at(&before, column - 1) + 1);
            }
            cells.push(least);
        }
        before = std::mem::replace(&mut last, cells);
        previous = Some(c);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted() {
        for (from, to, changes) in [
            ("", "", 0),
            ("path", "path", 0),
            ("paht", "path", 1),
            ("strat", "start", 1),
            ("worker", "workers", 1),
            ("cat", "dog", 3),
            ("", "abc", 3),
        ] {
            assert_eq!(distance(from, to), changes, "{from} {to}");
            assert_eq!(distance(to, from), changes, "{to} {from}");
        }
    }

    #[test]
    fn only_what_is_near_is_meant() {
        let commands = ["start", "status", "doctor", "health"];
        assert_eq!(nearest("strat", commands), Some("start"));
        assert_eq!(nearest("HEALT", commands), Some("health"));
        assert_eq!(nearest("frobnicate", commands), None);
        assert_eq!(nearest("", commands), None);
        assert_eq!(nearest("x", []), None);
    }
}
