//! `read`: one page of a walk over a whole table, by its primary key.

use std::ops::ControlFlow;

use rusqlite::Connection;

use super::error::failure;
use super::key::{Key, bind_key};
use super::rows::{RowShape, for_each_row, number};
use super::select::select_list;
use super::since::changed_since;
use crate::bridges::totals::Totals;
use crate::error::JobError;
use crate::job::Summary;
use crate::job::{JobControl, RowSink};
use crate::options::{Predicate, ReadOptions};
use crate::sql::{self, Dialect, Page, whole_name};

/// Reads one page.
pub(super) fn read(
    connection: &mut Connection,
    job: &JobControl,
    target: &str,
    options: &ReadOptions,
    totals: &Totals,
    sink: &mut RowSink,
) -> Result<Summary, JobError> {
    let table = whole_name(target)?;
    // One read transaction, so that key, rows and total are of the same moment.
    let transaction = connection
        .transaction()
        .map_err(|error| failure(job, &error))?;
    let key = Key::find(&transaction, job, table)?;
    let after = match &options.cursor {
        Some(cursor) => key.position(cursor)?,
        None => Vec::new(),
    };
    let since = match &options.changed_since {
        Some(since) => changed_since(&transaction, job, table, &options.tracking_column, since)?,
        None => Vec::new(),
    };
    let from = Dialect::Sqlite.quote(table);
    // The key comes last, for the cursor; it is shown only where it was asked for.
    let select = format!(
        "{}, {}",
        select_list(options.fields.as_deref()),
        key.select_list()
    );
    let page = Page {
        dialect: Dialect::Sqlite,
        select: &select,
        from: &from,
        key: key.parts(),
        after: &after,
        since: &since,
        fetch: rows_to_fetch(options.limit),
    };
    let end = send_page(&transaction, job, &page, &key, options.limit, sink)?;
    let whole = after.is_empty() && since.is_empty() && end.complete;
    let total = totals.of_page(table, options, whole.then_some(end.rows), || {
        let count = sql::count(Dialect::Sqlite, &from, &Predicate::always());
        number(&transaction, job, &count)
    })?;
    Ok(Summary {
        total: Some(total),
        next_cursor: end.next_cursor,
        ..Summary::default()
    })
}

/// One row more than is shown tells whether there is another page. Nothing is fetched for limit 0.
fn rows_to_fetch(limit: u64) -> u64 {
    const MOST: u64 = i64::MAX.unsigned_abs();
    match limit {
        0 => 0,
        MOST => MOST,
        limit => limit.saturating_add(1),
    }
}

/// Where a page ended.
struct PageEnd {
    rows: u64,
    next_cursor: Option<String>,
    /// There was nothing after its last row.
    complete: bool,
}

fn send_page(
    connection: &Connection,
    job: &JobControl,
    page: &Page<'_>,
    key: &Key,
    limit: u64,
    sink: &mut RowSink,
) -> Result<PageEnd, JobError> {
    let statement = page.statement();
    let params = statement
        .params
        .iter()
        .map(bind_key)
        .collect::<Result<_, _>>()?;
    let hidden = key.parts().len();
    let mut shape = None;
    let mut last_key = None;
    let mut end = PageEnd {
        rows: 0,
        next_cursor: None,
        complete: limit > 0,
    };
    for_each_row(connection, job, &statement.sql, params, |row| {
        if end.rows == limit {
            end.complete = false;
            end.next_cursor = last_key.take();
            return Ok(ControlFlow::Break(()));
        }
        let shape = match &shape {
            Some(shape) => shape,
            None => shape.insert(RowShape::new(job, row.as_ref(), hidden)?),
        };
        sink.row(|out| shape.write(job, row, out))?;
        end.rows += 1;
        if end.rows == limit {
            let columns = row.as_ref().column_count();
            let values = (columns.saturating_sub(hidden)..columns)
                .map(|i| row.get_ref(i))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| failure(job, &error))?;
            last_key = Some(key.cursor(&values));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(end)
}
