//! `@semilayer/bridge-upstash`: Redis behind the REST front end of Upstash. Commands are JSON, several in one
//! request, and what comes back of the store is Base64. What it shares with Redis is in `keyvalue`.
//!
//! - `package`: its facts; opening a source and its sessions.
//! - `rest`: the text of requests and answers.
//! - `session`: asking the server.

mod package;
mod rest;
mod session;

use crate::bridges::keyvalue::{KeyValueEngine, Store};
use crate::error::JobError;
use crate::job::{JobControl, Package};

use package::UpstashConnector;
use session::Session;

pub(super) use package::PACKAGE;

/// The engine.
struct Upstash;

impl KeyValueEngine for Upstash {
    type Connector = UpstashConnector;

    fn package() -> &'static Package {
        &PACKAGE.package
    }

    fn job<T>(
        session: &mut Session,
        job: &JobControl,
        work: impl FnOnce(&mut dyn Store) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        session.job(job, |session| work(session))
    }
}
