//! PostgreSQL and its wire-compatible relatives.
//!
//! - `package`: their facts, and opening a source; `config`, `connection_string`, `parameters`, `address`: what a
//!   configuration says
//! - `connect`, `attempt`, `options`, `standing`, `hook`, `stream`, `link`, `greeting`, `messages`: connecting, read-only
//!   from the start, and what may come in
//! - `connection`, `statements`, `param`: statements on a connection
//! - `session`: what the shared answers need; `dialect`, `catalog`, `list`, `privileges`
//! - `row`, `typed`, `types`, `form`, `numeric`, `time_label`, `wire`: what comes back, from the wire's bytes; `error`

mod address;
mod attempt;
mod catalog;
mod config;
mod connect;
mod connection;
mod connection_string;
mod dialect;
mod error;
mod form;
mod greeting;
mod hook;
mod link;
mod list;
mod messages;
mod numeric;
mod options;
mod package;
mod param;
mod parameters;
mod privileges;
mod row;
mod session;
mod standing;
mod statements;
mod stream;
mod time_label;
mod typed;
mod types;

mod wire;

use std::sync::Arc;

use crate::bridges::sql::SqlEngine;
use crate::error::JobError;
use crate::job::{JobControl, Package};

use catalog::Catalog;
use connect::PostgresConnector;
use connection::Connection;
use session::PostgresSession;

pub(super) use dialect::POSTGRES;
pub(super) use package::{COCKROACH_PACKAGE, NEON_PACKAGE, PACKAGE};
pub(super) use types::form;

/// Which relative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// PostgreSQL itself.
    Postgres,
    /// CockroachDB: port 26257, targets without schemas, no sampling.
    Cockroach,
    /// Neon: TLS always, targets without schemas.
    Neon,
}

impl Flavour {
    fn default_port(self) -> u16 {
        match self {
            Self::Cockroach => 26257,
            Self::Postgres | Self::Neon => 5432,
        }
    }

    fn requires_tls(self) -> bool {
        self == Self::Neon
    }

    fn missing_config(self) -> &'static str {
        match self {
            Self::Postgres => {
                "PostgresBridge requires a \"url\" or (\"host\" + \"database\") config"
            }
            Self::Cockroach => {
                "CockroachdbBridge requires a \"url\" or (\"host\" + \"database\") config"
            }
            Self::Neon => "NeonBridge requires a \"url\" config",
        }
    }
}

/// A source on PostgreSQL or a relative.
pub struct Postgres {
    flavour: Flavour,
    catalog: Catalog,
    /// The source says that it has the PostGIS extension.
    postgis: bool,
}

impl SqlEngine for Postgres {
    type Connector = PostgresConnector;
    type Session<'s> = PostgresSession<'s>;

    fn package(&self) -> &'static Package {
        self.flavour.package()
    }

    fn geohashes(&self) -> (bool, bool) {
        (self.postgis, self.postgis)
    }

    fn job<T>(
        &self,
        connection: &mut Connection,
        job: &Arc<JobControl>,
        work: impl FnOnce(&mut PostgresSession<'_>) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        connection.job(job, |connection| {
            work(&mut PostgresSession {
                connection,
                engine: self,
            })
        })
    }
}
