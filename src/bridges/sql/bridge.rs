//! A source of a SQL engine.

use std::sync::Arc;

use super::aggregate::check_geohash;
use super::answer::Answer;
use super::{Session, SqlEngine};
use crate::bridges::Bridge;
use crate::bridges::pool::{Pool, PoolState};
use crate::bridges::remembered::Remembered;
use crate::error::JobError;
use crate::job::{Columns, JobControl, Package, RowSink, Summary};
use crate::limits;
use crate::options::{Request, Target};

/// A source: its engine and its connections.
pub(in crate::bridges) struct SqlBridge<E: SqlEngine> {
    engine: E,
    pool: Pool<E::Connector>,
    /// Every page of a `read` says how many rows the table has, and counting them for every page makes a walk
    /// cost the square of its length. So the count made for the first page serves the pages after it.
    totals: Remembered<u64>,
}

impl<E: SqlEngine> SqlBridge<E> {
    /// A source with at most `max` connections; nothing is connected yet.
    pub fn new(engine: E, connector: E::Connector, max: usize) -> Self {
        Self {
            engine,
            pool: Pool::new(connector, max),
            totals: Remembered::new(limits::WALK_TOTAL),
        }
    }
}

#[cfg(test)]
impl<E: SqlEngine> SqlBridge<E> {
    pub(super) fn engine(&self) -> &E {
        &self.engine
    }
}

impl<E: SqlEngine> Bridge for SqlBridge<E> {
    fn package(&self) -> &'static Package {
        self.engine.package()
    }

    fn run(
        &self,
        job: &Arc<JobControl>,
        request: &Request,
        sink: &mut RowSink,
    ) -> Result<Summary, JobError> {
        if let Request::Aggregate(options) = request {
            let (degrees, points) = self.engine.geohashes();
            check_geohash(options, degrees, points)?;
        }
        self.pool.run(job, |connection| {
            // It may be the second attempt.
            sink.restart();
            self.engine.job(connection, job, |session| {
                let mut answer = Answer {
                    session,
                    names: &self.engine.package().names,
                    totals: &self.totals,
                    sink,
                };
                answer.answer(request)
            })
        })
    }

    fn columns(&self, job: &Arc<JobControl>, target: &Target) -> Result<Columns, JobError> {
        self.pool.run(job, |connection| {
            self.engine
                .job(connection, job, |session| session.columns(target))
        })
    }

    fn concurrency(&self) -> usize {
        self.pool.max()
    }

    fn pool_state(&self) -> PoolState {
        self.pool.state()
    }
}
