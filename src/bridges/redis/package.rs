//! The facts of bridge-redis.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Redis;
use super::config::Settings;
use super::connect::RedisConnector;
use crate::bridges::keyvalue::{KeyValueBridge, rules};
use crate::bridges::{Opened, Registered};
use crate::job::{Key, NameRules, Package};

/// Redis.
pub(in crate::bridges) static PACKAGE: Registered = Registered {
    package: Package {
        names: NameRules::KEYS,
        schemes: &["redis", "rediss", "redis+unix"],
        keys: &[
            Key::secret("URL", "url"),
            Key::text("HOST", "host"),
            Key::number("PORT", "port"),
            Key::text("USER", "user"),
            Key::text("USERNAME", "username"),
            Key::secret("PASSWORD", "password"),
            Key::number("DB", "db"),
            Key::number("POOL_MAX", "pool.max"),
        ],
        enough: &[&[&["URL"]], &[&["HOST"]]],
        found_by: &["URL", "HOST"],
        ..Package::of(rules("@semilayer/bridge-redis"))
    },
    open,
};

fn open(config: &Map<String, Value>) -> Opened {
    let settings = Settings::parse(config)?;
    let max = settings.pool_max;
    let connector = RedisConnector { settings };
    Ok(Arc::new(KeyValueBridge::<Redis>::new(connector, max)))
}
