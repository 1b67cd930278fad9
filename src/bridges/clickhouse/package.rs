//! The facts of bridge-clickhouse.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::ClickHouseEngine;
use super::config::Settings;
use super::conversation::{Conversations, Server};
use crate::bridges::sql::SqlBridge;
use crate::bridges::{Opened, Registered};
use crate::error::JobError;
use crate::job::{Key, NameRules, Package};
use crate::options::{OptionRules, Target};

/// ClickHouse.
pub(in crate::bridges) static PACKAGE: Registered = Registered {
    package: Package {
        names: NameRules {
            system_schemas: &["system", "information_schema"],
            ..NameRules::EXACT
        },
        schemes: &["clickhouse", "clickhouses"],
        keys: &[
            Key::secret("URL", "url"),
            Key::text("HOST", "host"),
            Key::number("PORT", "port"),
            Key::text("DATABASE", "database"),
            Key::text("DB", "db"),
            Key::text("USERNAME", "username"),
            Key::text("USER", "user"),
            Key::secret("PASSWORD", "password"),
            Key::text("PROTOCOL", "protocol"),
            Key::number("POOL_MAX", "pool.max"),
        ],
        enough: &[&[&["URL"]], &[&["HOST"]]],
        found_by: &["URL", "HOST"],
        ..Package::of(OptionRules {
            target: any_name,
            offset_alone: true,
            h3: true,
            ..OptionRules::usual("@semilayer/bridge-clickhouse")
        })
    },
    open,
};

/// Any name there can be, with everything in it.
fn any_name(text: &str) -> Result<Target, JobError> {
    if text.is_empty() || text.contains('\0') {
        return Err(JobError::invalid_target(text));
    }
    Ok(Target::whole(text))
}

fn open(config: &Map<String, Value>) -> Opened {
    let settings = Settings::from_config(config)?;
    let max = settings.pool;
    let conversations = Conversations(Arc::new(Server::new(settings)));
    Ok(Arc::new(SqlBridge::new(
        ClickHouseEngine::default(),
        conversations,
        max,
    )))
}
