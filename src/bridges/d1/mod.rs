//! `@semilayer/bridge-d1`: Cloudflare's D1, which is SQLite behind a REST interface. A job is one request: its page, its
//! total, and what was remembered of the table, which is looked at again. What it shares with SQLite is in `lite`.
//!
//! - `package`: its facts, and opening a source
//! - `database`: statements of a job; `statement`: their text; `answer`: what comes back
//!
//! What statements and values come to was seen on the engine that the service runs on. What is known only from its
//! documentation or from public reports is said where it is used.

mod answer;
mod database;
mod package;
mod statement;

use std::io::BufRead;
use std::sync::Arc;
use std::time::Instant;

use crate::bridges::lite::LiteSession;
use crate::bridges::remembered::Remembered;
use crate::bridges::service::Service;
use crate::bridges::sql::SqlEngine;
use crate::error::JobError;
use crate::job::{JobControl, Package};
use crate::limits;

use database::{D1Database, Rows};
use package::D1Connector;

pub(super) use package::PACKAGE;

/// The texts of an answer's rows, for whoever has no job; `None` when it is no answer to one statement.
pub(super) fn read_row_texts(source: &mut dyn BufRead) -> Option<Vec<String>> {
    let job = JobControl::new("", Instant::now());
    let mut texts = Vec::new();
    let read = answer::read_rows(source, &job, 1, &mut |_, row| {
        texts.push(row.text.to_owned());
        Ok(())
    });
    read.ok().map(|()| texts)
}

/// The engine of one source.
struct D1 {
    /// The account, as it stands in paths.
    account: String,
    /// Where the statements of its database go.
    path: String,
    /// What was said about tables, by statement, and when.
    catalog: Remembered<(Instant, Arc<Rows>)>,
}

impl D1 {
    fn new(root: &str, account: &str, database: &str) -> Self {
        let account = format!("/accounts/{account}");
        Self {
            path: format!("{root}{account}/d1/database/{database}/raw"),
            account,
            catalog: Remembered::new(limits::D1_CATALOG),
        }
    }
}

impl SqlEngine for D1 {
    type Connector = D1Connector;
    type Session<'s> = LiteSession<'s>;

    fn package(&self) -> &'static Package {
        &PACKAGE.package
    }

    fn job<T>(
        &self,
        service: &mut Service,
        job: &Arc<JobControl>,
        work: impl FnOnce(&mut LiteSession<'_>) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let _guard = service.begin(job)?;
        let mut database = D1Database::new(self, service, job);
        let result = work(&mut LiteSession(&mut database));
        result.and_then(|done| database.check().map(|()| done))
    }
}
