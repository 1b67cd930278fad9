//! Bridges: what the jobs of a source mean on its database. One folder a database; the wire-compatible relatives of
//! a database are flavours in its folder.
//!
//! - `registry`: the bridges in this binary, one line each
//! - `pool`: the connections of a source; `places`: those of all sources together
//! - `config`: what configurations have in common
//! - `remembered`: what is known of a source's targets for a while
//! - `keyvalue`: everything that key-value stores share
//! - `lite`: everything that SQLite is wherever it runs
//! - `told`: how much a database may say of a table
//! - `description`: the rows of `listTargets` and `introspectTarget`
//! - `grants`: what grants allow, as several servers tell them
//! - `service`: asking by JSON over HTTP
//! - `source_url`: a URL in its parts
//! - `sql`: everything that SQL engines share, over what their folders provide
//! - `writers`: single values, for measuring; `readers`: replies, for the fuzzer
//!
//! To add a bridge: a folder with its package (a `Registered`, see `sqlite/package.rs`) and something that is a
//! [`Bridge`]; a line in `registry`; a feature in `Cargo.toml` and its `mod` here. What speaks SQL provides a dialect,
//! a connector and a session (`sql::{SqlEngine, Session, Row}`) and gets its answers from `sql::SqlBridge`;
//! `sql/memory.rs` is the smallest such engine. Nothing outside of this room names a bridge.

#[cfg(feature = "clickhouse")]
mod clickhouse;
mod config;
#[cfg(feature = "d1")]
mod d1;
mod description;
#[cfg(all(test, feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod dialect_tests;
#[cfg(any(feature = "mysql", feature = "clickhouse"))]
mod grants;
#[cfg(any(feature = "redis", feature = "upstash"))]
mod keyvalue;
#[cfg(any(feature = "sqlite", feature = "turso", feature = "d1"))]
mod lite;
#[cfg(feature = "mongodb")]
mod mongodb;
#[cfg(feature = "mysql")]
mod mysql;
mod places;
pub mod pool;
#[cfg(feature = "postgres")]
mod postgres;
pub mod readers;
#[cfg(feature = "redis")]
mod redis;
mod registry;
mod remembered;
#[cfg(any(
    feature = "clickhouse",
    feature = "upstash",
    feature = "turso",
    feature = "d1"
))]
mod service;
#[cfg(any(feature = "mysql", feature = "clickhouse", feature = "redis"))]
mod source_url;
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
mod told;
#[cfg(feature = "turso")]
mod turso;
#[cfg(feature = "upstash")]
mod upstash;
pub mod writers;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::bridges::pool::PoolState;
use crate::bridges::registry::REGISTRY;
use crate::error::{ErrorCode, JobError};
use crate::files;
use crate::job::{Columns, JobControl, Package, RowSink, Summary};
use crate::options::{Request, Target};
use crate::sources::{CredentialsLocation, Source};

/// A bridge that sources may name.
struct Registered {
    /// Its facts.
    package: Package,
    /// Checks the configuration of a source and makes an empty pool. Cheap; nothing is connected.
    open: fn(&Map<String, Value>) -> Opened,
}

type Opened = Result<Arc<dyn Bridge>, JobError>;

/// Starts what all sources share, while there is room for it.
///
/// # Errors
/// There is no thread left.
pub fn prepare() -> std::io::Result<()> {
    pool::prepare()
}

/// The packages of the bridges in this binary.
pub fn packages() -> impl Iterator<Item = &'static Package> + Clone {
    REGISTRY.iter().map(|registered| &registered.package)
}

/// Their names.
pub fn capabilities() -> Vec<&'static str> {
    packages().map(Package::name).collect()
}

/// Opens a source: checks its configuration and makes an empty pool. Cheap; nothing is connected.
///
/// # Errors
/// `UNKNOWN_BRIDGE`, `SOURCE_CONFIG`.
pub fn open(source: &Source) -> Result<Arc<dyn Bridge>, JobError> {
    let known = REGISTRY
        .iter()
        .find(|registered| registered.package.name() == source.bridge);
    config::check_host(&source.config)?;
    match known {
        Some(registered) => match source.credentials {
            CredentialsLocation::Managed => {
                files::for_managed(|| (registered.open)(&source.config))
            }
            CredentialsLocation::RunnerLocal => (registered.open)(&source.config),
        },
        None => Err(JobError::new(
            ErrorCode::UnknownBridge,
            format!(
                "Unknown bridge: \"{}\". Available: {}",
                source.bridge,
                capabilities().join(", ")
            ),
        )),
    }
}

/// A source opened by its bridge: its configuration is checked, its pool is lazy.
pub trait Bridge: Send + Sync {
    /// The facts of its package.
    fn package(&self) -> &'static Package;

    /// Runs one job to its end: rows go to `sink`, which the caller flushes. Blocks the calling worker; ends
    /// early when `job` is aborted.
    fn run(
        &self,
        job: &Arc<JobControl>,
        request: &Request,
        sink: &mut RowSink,
    ) -> Result<Summary, JobError>;

    /// Most jobs of this source that may run side by side: the size of its pool.
    fn concurrency(&self) -> usize;

    /// The columns of a target, for deciding which of them a job may name. Blocks and ends as [`Bridge::run`]
    /// does.
    fn columns(&self, job: &Arc<JobControl>, target: &Target) -> Result<Columns, JobError>;

    /// How many connections there are now. Must not block: it is called under the dispatcher's lock.
    fn pool_state(&self) -> PoolState;
}
