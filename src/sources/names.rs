//! The names of variables.

/// What the names of all variables of sources begin with.
pub(super) const PREFIX: &str = "SEMILAYER_SOURCE_";
/// What the name of one ends with that names a file.
pub(super) const FILE: &str = "_FILE";
/// Tells `test-source` which bridge to use; never part of a configuration.
pub(super) const BRIDGE: &str = "BRIDGE";

/// A source's name as it appears in its variables.
pub fn variable_name(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect()
}

/// Two sources that read the same variables: one of them would get the other's database, so neither works.
pub(super) fn shared_prefix(name: &str, known: &[String]) -> Option<String> {
    let source = variable_name(name);
    if !source.contains(|c: char| c != '_') {
        return Some(format!(
            "source {name:?} is runner-local, but no variable can be named after it; give it a name with letters or digits (a to z, 0 to 9)"
        ));
    }
    // The one that is spelled as the variables are is who they are for.
    if name == source {
        return None;
    }
    let mut others = known
        .iter()
        .filter(|other| *other != name && variable_name(other) == source);
    let other = others.clone().find(|other| **other == source);
    if let Some(owner) = other {
        return Some(format!(
            "source {name:?} would read {PREFIX}{source}_…, which are those of source {owner:?}; rename one of them"
        ));
    }
    let other = others.next()?;
    Some(format!(
        "sources {name:?} and {other:?} would both read {PREFIX}{source}_…; rename one of them"
    ))
}
