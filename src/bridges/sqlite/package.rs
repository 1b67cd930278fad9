//! The facts of bridge-sqlite.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Sqlite;
use super::connect::DatabaseFile;
use crate::bridges::config::{check_file, line, missing, pool_size};
use crate::bridges::sql::SqlBridge;
use crate::bridges::{Opened, Registered, lite};
use crate::error::JobError;
use crate::job::{Key, NameRules, Package};
use crate::options::{OptionRules, Target, parts_of_name, whole_name};

/// SQLite.
pub(in crate::bridges) static PACKAGE: Registered = Registered {
    package: Package {
        names: NameRules {
            system_prefixes: lite::SYSTEM,
            ..NameRules::ANY_CASE
        },
        keys: &[
            Key::text("PATH", "path"),
            Key::number("POOL_MAX", "pool.max"),
        ],
        enough: &[&[&["PATH"]]],
        found_by: &["PATH"],
        told_by: Some("PATH"),
        ..Package::of(OptionRules {
            target: |text| whole_name(text).and_then(|target| without_place(target, text)),
            aggregate_target: |text| {
                parts_of_name(text).and_then(|target| without_place(target, text))
            },
            ..OptionRules::usual("@semilayer/bridge-sqlite")
        })
    },
    open,
};

/// Refuses the one function that can be asked like a table and tells where the file is.
fn without_place(target: Target, text: &str) -> Result<Target, JobError> {
    let name = text.rsplit('.').next().unwrap_or(text);
    match name.eq_ignore_ascii_case("pragma_database_list") {
        true => Err(JobError::invalid_target(text)),
        false => Ok(target),
    }
}

fn open(config: &Map<String, Value>) -> Opened {
    // A number is no path.
    let text = config.get("path").is_some_and(Value::is_string);
    let path = text
        .then(|| line(config, &["path"]))
        .flatten()
        .ok_or_else(|| missing("SqliteBridge", "path"))?;
    check_file(Path::new(&path))?;
    let file = DatabaseFile::new(&path);
    Ok(Arc::new(SqlBridge::new(Sqlite, file, pool_size(config))))
}
