//! `@semilayer/bridge-redis`: Redis and its relatives of the same protocol. Reads only, and never by a command
//! that looks at all keys at once. What it shares with other key-value stores is in `keyvalue`.
//!
//! - `package`: its facts, and opening a source.
//! - `config`: what a source says.
//! - `connect`: a link, a user, a database.
//! - `session`: an open connection.
//! - `resp`: the protocol.
//! - `privileges`: what a user may do beyond reading.
//! - `error`: what refusals mean.

mod config;
mod connect;
mod error;
mod package;
mod privileges;
mod resp;
mod session;

use crate::bridges::keyvalue::{KeyValueEngine, Store};
use crate::error::JobError;
use crate::job::{JobControl, Package};

use connect::RedisConnector;
use session::Session;

pub(super) use package::PACKAGE;
pub(super) use resp::{Allowance, read_reply};

/// The engine.
struct Redis;

impl KeyValueEngine for Redis {
    type Connector = RedisConnector;

    fn package() -> &'static Package {
        &PACKAGE.package
    }

    fn job<T>(
        session: &mut Session,
        job: &JobControl,
        work: impl FnOnce(&mut dyn Store) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        session.job(job, |asking| work(asking))
    }
}
