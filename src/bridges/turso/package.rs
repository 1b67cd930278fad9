//! The facts of bridge-turso.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::config::Settings;
use super::{Servers, Turso};
use crate::bridges::config::pool_size;
use crate::bridges::lite::Known;
use crate::bridges::sql::SqlBridge;
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
    let settings = Arc::new(Settings::from_config(config)?);
    let servers = Servers(Arc::clone(&settings));
    let engine = Turso {
        settings,
        known: Known::default(),
    };
    Ok(Arc::new(SqlBridge::new(engine, servers, pool_size(config))))
}
