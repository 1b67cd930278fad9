//! Runner-local configuration: `SEMILAYER_SOURCE_<NAME>_<KEY>`, read from this process' environment instead
//! of being sent by the gateway. `<NAME>` is the source's name in upper case, every character that is no
//! ASCII letter or digit replaced by `_`; `<KEY>` is one of the keys of the source's bridge (its package has them).
//! `POOL_MAX` is `pool.max`. `<KEY>_FILE` reads the value from a file. An empty variable counts as not set.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use serde_json::{Map, Value};

use crate::error::{ErrorCode, JobError};
use crate::files::read_secret;
use crate::job::{Key, KeyKind, Package};
use crate::text::nearest;

const PREFIX: &str = "SEMILAYER_SOURCE_";
const FILE: &str = "_FILE";
/// Tells `test-source` which bridge to use; never part of a configuration.
const BRIDGE: &str = "BRIDGE";

/// The part of the process' environment that describes sources. Holds secrets: never printed.
#[derive(Clone, Default)]
pub struct SourceEnvironment {
    /// Without the prefix.
    variables: BTreeMap<String, OsString>,
    packages: Vec<&'static Package>,
}

/// A source that the environment describes, found without the gateway's help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalSource {
    /// Its name as it appears in the variables, such as `PRIMARY_DB`.
    pub name: String,
    /// Its bridge package, or why it is not known.
    pub bridge: Result<String, JobError>,
}

impl SourceEnvironment {
    /// Takes the variables that begin with `SEMILAYER_SOURCE_` out of `variables`. `packages` are those of the
    /// bridges that sources may have.
    pub fn from_env(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        packages: impl IntoIterator<Item = &'static Package>,
    ) -> Self {
        let ours = variables
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .filter_map(|(name, value)| {
                // A name that is not text cannot be one that we look for.
                let name = name.into_string().ok()?;
                Some((name.strip_prefix(PREFIX)?.to_owned(), value))
            });
        let mut variables = BTreeMap::new();
        variables.extend(ours);
        Self {
            variables,
            packages: packages.into_iter().collect(),
        }
    }

