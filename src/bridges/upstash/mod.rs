//! `@semilayer/bridge-upstash`: Redis behind the REST front end of Upstash. Commands are JSON, several in one
//! request, and what comes back of the store is Base64. What it shares with Redis is in `keyvalue`.
//!
//! - `package`: its facts; opening a source.
//! - `rest`: the text of requests and answers.
//! - `session`: asking the server.

mod package;
mod rest;
mod session;

use crate::bridges::keyvalue::{KeyValueEngine, Store};
use crate::bridges::service::{Service, Services};
use crate::error::JobError;
use crate::job::{JobControl, Package};

use session::Asking;

pub(super) use package::PACKAGE;

/// The engine.
struct Upstash;

impl KeyValueEngine for Upstash {
    type Connector = Services;

    fn package() -> &'static Package {
        &PACKAGE.package
    }

    fn job<T>(
        service: &mut Service,
        job: &JobControl,
        work: impl FnOnce(&mut dyn Store) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let _guard = service.begin(job)?;
        work(&mut Asking { service, job })
    }
}
