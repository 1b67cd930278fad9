//! ClickHouse over HTTP: each statement is a request, each row of its answer a line of JSON that goes into the frame as
//! it is.
//!
//! - `package`: its facts, and opening a source; `config`
//! - `conversation`: requests of a job, which can be stopped; `request`: what they say; `lines`, `error`: what comes back
//! - `session`: what the shared answers need; `statements`, `row`: statements of a job, and their rows
//! - `dialect`, `list`: the language; `types`, `place`, `decimal`, `instant`: values in the type of the column they are compared
//!   with
//! - `tables`, `catalog`, `key`, `walk`: what must be known of a table, and the way through it; `privileges`

mod catalog;
mod config;
mod conversation;
mod decimal;
mod dialect;
mod error;
mod instant;
mod key;
mod lines;
mod list;
mod package;
mod place;
mod privileges;
mod request;
mod row;
mod session;
mod statements;
mod tables;
#[cfg(test)]
mod tests;
mod types;
mod walk;

use std::sync::Arc;

use crate::bridges::sql::{Row, SqlEngine};
use crate::error::JobError;
use crate::job::{JobControl, Package};
use crate::json::Text;

use catalog::Catalog;
use conversation::{Conversation, Conversations};
use dialect::ClickHouse;
use statements::ClickHouseSession;

pub(super) use package::PACKAGE;

/// Appends a row as it comes over the wire, without its first members. False for what is none, or has too few.
pub(super) fn write_row(out: &mut Text, line: &[u8], hidden: usize) -> bool {
    let Some(line) = lines::object(line) else {
        return false;
    };
    let mut values = Vec::new();
    row::find_values(&line, hidden, &mut values);
    let cursor = String::new;
    let row = row::JsonRow::walked(&line, &values, hidden, &cursor);
    row.write_row(out).is_ok()
}

/// The engine.
#[derive(Default)]
struct ClickHouseEngine {
    catalog: Catalog,
}

impl SqlEngine for ClickHouseEngine {
    type Connector = Conversations;
    type Session<'s> = ClickHouseSession<'s>;

    fn package(&self) -> &'static Package {
        &PACKAGE.package
    }

    fn geohashes(&self) -> (bool, bool) {
        (true, false)
    }

    fn job<T>(
        &self,
        conversation: &mut Conversation,
        job: &Arc<JobControl>,
        work: impl FnOnce(&mut ClickHouseSession<'_>) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        work(&mut ClickHouseSession {
            conversation,
            job,
            catalog: &self.catalog,
            dialect: ClickHouse::default(),
        })
    }
}
