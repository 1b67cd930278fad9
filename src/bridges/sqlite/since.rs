//! `changedSince`. SQLite has no type for time: columns hold ISO text, SQL text, dates, or anything else.

use std::ops::ControlFlow;

use serde_json::Value;

use super::catalog;
use super::dialect::SQLITE;
use super::key::text_tag;
use super::session::SqliteSession;
use super::value::Param;
use crate::error::JobError;
use crate::options::Target;
use crate::sql::{Bound, Dialect};

/// What text that begins like a date looks like.
const DATE: &str = "'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'";
/// The form of JavaScript's `toISOString`, in which text order is the order in time.
const ISO: &str = "'%Y-%m-%dT%H:%M:%fZ'";

/// The conditions that `column` is later than `since`; none when there is no such column, exactly as written.
/// Text that is a date counts by its time, other text by its letters; numbers never match.
pub(super) fn changed_since(
    session: &SqliteSession<'_>,
    target: &Target,
    column: &str,
    since: &str,
) -> Result<Vec<Bound>, JobError> {
    if !has_column(session, target, column)? {
        return Ok(Vec::new());
    }
    let Some(since) = as_iso(session, since)? else {
        return Err(JobError::invalid_options(
            "options.changedSince",
            "is not a date",
        ));
    };
    let column = (&SQLITE as &dyn Dialect).column(column);
    let value = Value::String(text_tag(&since));
    Ok(vec![
        // Implied by the next one, but an index on the column can use it. A day for time zones.
        Bound {
            before: format!("{column} >= date("),
            value: value.clone(),
            after: ", '-1 day')".to_owned(),
        },
        Bound {
            before: format!(
                "CASE WHEN typeof({column}) = 'text' AND {column} GLOB {DATE} \
                 THEN ifnull(strftime({ISO}, {column}), {column}) ELSE {column} END > "
            ),
            value,
            after: String::new(),
        },
    ])
}

fn has_column(
    session: &SqliteSession<'_>,
    target: &Target,
    column: &str,
) -> Result<bool, JobError> {
    // Exactly as written.
    let columns = catalog::columns(session, target)?;
    Ok(columns
        .iter()
        .any(|known| known.name == column && !known.hidden))
}

fn as_iso(session: &SqliteSession<'_>, since: &str) -> Result<Option<String>, JobError> {
    let mut iso = None;
    let sql = format!("SELECT strftime({ISO}, ?1) WHERE ?1 GLOB {DATE}");
    session.query(&sql, vec![Param::text(since)], |row| {
        iso = row.get(0).map_err(|error| session.failed(&error))?;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(iso)
}
