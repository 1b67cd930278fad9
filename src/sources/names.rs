//! The names of variables.

use std::collections::HashMap;

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

/// The names of all runner-local sources, as far as they are known: which of them read the same variables. The gateway
/// chooses them, and their number.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LocalNames(HashMap<String, Sharers>);

/// The sources that read the variables of one name.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sharers {
    /// One of them is spelled as the variables are.
    owned: bool,
    /// Two of them; one that is not among these finds another one here.
    names: Vec<String>,
}

impl LocalNames {
    /// Of sources with these names.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut known: HashMap<String, Sharers> = HashMap::new();
        for name in names {
            let source = variable_name(name);
            let owned = name == source;
            let sharers = known.entry(source).or_default();
            sharers.owned |= owned;
            if sharers.names.len() < 2 && !sharers.names.iter().any(|other| other == name) {
                sharers.names.push(name.to_owned());
            }
        }
        Self(known)
    }
}

/// Two sources that read the same variables: one of them would get the other's database, so neither works.
pub(super) fn shared_prefix(name: &str, known: &LocalNames) -> Option<String> {
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
    let sharers = known.0.get(&source)?;
    if sharers.owned {
        return Some(format!(
            "source {name:?} would read {PREFIX}{source}_…, which are those of source {source:?}; rename one of them"
        ));
    }
    let other = sharers.names.iter().find(|other| *other != name)?;
    Some(format!(
        "sources {name:?} and {other:?} would both read {PREFIX}{source}_…; rename one of them"
    ))
}
