//! A source of a key-value store.

use std::sync::Arc;

use super::answer::Answer;
use super::command::Store;
use super::content::KEY;
use super::walks::Walks;
use crate::bridges::Bridge;
use crate::bridges::pool::{Connector, Pool, PoolState};
use crate::error::JobError;
use crate::job::{Columns, JobControl, Package, RowSink, Summary};
use crate::options::{OptionRules, Request, Target};

/// One kind of store.
pub trait KeyValueEngine: Send + Sync + 'static {
    /// Makes its connections.
    type Connector: Connector;

    /// Its facts.
    fn package() -> &'static Package;

    /// Runs the commands of one job, whose end cuts the connection.
    fn job<T>(
        connection: &mut <Self::Connector as Connector>::Connection,
        job: &JobControl,
        work: impl FnOnce(&mut dyn Store) -> Result<T, JobError>,
    ) -> Result<T, JobError>;
}

/// What the options of such bridges may say. Any text is a target: it is the beginning of keys, and no part of a
/// statement.
pub const fn rules(package: &'static str) -> OptionRules {
    OptionRules {
        target: |text| Ok(Target::whole(text)),
        aggregate_target: |text| Ok(Target::whole(text)),
        offset_alone: true,
        // A number could only be the text of no key.
        numeric_cursor: false,
        in_memory: Some(KEY),
        ..OptionRules::usual(package)
    }
}

/// A source: its connections, and the walks over its keys.
pub struct KeyValueBridge<E: KeyValueEngine> {
    pool: Pool<E::Connector>,
    walks: Walks,
}

impl<E: KeyValueEngine> KeyValueBridge<E> {
    /// A source with at most `max` connections; nothing is connected yet.
    pub fn new(connector: E::Connector, max: usize) -> Self {
        Self {
            pool: Pool::new(connector, max),
            walks: Walks::default(),
        }
    }
}

impl<E: KeyValueEngine> Bridge for KeyValueBridge<E> {
    fn package(&self) -> &'static Package {
        E::package()
    }

    fn run(
        &self,
        job: &Arc<JobControl>,
        request: &Request,
        sink: &mut RowSink,
    ) -> Result<Summary, JobError> {
        self.pool.run(job, |connection| {
            // It may be the second attempt.
            sink.restart();
            E::job(connection, job, |store| {
                let mut answer = Answer {
                    job,
                    walks: &self.walks,
                    store,
                    sink,
                };
                answer.run(request)
            })
        })
    }

    fn columns(&self, _: &Arc<JobControl>, _: &Target) -> Result<Columns, JobError> {
        Ok(Columns::Schemaless { key: KEY })
    }

    fn concurrency(&self) -> usize {
        self.pool.max()
    }

    fn pool_state(&self) -> PoolState {
        self.pool.state()
    }
}
