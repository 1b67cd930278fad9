//! The facts of bridge-turso.

use serde_json::{Map, Value};

use super::config;
use crate::bridges::{Opened, Registered, lite};
use crate::job::{Key, NameRules, Package};
use crate::options::OptionRules;

/// Turso.
pub(in crate::bridges) static PACKAGE: Registered = Registered {
    package: Package {
        names: NameRules {
            system_prefixes: lite::SYSTEM,
            ..NameRules::ANY_CASE
        },
        schemes: &["libsql"],
        keys: &[
            Key::secret("URL", "url"),
            Key::secret("AUTH_TOKEN", "authToken"),
            Key::number("POOL_MAX", "pool.max"),
        ],
        enough: &[&[&["URL"]]],
        found_by: &["URL"],
        ..Package::of(OptionRules::usual("@semilayer/bridge-turso"))
    },
    open,
};

fn open(config: &Map<String, Value>) -> Opened {
    let (turso, services) = config::read(config)?;
    lite::open_remote(&PACKAGE.package, turso, services, config)
}
