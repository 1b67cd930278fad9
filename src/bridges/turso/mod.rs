//! `@semilayer/bridge-turso`: SQLite behind the service of Turso, which speaks Hrana 3, or behind the same server run
//! by oneself. What it shares with SQLite, and with SQLite behind other services, is in `lite`.
//!
//! All of it was tried on that server, sqld. Of the service it is known from documentation only that it speaks Hrana 3,
//! what stands before it (429, 502 to 504), and how its tokens are made.
//!
//! - `package`: its facts, and opening a source; `config`: its configuration
//! - `hrana`: the text of requests and answers
//! - `stream`: statements of a job, on one stream of the server

mod config;
mod hrana;
mod package;
mod stream;

use crate::bridges::lite::{Asking, EachRow, Remote, SqliteDialect, Value, composed, write_value};
use crate::bridges::service::Called;
use crate::error::JobError;
use crate::json::{Raw, Text};
use crate::sql::Dialect;

use hrana::Line;

pub(super) use package::PACKAGE;

/// The language of a server that is built on SQLite 3.45.
static DIALECT: SqliteDialect = SqliteDialect { weeks: false };

/// A server.
struct Turso {
    /// The token is good for nothing but reading.
    read_only: bool,
}

impl Remote for Turso {
    fn called(&self) -> Called {
        hrana::CALLED
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &DIALECT
    }

    fn version(&self) -> &'static str {
        "SELECT 'libSQL, SQLite ' || sqlite_version()"
    }

    fn beyond_reading(&self) -> Option<&'static str> {
        (!self.read_only).then_some(
            "write: Turso keeps no session read-only, so give it a token that only reads \
             (turso db tokens create NAME --read-only)",
        )
    }

    fn compose(&self, sql: &str, params: &[Value<'_>]) -> String {
        let unfit = |value: &Value<'_>| !value.has_json();
        composed(sql, params, "args", unfit, hrana::write_value)
    }

    fn ask(
        &self,
        asking: &mut Asking<'_>,
        statements: &[&str],
        brief: bool,
        each: &mut EachRow<'_>,
    ) -> Result<(), JobError> {
        match brief {
            true => stream::look_up(asking, statements, each),
            false => stream::read(asking, statements, each),
        }
    }

    fn close(&self, asking: &mut Asking<'_>) {
        stream::close(asking);
    }

    fn value<'a>(&self, value: Raw<'a>) -> Option<Value<'a>> {
        hrana::value(value)
    }
}

/// Appends the values of a row as it comes over the wire, as a list. False for what is no line of an answer; nothing is
/// written of a line that is another one.
pub(super) fn write_line(out: &mut Text, line: &str) -> bool {
    let row = match hrana::line(line) {
        Some(Line::Row(row)) => row.elements().map(hrana::value),
        other => return other.is_some(),
    };
    let Some(values) = row.collect::<Option<Vec<_>>>() else {
        return false;
    };
    for (i, value) in values.iter().enumerate() {
        out.push(if i == 0 { '[' } else { ',' });
        write_value(out, value);
    }
    out.push_str(if values.is_empty() { "[]" } else { "]" });
    true
}
