//! `@semilayer/bridge-postgres` and its wire-compatible relatives. The way of a job here: `config` and
//! `connect` make a `session`, `catalog` knows the target's columns, `answer` runs the statements and
//! `row` writes what comes back.

mod aggregate;
mod answer;
mod catalog;
mod config;
mod connect;
mod error;
mod form;
mod greeting;
mod link;
mod numeric;
mod param;
mod privileges;
mod row;
mod session;
mod statements;
mod time_label;
mod wire;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::bridges::Bridge;
use crate::bridges::pool::{Pool, PoolState};
use crate::bridges::totals::Totals;
use crate::error::JobError;
use crate::job::{JobControl, RowSink};
use crate::job::{Summary, TargetColumn};
use crate::options::Request;
use crate::sql::Dialect;
use crate::sql::{schema_and_table, whole_name};

use catalog::Catalog;
use config::Settings;
use connect::PostgresConnector;

pub(super) use form::form;

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
    /// Name of the bridge's package.
    pub fn package(self) -> &'static str {
        match self {
            Self::Postgres => "@semilayer/bridge-postgres",
            Self::Cockroach => "@semilayer/bridge-cockroachdb",
            Self::Neon => "@semilayer/bridge-neon",
        }
    }

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

/// A target's name, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target<'a> {
    /// The schema; `None` where the search path decides.
    pub schema: Option<&'a str>,
    /// The table.
    pub table: &'a str,
    /// The name as it stands in a statement.
    pub quoted: String,
}

impl<'a> Target<'a> {
    fn new(schema: Option<&'a str>, table: &'a str) -> Self {
        let mut quoted = String::new();
        for part in schema.into_iter().chain([table]) {
            if !quoted.is_empty() {
                quoted.push('.');
            }
            Dialect::Postgres.write_quoted(part, &mut quoted);
        }
        Self {
            schema,
            table,
            quoted,
        }
    }

    fn parse(name: &'a str, flavour: Flavour) -> Result<Self, JobError> {
        let (schema, table) = match flavour {
            Flavour::Postgres => {
                schema_and_table(name).map(|(schema, table)| (Some(schema), table))
            }
            Flavour::Cockroach | Flavour::Neon => whole_name(name).map(|table| (None, table)),
        }?;
        Ok(Self::new(schema, table))
    }

    /// The name as messages show it.
    pub fn display(&self) -> String {
        match self.schema {
            Some(schema) => format!("{schema}.{}", self.table),
            None => self.table.to_owned(),
        }
    }
}

/// A source on PostgreSQL or a relative.
pub struct PostgresBridge {
    flavour: Flavour,
    pool: Pool<PostgresConnector>,
    catalog: Catalog,
    totals: Totals,
    /// The source says that it has the PostGIS extension.
    postgis: bool,
}

impl PostgresBridge {
    /// Checks a configuration and makes an empty pool; nothing is connected yet.
    ///
    /// # Errors
    /// `SOURCE_CONFIG`.
    pub fn open(flavour: Flavour, config: &Map<String, Value>) -> Result<Self, JobError> {
        let settings = Settings::parse(config, flavour)?;
        let max = settings.pool_max;
        let pool = Pool::new(PostgresConnector::new(settings), max);
        Ok(Self {
            flavour,
            pool,
            catalog: Catalog::default(),
            totals: Totals::default(),
            postgis: config.get("enablePostgis") == Some(&Value::Bool(true)),
        })
    }
}

impl Bridge for PostgresBridge {
    fn run(
        &self,
        job: &Arc<JobControl>,
        target: &str,
        request: &Request,
        sink: &mut RowSink,
    ) -> Result<Summary, JobError> {
        let name = target;
        let target = match request {
            Request::ListTargets | Request::Test | Request::Privileges | Request::Aggregate(_) => {
                None
            }
            _ => Some(Target::parse(target, self.flavour)?),
        };
        self.pool.run(job, sink, |session, sink| {
            session.job(job, |session| {
                let mut answer = answer::Answer {
                    flavour: self.flavour,
                    catalog: &self.catalog,
                    totals: &self.totals,
                    session,
                    sink,
                };
                match (request, &target) {
                    (Request::ListTargets, _) => answer.list_targets(),
                    (Request::Privileges, _) => privileges::ask(answer.session),
                    (Request::Read(options), Some(target)) => answer.read(target, options),
                    (Request::Query(options), Some(target)) => answer.query(target, options),
                    (Request::BatchRead(options), Some(target)) => {
                        answer.batch_read(target, options)
                    }
                    (Request::Count(options), Some(target)) => answer.count(target, options),
                    (Request::IntrospectTarget, Some(target)) => answer.introspect(target),
                    (Request::Aggregate(options), _) => answer
                        .aggregate(name, options, self.postgis)
                        .map(|()| Summary::default()),
                    (Request::Test, _) | (_, None) => answer.test(),
                }
            })
        })
    }

    fn columns(&self, job: &Arc<JobControl>, target: &str) -> Result<Vec<TargetColumn>, JobError> {
        let target = Target::parse(target, self.flavour)?;
        let (mut sink, _) = RowSink::apart(job.deadline());
        let relation = self.pool.run(job, &mut sink, |session, _| {
            session.job(job, |session| self.catalog.relation(session, &target))
        })?;
        let Some(relation) = relation else {
            return Ok(Vec::new());
        };
        let columns = relation.columns.iter().map(|column| TargetColumn {
            name: column.name.clone(),
            key: relation.key.contains(&column.name),
            hidden: false,
        });
        Ok(columns.collect())
    }

    fn concurrency(&self) -> usize {
        self.pool.max()
    }

    fn pool_state(&self) -> PoolState {
        self.pool.state()
    }
}
