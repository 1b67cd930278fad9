//! `@semilayer/bridge-mongodb`: documents, over MongoDB's own protocol and nothing else. The way of a job here:
//! `config` says where to, `connect` finds a server among those that `topology` understands and opens a `session`,
//! `filter` and `aggregate` put the question, `answer` hands the documents on.
//!
//! * `config`: the connection string; `service`: the servers that DNS names for one
//! * `connect`, `dial`, `round`, `topology`: which server; `greet`, `auth`: the first words with it, and logging in
//! * `wire`, `bson`: what travels; `session`: the commands of a job, and their end
//! * `filter`, `path`, `instant`, `since`: what jobs ask of documents
//! * `key`: walking a whole collection
//! * `answer`, `aggregate`, `describe`, `privileges`: the answers
//! * `error`: what failures mean; `package`: the facts of the bridge

mod aggregate;
mod answer;
mod auth;
mod bson;
mod config;
mod connect;
mod describe;
mod dial;
mod error;
mod filter;
mod greet;
mod instant;
mod key;
mod package;
mod path;
mod privileges;
mod round;
mod service;
mod session;
mod since;
mod topology;
mod wire;

use std::sync::Arc;

use crate::bridges::Bridge;
use crate::bridges::pool::{Pool, PoolState};
use crate::bridges::remembered::Remembered;
use crate::error::JobError;
use crate::job::{Columns, JobControl, Package, RowSink, Summary};
use crate::json::Text;
use crate::limits;
use crate::options::{Request, Target};
use config::Settings;
use connect::MongoConnector;
use session::Operation;

pub(super) use package::PACKAGE;

/// See [`crate::bridges::writers::mongodb`].
pub(super) fn write_answer(out: &mut Text, answer: &[u8]) -> bool {
    let document = wire::read_message(answer).map(|(_, document)| document);
    document.is_some_and(|document| {
        bson::write_document(out, document, &bson::HiddenPaths::default()).is_ok()
    })
}

/// See [`crate::bridges::writers::is_mongodb_service`].
pub(super) fn is_service(answer: &[u8], question: &[u8]) -> bool {
    matches!(
        service::read_answers(answer, question, service::Kind::Service),
        Ok(Some(_))
    )
}

/// A MongoDB source.
struct MongoBridge {
    pool: Pool<MongoConnector>,
    /// What walks have counted: the count made for the first page serves the pages after it.
    totals: Remembered<u64>,
}

impl MongoBridge {
    /// A source with an empty pool; nothing is connected yet.
    fn new(settings: Settings) -> Self {
        let max = settings.pool_max;
        Self {
            pool: Pool::new(MongoConnector::new(settings), max),
            totals: Remembered::new(limits::WALK_TOTAL),
        }
    }

    fn answer(
        &self,
        operation: &mut Operation<'_>,
        request: &Request,
        sink: &mut RowSink,
    ) -> Result<Summary, JobError> {
        match request {
            Request::Read(options) => answer::read(operation, options, &self.totals, sink),
            Request::Query(options) => answer::query(operation, options, sink),
            Request::BatchRead(options) => answer::batch_read(operation, options, sink),
            Request::Count(options) => answer::count(operation, options, sink),
            Request::Aggregate(options) => aggregate::aggregate(operation, options, sink),
            Request::IntrospectTarget(target) => describe::introspect(operation, target, sink),
            Request::ListTargets => describe::list_targets(operation, sink),
            Request::Test => describe::test(operation),
            Request::Privileges => Ok(Summary {
                privileges: Some(privileges::ask(operation)?),
                ..Summary::default()
            }),
        }
    }
}

impl Bridge for MongoBridge {
    fn package(&self) -> &'static Package {
        &PACKAGE.package
    }

    fn run(
        &self,
        job: &Arc<JobControl>,
        request: &Request,
        sink: &mut RowSink,
    ) -> Result<Summary, JobError> {
        self.pool.run(job, |session| {
            // It may be the second attempt.
            sink.restart();
            session.job(job, |operation| self.answer(operation, request, sink))
        })
    }

    fn columns(&self, _: &Arc<JobControl>, _: &Target) -> Result<Columns, JobError> {
        Ok(Columns::Schemaless { key: "_id" })
    }

    fn concurrency(&self) -> usize {
        self.pool.max()
    }

    fn pool_state(&self) -> PoolState {
        self.pool.state()
    }
}
