//! The facts of the bridge.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::MongoBridge;
use super::config::Settings;
use crate::bridges::{Opened, Registered};
use crate::error::JobError;
use crate::job::{Key, NameRules, Package};
use crate::options::{OptionRules, Target};

/// MongoDB.
pub(in crate::bridges) static PACKAGE: Registered = Registered {
    package: Package {
        names: NameRules {
            system_prefixes: &["system."],
            ..NameRules::EXACT
        },
        schemes: &["mongodb", "mongodb+srv"],
        keys: &[
            Key::secret("URL", "url"),
            Key::text("DATABASE", "database"),
            Key::number("POOL_MIN", "pool.min"),
            Key::number("POOL_MAX", "pool.max"),
        ],
        enough: &[&[&["URL"]]],
        found_by: &["URL"],
        ..Package::of(OptionRules {
            target: collection,
            aggregate_target: collection,
            offset_alone: true,
            numeric_cursor: false,
            documents: true,
            id: "_id",
            ..OptionRules::usual("@semilayer/bridge-mongodb")
        })
    },
    open,
};

/// The name of a collection or view; a dot is part of it. What no server takes for one is refused.
fn collection(name: &str) -> Result<Target, JobError> {
    if name.is_empty() || name.starts_with('.') || name.contains(['\0', '$']) {
        return Err(JobError::invalid_target(name));
    }
    Ok(Target::whole(name))
}

fn open(config: &Map<String, Value>) -> Opened {
    Ok(Arc::new(MongoBridge::new(Settings::parse(config)?)))
}
