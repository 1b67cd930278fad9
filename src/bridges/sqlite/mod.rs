//! bridge-sqlite: one database file, opened read-only and never created. Values are written by their storage
//! class; the declared type of a column says nothing about what is in it.

mod aggregate;
mod catalog;
mod connect;
mod error;
mod key;
mod read;
mod rows;
mod select;
mod since;
mod value;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::bridges::Bridge;
use crate::bridges::pool::{Pool, PoolState, configured_size};
use crate::bridges::totals::Totals;
use crate::error::{ErrorCode, JobError};
use crate::job::{JobControl, RowSink};
use crate::job::{Summary, TargetColumn};
use crate::options::Request;
use connect::DatabaseFile;

pub(super) use value::write_value;

/// A SQLite source.
pub struct SqliteBridge {
    pool: Pool<DatabaseFile>,
    totals: Totals,
}

impl SqliteBridge {
    /// Checks the configuration; nothing is opened yet.
    ///
    /// # Errors
    /// `SOURCE_CONFIG` without a `path`.
    pub fn open(config: &Map<String, Value>) -> Result<Self, JobError> {
        match config.get("path").and_then(Value::as_str) {
            Some(path) if !path.is_empty() => Ok(Self {
                pool: Pool::new(DatabaseFile::new(path), configured_size(config)),
                totals: Totals::default(),
            }),
            _ => Err(JobError::new(
                ErrorCode::SourceConfig,
                "SqliteBridge requires a \"path\" config string",
            )),
        }
    }
}

impl Bridge for SqliteBridge {
    fn run(
        &self,
        job: &Arc<JobControl>,
        target: &str,
        request: &Request,
        sink: &mut RowSink,
    ) -> Result<Summary, JobError> {
        self.pool.run(job, sink, |database, sink| {
            let connection = database.begin(job)?;
            match request {
                Request::Read(options) => {
                    read::read(connection, job, target, options, &self.totals, sink)
                }
                Request::Query(options) => select::query(connection, job, target, options, sink),
                Request::BatchRead(options) => {
                    select::batch_read(connection, job, target, options, sink)
                }
                Request::Count(options) => select::count(connection, job, target, options, sink),
                Request::ListTargets => catalog::list_targets(connection, job, sink),
                Request::IntrospectTarget => catalog::introspect(connection, job, target, sink),
                Request::Aggregate(options) => {
                    aggregate::aggregate(connection, job, target, options, sink)
                }
                Request::Test => catalog::test(connection, job),
                Request::Privileges => catalog::privileges(connection, job),
            }
        })
    }

    fn columns(&self, job: &Arc<JobControl>, target: &str) -> Result<Vec<TargetColumn>, JobError> {
        let (mut sink, _) = RowSink::apart(job.deadline());
        self.pool.run(job, &mut sink, |database, _| {
            catalog::columns(database.begin(job)?, job, target)
        })
    }

    fn concurrency(&self) -> usize {
        self.pool.max()
    }

    fn pool_state(&self) -> PoolState {
        self.pool.state()
    }
}