    fn package(&self, name: &str) -> Option<&'static Package> {
        let mut packages = self.packages.iter();
        packages.find(|package| package.name() == name).copied()
    }

    /// The configuration of a runner-local source. `known` are the names of all runner-local sources, as far
    /// as they are known. A bridge that nobody knows has an empty configuration.
    ///
    /// # Errors
    /// `SOURCE_CONFIG`, naming the variables, when some are missing, contradict each other or cannot be read.
    pub fn config_for(
        &self,
        name: &str,
        bridge: &str,
        known: &[String],
    ) -> Result<Map<String, Value>, JobError> {
        let Some(package) = self.package(bridge) else {
            return Ok(Map::new());
        };
        if let Some(problem) = shared_prefix(name, known) {
            return Err(unusable(problem));
        }
        if let Some(problem) = self.missing(name, package) {
            return Err(unusable(problem));
        }
        let source = variable_name(name);
        let mut config = Map::new();
        let mut read = BTreeMap::new();
        for key in package.keys {
            let variable = format!("{source}_{}", key.variable);
            let Some((variable, text)) = self.text(&variable).map_err(unusable)? else {
                continue;
            };
            if let Some(other) = read.insert(key.config, variable.clone()) {
                return Err(unusable(format!(
                    "{other} and {variable} mean the same; set one of them"
                )));
            }
            let value =
                value(key, text).map_err(|kind| unusable(format!("{variable} must be {kind}")))?;
            put(&mut config, key.config, value);
        }
        Ok(config)
    }

    /// What is wrong with the variables of a runner-local source as far as it can be told without reading
    /// files; one line each, for the log.
    pub fn problems(&self, name: &str, bridge: &str, known: &[String]) -> Vec<String> {
        let mut problems: Vec<_> = shared_prefix(name, known).into_iter().collect();
        let Some(package) = self.package(bridge) else {
            return problems;
        };
        problems.extend(self.missing(name, package));
        let prefix = format!("{}_", variable_name(name));
        for (variable, _) in self.variables.range(prefix.clone()..) {
            let Some(rest) = variable.strip_prefix(&prefix) else {
                break;
            };
            let is_key = |text: &str| package.keys.iter().any(|key| key.variable == text);
            let base = rest.strip_suffix(FILE).unwrap_or(rest);
            // `DB_REPLICA_URL` is the URL of another source, `db-replica`, whether we know it or not.
            let mut keys = self.packages.iter().flat_map(|package| package.keys);
            let is_of_another = keys.any(|key| {
                base.strip_suffix(key.variable)
                    .is_some_and(|source| source.ends_with('_'))
            });
            if !is_key(rest) && !is_key(base) && rest != BRIDGE && !is_of_another {
                let mut problem = format!(
                    "{PREFIX}{variable} is ignored: source {name:?} has the bridge {bridge}, which has no key {rest}"
                );
                let known = package.keys.iter().map(|key| key.variable);
                if let Some(near) = nearest(base, known) {
                    problem.push_str(&format!("; did you mean {PREFIX}{prefix}{near}?"));
                }
                problems.push(problem);
            }
        }
        problems
    }

    /// The sources that the variables describe, in name order.
    pub fn local_sources(&self) -> Vec<LocalSource> {
        let packages = self.packages.iter();
        let telling: Vec<_> = packages
            .flat_map(|package| package.found_by)
            .chain([&BRIDGE])
            .collect();
        let source = |variable: &'_ str| {
            let name = |key: &str| variable.strip_suffix(key)?.strip_suffix('_');
            // Of `A_CONNECTION_STRING` and the like only the whole key counts.
            let names = telling.iter().filter_map(|key| name(key));
            names.min_by_key(|name| name.len()).map(str::to_owned)
        };
        let mut names: Vec<_> = self
            .variables
            .keys()
            .map(|variable| variable.strip_suffix(FILE).unwrap_or(variable))
            .filter_map(source)
            .filter(|name| !name.is_empty())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .map(|name| LocalSource {
                bridge: self.bridge_of(&name).map_err(unusable),
                name,
            })
            .collect()
    }

    /// The variables that look like those of a source but describe none, with their whole names: a slip of the
    /// pen, most of the time. Each with the name that was probably meant.
    pub fn unclaimed(&self) -> Vec<(String, Option<String>)> {
        let sources = self.local_sources();
        let claimed = |variable: &str| {
            let rest =
                |source: &LocalSource| variable.strip_prefix(&source.name)?.strip_prefix('_');
            sources.iter().any(|source| rest(source).is_some())
        };
        let variables = self.variables.keys().filter(|variable| !claimed(variable));
        variables
            .map(|variable| (format!("{PREFIX}{variable}"), self.meant(variable)))
            .collect()
    }

    /// `SHOP_PAHT`: the source's name with the nearest key that would describe it.
    fn meant(&self, variable: &str) -> Option<String> {
        let base = variable.strip_suffix(FILE).unwrap_or(variable);
        let keys = || self.packages.iter().flat_map(|package| package.keys);
        let mut places = base
            .match_indices('_')
            .map(|(place, _)| base.split_at(place));
        places.find_map(|(source, key)| {
            let names = keys().map(|key| key.variable).chain([BRIDGE]);
            let near = nearest(key.trim_start_matches('_'), names)?;
            let file = variable.strip_prefix(base).unwrap_or_default();
            let meant = format!("{source}_{near}");
            // What is spelt rightly is part of a source that lacks something else.
            (!source.is_empty() && meant != base).then(|| format!("{PREFIX}{meant}{file}"))
        })
    }

    /// Whether the value of a variable may be shown: what is known to be no secret.
    pub fn may_show(&self, variable: &str) -> bool {
        let Some(variable) = variable.strip_prefix(PREFIX) else {
            return false;
        };
        let of = |key: &str| {
            let source = variable
                .strip_suffix(key)
                .and_then(|rest| rest.strip_suffix('_'));
            source.is_some_and(|source| !source.is_empty())
        };
        let keys = || self.packages.iter().flat_map(|package| package.keys);
        let is_secret = keys().any(|key| key.kind == KeyKind::Secret && of(key.variable));
        let is_known = keys().any(|key| of(key.variable)) || of(BRIDGE);
        variable.ends_with(FILE) || (is_known && !is_secret)
    }

    fn bridge_of(&self, source: &str) -> Result<String, String> {
        let text = |key: &str| {
            let found = self.text(&format!("{source}_{key}"))?;
            Ok::<_, String>(found.map(|(_, text)| text))
        };
        if let Some(bridge) = text(BRIDGE)? {
            return Ok(Package::long_name(&bridge));
        }
        let told = |tells: &dyn Fn(&Package) -> bool| {
            let mut packages = self.packages.iter();
            packages.find(|package| tells(package)).map(|p| p.name())
        };
        let url = match text("URL")? {
            Some(url) => Some(url),
            None => text("CONNECTION_STRING")?,
        };
        if let Some(url) = url {
            let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
            let bridge = told(&|package| package.schemes.contains(&scheme));
            return bridge.map(str::to_owned).ok_or_else(|| {
                let schemes = self.packages.iter().flat_map(|package| package.schemes);
                let served: Vec<_> = schemes.map(|scheme| format!("{scheme}://")).collect();
                format!(
                    "the scheme of {PREFIX}{source}_URL is of no bridge in this binary, which serves {}; \
                     set {PREFIX}{source}_BRIDGE where the URL is right all the same",
                    served.join(", ")
                )
            });
        }
        let keys = self.packages.iter().filter_map(|package| package.told_by);
        for key in keys {
            if text(key)?.is_some()
                && let Some(bridge) = told(&|package| package.told_by == Some(key))
            {
                return Ok(bridge.to_owned());
            }
        }
        Err(format!("set {PREFIX}{source}_BRIDGE to tell its bridge"))
    }

    /// Says which variables to set when those that are set do not suffice.
    fn missing(&self, name: &str, package: &Package) -> Option<String> {
        let source = variable_name(name);
        let is_set = |key: &&str| {
            let variable = format!("{source}_{key}");
            self.variables.contains_key(&variable)
                || self.variables.contains_key(&format!("{variable}{FILE}"))
        };
        let suffices = |ways: &[&[&[&str]]]| {
            ways.iter()
                .any(|way| way.iter().all(|names| names.iter().any(is_set)))
        };
        if suffices(package.enough) {
            return None;
        }
        let mut ways = package.enough.iter().map(|way| {
            let names = way.iter().filter_map(|names| names.first());
            let variables: Vec<_> = names.map(|key| format!("{PREFIX}{source}_{key}")).collect();
            match variables.split_last() {
                Some((last, [])) => last.clone(),
                Some((last, others)) => format!("{} and {last}", others.join(", ")),
                None => String::new(),
            }
        });
        let mut text = format!(
            "source {name:?} is runner-local: set {}",
            ways.next().unwrap_or_default()
        );
        if let Some(other) = ways.next() {
            text.push_str(&format!(" (or {other})"));
        }
        Some(text)
    }

    /// The text of a variable, or of the file it names, with the variable's full name.
    fn text(&self, variable: &str) -> Result<Option<(String, String)>, String> {
        let file = format!("{variable}{FILE}");
        match (self.variables.get(variable), self.variables.get(&file)) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(format!(
                "{PREFIX}{variable} and {PREFIX}{file} are both set; set one of them"
            )),
            (Some(value), None) => match value.to_str() {
                Some(text) => Ok(Some((format!("{PREFIX}{variable}"), text.to_owned()))),
                None => Err(format!("{PREFIX}{variable} is not UTF-8 text")),
            },
            (None, Some(path)) => {
                let variable = format!("{PREFIX}{file}");
                match read_secret(Path::new(path)) {
                    Ok(text) => Ok(Some((variable, text))),
                    Err(problem) => Err(format!("{variable}: {problem}")),
                }
            }
        }
    }
}

