//! Names of what is inside of something else, as documents have it: `address.city`. A rule about `address` concerns
//! all that is in it.

use crate::job::NameRules;

/// The steps of a path. Which member of a list is meant tells nothing of what it is called.
fn steps(path: &str) -> Vec<&str> {
    path.split('.')
        .filter(|step| step.is_empty() || !step.bytes().all(|byte| byte.is_ascii_digit()))
        .collect()
}

fn begins(path: &[&str], start: &[&str], same: impl Fn(&str, &str) -> bool) -> bool {
    path.len() >= start.len() && start.iter().zip(path).all(|(a, b)| same(a, b))
}

/// True when a rule that denies `rule` denies `path`: it is that, or in it, or it is in `path`.
pub(super) fn touches(names: &NameRules, rule: &str, path: &str) -> bool {
    let (rule, path) = (steps(rule), steps(path));
    let same = |a: &str, b: &str| names.denies_column(a, b);
    begins(&path, &rule, same) || begins(&rule, &path, same)
}

/// True when a rule that denies `rule` leaves nothing of `path`.
pub(super) fn covers_denied(names: &NameRules, rule: &str, path: &str) -> bool {
    begins(&steps(path), &steps(rule), |a, b| names.denies_column(a, b))
}

/// True when a rule that allows `rule` allows `path`: it is that, or in it.
pub(super) fn covers(names: &NameRules, rule: &str, path: &str) -> bool {
    let (rule, path): (Vec<_>, Vec<_>) = (rule.split('.').collect(), path.split('.').collect());
    begins(&path, &rule, |a, b| names.is_column(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: NameRules = NameRules::EXACT;

    #[test]
    fn a_rule_concerns_what_is_inside_and_what_is_around() {
        for (rule, path, touched, covered, allowed) in [
            ("a", "a", true, true, true),
            ("a", "a.b", true, true, true),
            ("a.b", "a", true, false, false),
            ("a.b", "a.0.b.c", true, true, false),
            ("a.b", "a.b.c", true, true, true),
            ("a.b", "a.c", false, false, false),
            ("a", "ab", false, false, false),
            ("a.0", "a.1.b", true, true, false),
        ] {
            assert_eq!(touches(&NAMES, rule, path), touched, "{rule} {path}");
            assert_eq!(covers_denied(&NAMES, rule, path), covered, "{rule} {path}");
            assert_eq!(covers(&NAMES, rule, path), allowed, "{rule} {path}");
        }
    }
}
