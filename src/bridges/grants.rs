//! What grants allow, in the form in which several servers tell them.

/// Most privileges of one grant that are named; an administrator's grant has dozens.
const NAMED: usize = 6;

/// What a grant allows beyond reading, if anything. Of its text only the privileges and the object are used:
/// what follows names the account and, on old servers, the hash of its password. `reading` are the rights that read.
pub(super) fn phrase(grant: &str, reading: &[&str]) -> Option<String> {
    let grant = grant.strip_prefix("GRANT ")?;
    let Some((rights, rest)) = split(grant, " ON ") else {
        let (roles, _) = split(grant, " TO ")?;
        return Some(format!(
            "act as {roles} (the grants of that role are not looked at)"
        ));
    };
    let (object, _) = split(rest, " TO ")?;
    let mut beyond: Vec<&str> = privileges(rights)
        .into_iter()
        .filter(|right| !reading.contains(&name(right)))
        .collect();
    if beyond.is_empty() {
        return None;
    }
    let more = beyond.len().saturating_sub(NAMED);
    beyond.truncate(NAMED);
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!("use {}{more} on {object}", beyond.join(", ")))
}

/// Splits at the first `separator` outside back-quotes.
fn split<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    text.match_indices(separator)
        .map(|(at, _)| (text.get(..at), text.get(at + separator.len()..)))
        .find_map(|(before, after)| {
            let before = before?;
            (before.matches('`').count() % 2 == 0).then_some((before, after?))
        })
}

/// The privileges of a grant; those of columns carry a list: `SELECT (a, b), UPDATE (c)`.
fn privileges(rights: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    rights
        .split(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            c == ',' && depth == 0
        })
        .map(str::trim)
        .collect()
}

/// A privilege without its columns.
fn name(right: &str) -> &str {
    right.split('(').next().unwrap_or(right).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    const READING: [&str; 3] = ["USAGE", "SELECT", "SHOW VIEW"];

    #[test]
    fn reading_is_nothing_to_tell() {
        for grant in [
            "GRANT USAGE ON *.* TO `r`@`%` IDENTIFIED BY PASSWORD '*A1'",
            "GRANT SELECT, SHOW VIEW ON `shop`.* TO `r`@`%`",
            "GRANT SELECT (`a`, `b`) ON `shop`.`t` TO `r`@`%`",
            "something else",
        ] {
            assert_eq!(phrase(grant, &READING), None, "{grant}");
        }
    }

    #[test]
    fn the_rest_is_named_without_the_account() {
        for (grant, told) in [
            (
                "GRANT SELECT, INSERT, UPDATE (`a`, `b`) ON `shop`.* TO `r`@`%`",
                "use INSERT, UPDATE (`a`, `b`) on `shop`.*",
            ),
            (
                "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` IDENTIFIED BY PASSWORD '*A1' WITH GRANT OPTION",
                "use ALL PRIVILEGES on *.*",
            ),
            (
                "GRANT DELETE ON `a ON b TO c`.* TO `r`@`%`",
                "use DELETE on `a ON b TO c`.*",
            ),
            (
                "GRANT `writers`@`%` TO `r`@`%`",
                "act as `writers`@`%` (the grants of that role are not looked at)",
            ),
            (
                "GRANT A, B, C, D, E, F, G, H ON *.* TO `r`@`%`",
                "use A, B, C, D, E, F and 2 more on *.*",
            ),
        ] {
            assert_eq!(phrase(grant, &READING).as_deref(), Some(told));
        }
    }
}
