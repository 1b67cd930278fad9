//! MySQL and its wire-compatible relatives.
//!
//! - `package`: their facts, and opening a source; `config`, `encryption`: what a configuration says
//! - `connector`, `connect`, `dial`, `guard`: connecting, read-only from the start, and what may come in
//! - `connection`: statements on a connection; `kill`: ending them
//! - `session`: what the shared answers need; `dialect`, `literal`, `catalog`, `key`, `since`, `privileges`
//! - `row`, `layout`, `value`, `time`, `geometry`: what comes back; `error`

mod catalog;
mod config;
mod connect;
mod connection;
mod connector;
mod dial;
mod dialect;
mod encryption;
mod error;
mod geometry;
mod guard;
mod key;
mod kill;
mod layout;
mod literal;
mod package;
mod privileges;
mod row;
mod session;
mod since;
mod stranger;
mod time;
mod value;

use std::sync::Arc;

use crate::bridges::sql::SqlEngine;
use crate::error::JobError;
use crate::job::{JobControl, Package};
use crate::json::Text;

use catalog::Catalog;
use config::Settings;
use connection::Connection;
use connector::MySqlConnector;
use session::MySqlSession;

pub(super) use dialect::MYSQL;
pub(super) use package::{MARIADB_PACKAGE, PACKAGE, PLANETSCALE_PACKAGE};

/// Appends a value that belongs to a column like this.
pub(super) fn write_value_of(out: &mut Text, column: &mysql::Column, value: &mysql::Value) {
    value::write_value(out, value, layout::form(Flavour::MySql, column, None));
}

/// Which relative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// The bridge for MySQL, which people also use with MariaDB.
    MySql,
    /// The bridge for MariaDB: values as its own driver shows them.
    MariaDb,
    /// PlanetScale: TLS always.
    PlanetScale,
}

impl Flavour {
    fn missing_config(self) -> &'static str {
        match self {
            Self::MySql => {
                "MysqlBridge requires either a \"url\" or (\"host\" + \"database\") config"
            }
            Self::MariaDb => {
                "MariadbBridge requires either a \"url\" or (\"host\" + \"database\") config"
            }
            Self::PlanetScale => {
                "PlanetscaleBridge requires either a \"url\" or (\"host\" + \"username\" + \"password\") config"
            }
        }
    }
}

/// A source on MySQL or a relative.
struct MySql {
    flavour: Flavour,
    settings: Arc<Settings>,
    catalog: Catalog,
    /// The source says that its geohash buckets may be used.
    geohash: bool,
}

impl SqlEngine for MySql {
    type Connector = MySqlConnector;
    type Session<'s> = MySqlSession<'s>;

    fn package(&self) -> &'static Package {
        self.flavour.package()
    }

    fn geohashes(&self) -> (bool, bool) {
        (self.geohash, false)
    }

    fn job<T>(
        &self,
        connection: &mut Connection,
        job: &Arc<JobControl>,
        work: impl FnOnce(&mut MySqlSession<'_>) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        connection.job(job, &self.settings, |connection| {
            work(&mut MySqlSession {
                connection,
                engine: self,
            })
        })
    }
}
