//! SQLite: one database file, opened read-only and never created. Values are written by their storage class; the
//! declared type of a column says nothing about what is in it.
//!
//! - `package`: its facts, and opening a source
//! - `connect`: opening the file
//! - `database`: running statements; what they are is said in `lite`
//! - `value`: what goes in and comes back; `error`
//! - `memory`: whether a job that found none was alone

mod connect;
mod database;
mod error;
mod memory;
mod package;
mod value;

use std::sync::Arc;

use crate::bridges::lite::LiteSession;
use crate::bridges::sql::SqlEngine;
use crate::error::JobError;
use crate::job::{JobControl, Package};

use connect::{Database, DatabaseFile};
use database::OpenFile;
use error::failure;
use memory::Attempt;

pub(super) use package::PACKAGE;

/// The engine, which remembers nothing: its catalog is at hand.
struct Sqlite;

impl SqlEngine for Sqlite {
    type Connector = DatabaseFile;
    type Session<'s> = LiteSession<'s>;

    fn package(&self) -> &'static Package {
        &PACKAGE.package
    }

    /// In one read transaction, so that catalog, rows and total are of the same moment.
    fn job<T>(
        &self,
        database: &mut Database,
        job: &Arc<JobControl>,
        work: impl FnOnce(&mut LiteSession<'_>) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let connection = database.begin(job)?;
        let attempt = Attempt::begin();
        let result = connection
            .transaction()
            .map_err(|error| failure(job, &error))
            .and_then(|transaction| {
                work(&mut LiteSession(&mut OpenFile {
                    connection: &transaction,
                    job,
                }))
            });
        result.map_err(|error| attempt.judge(job, error))
    }
}
