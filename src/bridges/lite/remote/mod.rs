//! SQLite behind a service: what the service says of itself, and the engine that it makes.
//!
//! - `requests`: the statements of one job; `record`: rows, which come as JSON

mod record;
mod requests;

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::{LiteSession, Value, write_value};
use crate::bridges::Opened;
use crate::bridges::config::pool_size;
use crate::bridges::service::{Called, Service, Services};
use crate::bridges::sql::{SqlBridge, SqlEngine};
use crate::error::JobError;
use crate::job::{JobControl, Package};
use crate::json::{Raw, Text};
use crate::limits;
use crate::sql::Dialect;

pub(in crate::bridges) use record::names;
use requests::{Catalog, Requests};

/// Takes a row: which of the statements of a request it is of, the names of its columns, and the list of its values.
pub(in crate::bridges) type EachRow<'a> =
    dyn FnMut(usize, &[String], Raw<'_>) -> Result<(), JobError> + 'a;

/// What one job asks with.
pub(in crate::bridges) struct Asking<'s> {
    pub service: &'s mut Service,
    pub job: &'s JobControl,
    /// By what the service goes on with what it keeps open for the job; `None` when that is nothing.
    pub stream: Option<String>,
}

/// A service that runs statements of SQLite, several in one request.
pub(in crate::bridges) trait Remote: Send + Sync + 'static {
    /// How errors call it.
    fn called(&self) -> Called;

    /// Its language.
    fn dialect(&self) -> &'static dyn Dialect;

    /// As [`Database::own_prefixes`](super::Database::own_prefixes).
    fn own_prefixes(&self) -> &'static [&'static str] {
        &["sqlite_"]
    }

    /// As [`Database::rounds`](super::Database::rounds).
    fn rounds(&self) -> bool {
        false
    }

    /// True where a request is dearer than counting rows in vain: what a page most likely makes necessary goes along
    /// with it.
    fn counts_along(&self) -> bool {
        false
    }

    /// A statement that answers with its name and version.
    fn version(&self) -> &'static str;

    /// What its token may do beyond reading, as far as that can be known.
    fn beyond_reading(&self) -> Option<&'static str>;

    /// A statement with its values, as it stands in a request.
    fn compose(&self, sql: &str, params: &[Value<'_>]) -> String;

    /// Runs composed statements by one request and hands over the rows of all, as they come. A `brief` request has a
    /// short answer.
    fn ask(
        &self,
        asking: &mut Asking<'_>,
        statements: &[&str],
        brief: bool,
        each: &mut EachRow<'_>,
    ) -> Result<(), JobError>;

    /// Has the service close what it keeps open.
    fn close(&self, _asking: &mut Asking<'_>) {}

    /// A value of a row; `None` for what is none.
    fn value<'a>(&self, value: Raw<'a>) -> Option<Value<'a>>;

    /// Appends a value as rows show it.
    fn write(&self, out: &mut Text, value: &Value<'_>) {
        write_value(out, value);
    }
}

/// Its engine.
struct RemoteEngine {
    package: &'static Package,
    remote: Box<dyn Remote>,
    catalog: Catalog,
}

/// Opens a source of such a service.
pub(in crate::bridges) fn open_remote(
    package: &'static Package,
    remote: impl Remote,
    services: Services,
    config: &Map<String, Json>,
) -> Opened {
    let engine = RemoteEngine {
        package,
        remote: Box::new(remote),
        catalog: Catalog::new(limits::REMOTE_CATALOG),
    };
    Ok(Arc::new(SqlBridge::new(
        engine,
        services,
        pool_size(config),
    )))
}

impl SqlEngine for RemoteEngine {
    type Connector = Services;
    type Session<'s> = LiteSession<'s>;

    fn package(&self) -> &'static Package {
        self.package
    }

    fn job<T>(
        &self,
        service: &mut Service,
        job: &Arc<JobControl>,
        work: impl FnOnce(&mut LiteSession<'_>) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let _guard = service.begin(job)?;
        let mut requests = Requests::new(&*self.remote, &self.catalog, service, job);
        let result = work(&mut LiteSession(&mut requests));
        requests.end(result)
    }
}
