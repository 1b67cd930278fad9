//! SQLite: one database file, opened read-only and never created. Values are written by their storage class; the
//! declared type of a column says nothing about what is in it.
//!
//! - `package`: its facts, and opening a source
//! - `connect`: opening the file
//! - `session`: statements of a job
//! - `dialect`: the language; `catalog`, `key`, `since`: what must be known of a table
//! - `row`, `value`: what comes back; `error`
//! - `memory`: whether a job that found none was alone

mod catalog;
mod connect;
mod dialect;
mod error;
mod key;
mod memory;
mod package;
mod row;
mod session;
mod since;
mod value;

use std::sync::Arc;

use crate::bridges::sql::SqlEngine;
use crate::error::JobError;
use crate::job::{JobControl, Package};

use connect::{Database, DatabaseFile};
use error::failure;
use memory::Attempt;
use session::SqliteSession;

pub(super) use dialect::SQLITE;
pub(super) use package::PACKAGE;
pub(super) use value::write_value;

/// The engine, which remembers nothing: its catalog is at hand.
struct Sqlite;

impl SqlEngine for Sqlite {
    type Connector = DatabaseFile;
    type Session<'s> = SqliteSession<'s>;

    fn package(&self) -> &'static Package {
        &PACKAGE.package
    }

    /// In one read transaction, so that catalog, rows and total are of the same moment.
    fn job<T>(
        &self,
        database: &mut Database,
        job: &Arc<JobControl>,
        work: impl FnOnce(&mut SqliteSession<'_>) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let connection = database.begin(job)?;
        let attempt = Attempt::begin();
        let result = connection
            .transaction()
            .map_err(|error| failure(job, &error))
            .and_then(|transaction| {
                work(&mut SqliteSession {
                    connection: &transaction,
                    job,
                })
            });
        result.map_err(|error| attempt.judge(job, error))
    }
}
