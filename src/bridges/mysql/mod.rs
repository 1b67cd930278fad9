//! `@semilayer/bridge-mysql` and its wire-compatible relatives. The way of a job here: `config` and
//! `connector` make a `session`, `catalog` and `key` know the target, `answer` runs the statements, `layout`
//! and `value` write what comes back.

mod aggregate;
mod answer;
mod catalog;
mod config;
mod connector;
mod encryption;
mod error;
mod geometry;
mod key;
mod layout;
mod privileges;
mod roots;
mod session;
mod since;
mod statement;
mod time;
mod value;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::bridges::Bridge;
use crate::bridges::pool::{Pool, PoolState};
use crate::bridges::totals::Totals;
use crate::error::JobError;
use crate::job::{JobControl, RowSink};
use crate::job::{Summary, TargetColumn};
use crate::options::Request;
use crate::sql::whole_name;

use answer::Answer;
use catalog::Catalog;
use config::Settings;
use connector::MySqlConnector;

/// Appends a value that belongs to a column like this.
pub(super) fn write_value_of(out: &mut String, column: &mysql::Column, value: &mysql::Value) {
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
pub struct MySqlBridge {
    flavour: Flavour,
    pool: Pool<MySqlConnector>,
    settings: Arc<Settings>,
    catalog: Catalog,
    totals: Totals,
    /// The source says that its geohash buckets may be used.
    geohash: bool,
}

impl MySqlBridge {
    /// Checks a configuration and makes an empty pool; nothing is connected yet.
    ///
    /// # Errors
    /// `SOURCE_CONFIG`.
    pub fn open(flavour: Flavour, config: &Map<String, Value>) -> Result<Self, JobError> {
        let settings = Arc::new(Settings::from_config(flavour, config)?);
        let pool = Pool::new(MySqlConnector::new(Arc::clone(&settings)), settings.pool);
        Ok(Self {
            flavour,
            pool,
            settings,
            catalog: Catalog::default(),
            totals: Totals::default(),
            geohash: config.get("enableGeohash") == Some(&Value::Bool(true)),
        })
    }
}

impl Bridge for MySqlBridge {
    fn run(
        &self,
        job: &Arc<JobControl>,
        target: &str,
        request: &Request,
        sink: &mut RowSink,
    ) -> Result<Summary, JobError> {
        // An aggregate takes any name, and may have one of its own.
        if !matches!(
            request,
            Request::ListTargets | Request::Test | Request::Privileges | Request::Aggregate(_)
        ) {
            whole_name(target)?;
        }
        self.pool.run(job, sink, |session, sink| {
            session.job(job, &self.settings, |session| {
                let mut answer = Answer {
                    flavour: self.flavour,
                    catalog: &self.catalog,
                    totals: &self.totals,
                    session,
                    sink,
                };
                match request {
                    Request::ListTargets => answer.list_targets(),
                    Request::Read(options) => answer.read(target, options),
                    Request::Query(options) => answer.query(target, options),
                    Request::BatchRead(options) => answer.batch_read(target, options),
                    Request::Count(options) => answer.count(target, options),
                    Request::IntrospectTarget => answer.introspect(target),
                    Request::Aggregate(options) => answer
                        .aggregate(target, options, self.geohash)
                        .map(|()| Summary::default()),
                    Request::Test => answer.test(),
                    Request::Privileges => privileges::ask(answer.session),
                }
            })
        })
    }

    fn columns(&self, job: &Arc<JobControl>, target: &str) -> Result<Vec<TargetColumn>, JobError> {
        whole_name(target)?;
        let (mut sink, _) = RowSink::apart(job.deadline());
        self.pool.run(job, &mut sink, |session, _| {
            session.job(job, &self.settings, |session| {
                Catalog::columns(session, target)
            })
        })
    }

    fn concurrency(&self) -> usize {
        self.pool.max()
    }

    fn pool_state(&self) -> PoolState {
        self.pool.state()
    }
}
