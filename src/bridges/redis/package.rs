//! The facts of bridge-redis.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Redis;
use super::config::Settings;
use super::connect::RedisConnector;
use crate::bridges::keyvalue::{KeyValueBridge, rules};
use crate::bridges::{Bridge, Registered};
use crate::error::JobError;
use crate::job::{Key, NameRules, Package};

/// Redis.
pub(in crate::bridges) static PACKAGE: Registered = Registered {
    package: Package {
        options: rules("@semilayer/bridge-redis"),
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
        told_by: None,
        libraries: &[],
    },
    open,
};

fn open(config: &Map<String, Value>) -> Result<Arc<dyn Bridge>, JobError> {
    let settings = Settings::parse(config)?;
    let max = settings.pool_max;
    let connector = RedisConnector::new(settings);
    Ok(Arc::new(KeyValueBridge::<Redis>::new(connector, max)))
}
