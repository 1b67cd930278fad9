//! Bridges: what the jobs of a source mean on its database. One module a database; the wire-compatible
//! relatives of a database are flavours of its module.

#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod aggregate;
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod description;
#[cfg(feature = "mysql")]
mod mysql;
pub mod pool;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod totals;
pub mod writers;

use std::sync::Arc;

use crate::bridges::pool::PoolState;
use crate::error::{ErrorCode, JobError};
use crate::job::{JobControl, RowSink, Summary, TargetColumn};
use crate::options::Request;
use crate::sources::Source;

/// The bridges in this binary, in the official order. `hello.capabilities` lists exactly these.
const BRIDGES: &[(&str, Open)] = &[
    #[cfg(feature = "postgres")]
    ("@semilayer/bridge-postgres", |source| {
        postgres(postgres::Flavour::Postgres, source)
    }),
    #[cfg(feature = "postgres")]
    ("@semilayer/bridge-cockroachdb", |source| {
        postgres(postgres::Flavour::Cockroach, source)
    }),
    #[cfg(feature = "postgres")]
    ("@semilayer/bridge-neon", |source| {
        postgres(postgres::Flavour::Neon, source)
    }),
    #[cfg(feature = "mysql")]
    ("@semilayer/bridge-mysql", |source| {
        mysql(mysql::Flavour::MySql, source)
    }),
    #[cfg(feature = "mysql")]
    ("@semilayer/bridge-mariadb", |source| {
        mysql(mysql::Flavour::MariaDb, source)
    }),
    #[cfg(feature = "mysql")]
    ("@semilayer/bridge-planetscale", |source| {
        mysql(mysql::Flavour::PlanetScale, source)
    }),
    #[cfg(feature = "sqlite")]
    ("@semilayer/bridge-sqlite", |source| {
        Ok(Arc::new(sqlite::SqliteBridge::open(&source.config)?))
    }),
];

type Open = fn(&Source) -> Result<Arc<dyn Bridge>, JobError>;

/// Package names of the bridges in this binary.
pub fn capabilities() -> Vec<&'static str> {
    BRIDGES.iter().map(|(package, _)| *package).collect()
}

/// Opens a source: checks its configuration and makes an empty pool. Cheap; nothing is connected.
///
/// # Errors
/// `UNKNOWN_BRIDGE`, `SOURCE_CONFIG`.
pub fn open(source: &Source) -> Result<Arc<dyn Bridge>, JobError> {
    match BRIDGES
        .iter()
        .find(|(package, _)| *package == source.bridge)
    {
        Some((_, open)) => open(source),
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

#[cfg(feature = "postgres")]
fn postgres(flavour: postgres::Flavour, source: &Source) -> Result<Arc<dyn Bridge>, JobError> {
    Ok(Arc::new(postgres::PostgresBridge::open(
        flavour,
        &source.config,
    )?))
}

#[cfg(feature = "mysql")]
fn mysql(flavour: mysql::Flavour, source: &Source) -> Result<Arc<dyn Bridge>, JobError> {
    Ok(Arc::new(mysql::MySqlBridge::open(flavour, &source.config)?))
}

/// A source opened by its bridge: its configuration is checked, its pool is lazy.
pub trait Bridge: Send + Sync {
    /// Runs one job to its end: rows go to `sink`, which the caller flushes. Blocks the calling worker; ends
    /// early when `job` is aborted. `target` is the job's, unchecked.
    fn run(
        &self,
        job: &Arc<JobControl>,
        target: &str,
        request: &Request,
        sink: &mut RowSink,
    ) -> Result<Summary, JobError>;

    /// Most jobs of this source that may run side by side: the size of its pool.
    fn concurrency(&self) -> usize;

    /// The columns of a target, for deciding which of them a job may name; empty when there is no such target.
    /// Blocks and ends as [`Bridge::run`] does.
    fn columns(&self, job: &Arc<JobControl>, target: &str) -> Result<Vec<TargetColumn>, JobError>;

    /// How many connections there are now. Must not block: it is called under the dispatcher's lock.
    fn pool_state(&self) -> PoolState;
}