impl fmt::Debug for SourceEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceEnvironment({} variables)", self.variables.len())
    }
}

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
fn shared_prefix(name: &str, known: &[String]) -> Option<String> {
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

/// The value of a key, or what it must be.
fn value(key: &Key, text: String) -> Result<Value, &'static str> {
    match key.kind {
        KeyKind::Text | KeyKind::Secret => Ok(Value::String(text)),
        KeyKind::Number => text
            .trim()
            .parse::<u32>()
            .map(Value::from)
            .map_err(|_| "a whole number"),
        KeyKind::Switch => Ok(match text.trim() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::String(text),
        }),
    }
}

/// Puts a value at its place; `pool.max` is `max` of the object `pool`.
fn put(config: &mut Map<String, Value>, key: &str, value: Value) {
    let Some((outer, inner)) = key.split_once('.') else {
        config.insert(key.to_owned(), value);
        return;
    };
    let object = config
        .entry(outer)
        .or_insert_with(|| Value::Object(Map::new()));
    if let Some(object) = object.as_object_mut() {
        object.insert(inner.to_owned(), value);
    }
}

fn unusable(problem: impl Into<String>) -> JobError {
    JobError::new(ErrorCode::SourceConfig, problem)
}

#[cfg(test)]
#[path = "environment_tests.rs"]
mod tests;
