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
use crate::sources::names::{BRIDGE, FILE, LocalNames, PREFIX, shared_prefix, variable_name};
use crate::text::nearest;

/// The part of the process' environment that describes sources. Holds secrets: never printed.
#[derive(Clone, Default)]
pub struct SourceEnvironment {
    /// Without the prefix.
    pub(super) variables: BTreeMap<String, OsString>,
    pub(super) packages: Vec<&'static Package>,
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
        known: &LocalNames,
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
    pub fn problems(&self, name: &str, bridge: &str, known: &LocalNames) -> Vec<String> {
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
    pub(super) fn text(&self, variable: &str) -> Result<Option<(String, String)>, String> {
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

/// `SOURCE_CONFIG`.
pub(super) fn unusable(problem: impl Into<String>) -> JobError {
    JobError::new(ErrorCode::SourceConfig, problem)
}

#[cfg(test)]
#[path = "environment_tests.rs"]
mod tests;
