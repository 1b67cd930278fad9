//! The sources that the environment describes, found without the gateway's help.

use crate::error::JobError;
use crate::job::Package;
use crate::sources::SourceEnvironment;
use crate::sources::environment::unusable;
use crate::sources::names::{BRIDGE, FILE, PREFIX};
use crate::text::nearest;

/// A source that the environment describes, found without the gateway's help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalSource {
    /// Its name as it appears in the variables, such as `PRIMARY_DB`.
    pub name: String,
    /// Its bridge package, or why it is not known.
    pub bridge: Result<String, JobError>,
}

impl SourceEnvironment {
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
}
