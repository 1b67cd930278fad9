//! `@semilayer/bridge-d1`: Cloudflare's D1, which is SQLite behind a REST interface. A job is one request: its page, its
//! total, and what was remembered of the table, which is looked at again. What it shares with SQLite, and with SQLite
//! behind other services, is in `lite`.
//!
//! - `package`: its facts, and opening a source
//! - `statement`: the text of statements; `answer`: what comes back
//!
//! What statements and values come to was seen on the engine that the service runs on. What is known only from its
//! documentation or from public reports is said where it is used.

mod answer;
mod package;
mod statement;

use std::borrow::Cow;
use std::io::BufRead;
use std::time::Instant;

use crate::bridges::lite::{Asking, EachRow, NarrowDialect, Remote, Value, write_value};
use crate::bridges::service::{Called, quoted, refused};
use crate::error::{ErrorCode, JobError};
use crate::job::JobControl;
use crate::json::{Raw, Text, write_byte_list};
use crate::sql::Dialect;

pub(super) use package::PACKAGE;

/// The texts of an answer's rows, for whoever has no job; `None` when it is no answer to one statement.
pub(super) fn read_row_texts(source: &mut dyn BufRead) -> Option<Vec<String>> {
    let job = JobControl::new("", Instant::now());
    let mut texts = Vec::new();
    let read = answer::read_rows(source, &job, 1, &mut |_, _, row| {
        texts.push(row.as_str().to_owned());
        Ok(())
    });
    read.ok().map(|()| texts)
}

/// A database.
struct D1 {
    /// Its account, as it stands in paths.
    account: String,
}

impl D1 {
    fn refusal(&self, status: u16, text: &str) -> JobError {
        let problem = answer::refusal(text).unwrap_or_else(|| quoted(text));
        // Some quote the path.
        let problem = problem.replace(&self.account, "/accounts/…");
        // The documentation lists no codes, so that the class of the status decides. Public reports show 400 and 500 with
        // 7500, 403 with 7403, and HTML with 504.
        match status {
            400 | 401 | 403 | 429 | 500.. => refused(status, &problem, self.called()),
            _ => JobError::new(ErrorCode::SourceConfig, format!("HTTP {status}: {problem}")),
        }
    }
}

impl Remote for D1 {
    fn called(&self) -> Called {
        answer::CALLED
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &NarrowDialect
    }

    fn own_prefixes(&self) -> &'static [&'static str] {
        &["sqlite_", "_cf_"]
    }

    fn rounds(&self) -> bool {
        true
    }

    fn counts_along(&self) -> bool {
        true
    }

    /// It does not tell SQLite's.
    fn version(&self) -> &'static str {
        "SELECT 'D1' FROM (SELECT count(*) FROM sqlite_schema)"
    }

    fn beyond_reading(&self) -> Option<&'static str> {
        Some("write, unless its only permission is \"D1 Read\", which cannot be asked")
    }

    fn compose(&self, sql: &str, params: &[Value<'_>]) -> String {
        statement::compose(sql, params)
    }

    /// That there are batches is known from the documentation of the service; that one is a transaction, from the engine
    /// that it runs on.
    fn ask(
        &self,
        asking: &mut Asking<'_>,
        statements: &[&str],
        _brief: bool,
        each: &mut EachRow<'_>,
    ) -> Result<(), JobError> {
        let body = match statements {
            [only] => Cow::Borrowed(*only),
            all => Cow::Owned(format!("{{\"batch\":[{}]}}", all.join(","))),
        };
        let (job, request) = (asking.job, ("/raw", &*body));
        let refusal = |status, text: &str| self.refusal(status, text);
        asking.service.ask(job, request, refusal, |mut answer| {
            answer::read_rows(&mut answer, job, statements.len(), each)
        })
    }

    fn value<'a>(&self, value: Raw<'a>) -> Option<Value<'a>> {
        answer::value(value)
    }

    /// A blob is a list of its bytes.
    fn write(&self, out: &mut Text, value: &Value<'_>) {
        match value {
            Value::Blob(bytes) => write_byte_list(out, bytes),
            other => write_value(out, other),
        }
    }
}
