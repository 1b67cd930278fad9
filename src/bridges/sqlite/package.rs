//! The facts of bridge-sqlite.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Sqlite;
use super::connect::DatabaseFile;
use crate::bridges::config::{line, pool_size, unusable};
use crate::bridges::sql::SqlBridge;
use crate::bridges::{Opened, Registered};
use crate::files;
use crate::job::{Key, NameRules, Package};
use crate::options::OptionRules;

/// SQLite.
pub(in crate::bridges) static PACKAGE: Registered = Registered {
    package: Package {
        names: NameRules {
            system_prefixes: &["sqlite_"],
            ..NameRules::ANY_CASE
        },
        keys: &[
            Key::text("PATH", "path"),
            Key::number("POOL_MAX", "pool.max"),
        ],
        enough: &[&[&["PATH"]]],
        found_by: &["PATH"],
        told_by: Some("PATH"),
        ..Package::of(OptionRules::usual("@semilayer/bridge-sqlite"))
    },
    open,
};

fn open(config: &Map<String, Value>) -> Opened {
    let path = line(config, &["path"])
        .ok_or_else(|| unusable("SqliteBridge requires a \"path\" config string"))?;
    files::allowed(Path::new(&path)).map_err(|error| unusable(error.to_string()))?;
    let file = DatabaseFile::new(&path);
    Ok(Arc::new(SqlBridge::new(Sqlite, file, pool_size(config))))
}
