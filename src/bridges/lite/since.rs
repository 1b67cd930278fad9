//! `changedSince`. SQLite has no type for time: columns hold ISO text, SQL text, dates, or anything else.

use std::ops::ControlFlow;

use serde_json::Value as Json;

use super::Database;
use super::catalog;
use super::storage::text_tag;
use super::value::Value;
use crate::error::JobError;
use crate::options::Target;
use crate::sql::Bound;

/// What text that begins like a date looks like.
const DATE: &str = "'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'";
/// The form of JavaScript's `toISOString`, in which text order is the order in time.
const ISO: &str = "'%Y-%m-%dT%H:%M:%fZ'";

/// The conditions that `column` is later than `since`; none when there is no such column, exactly as written.
/// Text that is a date counts by its time, other text by its letters; numbers never match.
pub(super) fn changed_since(
    database: &mut dyn Database,
    target: &Target,
    column: &str,
    since: &str,
) -> Result<Vec<Bound>, JobError> {
    if !has_column(database, target, column)? {
        return Ok(Vec::new());
    }
    let Some(since) = as_iso(database, since)? else {
        return Err(JobError::invalid_options(
            "options.changedSince",
            "is not a date",
        ));
    };
    let column = database.dialect().column(column);
    let value = Json::String(text_tag(&since));
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
    database: &mut dyn Database,
    target: &Target,
    column: &str,
) -> Result<bool, JobError> {
    // Exactly as written.
    let columns = catalog::columns(database, target)?;
    Ok(columns
        .iter()
        .any(|known| known.name == column && !known.hidden))
}

fn as_iso(database: &mut dyn Database, since: &str) -> Result<Option<String>, JobError> {
    let mut iso = None;
    let sql = format!("SELECT strftime({ISO}, ?1) WHERE ?1 GLOB {DATE}");
    database.ask_catalog(&sql, &[Value::text(since)], &mut |row| {
        iso = row.text(0)?;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(iso)
}
