//! The answers of jobs that show documents, or count them.

use super::bson::{Document, Fields, HiddenPaths, fields, write_document};
use super::error::executing;
use super::filter::{all, always, filter};
use super::key::{Key, Position, Step};
use super::path::check_path;
use super::session::Operation;
use super::since::changed_since;
use super::wire::Failure;
use crate::bridges::remembered::Remembered;
use crate::error::JobError;
use crate::job::{RowSink, Summary};
use crate::options::{CountOptions, Order, QueryOptions, ReadOptions, Target};

/// MongoDB 4.4, the first where `find` may sort on disk.
const SORTS_ON_DISK: i64 = 9;

/// A page of a walk over a whole collection.
pub fn read(
    operation: &mut Operation<'_>,
    options: &ReadOptions,
    totals: &Remembered<u64>,
    sink: &mut RowSink,
) -> Result<Summary, JobError> {
    let target = &options.target;
    let position = options.cursor.as_deref().map(Position::parse).transpose()?;
    let since = changed_since(options)?;
    let whole = since.is_none() && position.is_none();
    let page = page(operation, options, position, since, sink)?;
    let total = match totals.get(target.table()) {
        _ if whole && page.next.is_none() && options.limit > 0 => page.rows,
        Some(total) if options.cursor.is_some() => total,
        _ => {
            let total = count_of(operation, target, always())?;
            totals.put(target.table(), total);
            total
        }
    };
    Ok(Summary {
        total: Some(total),
        next_cursor: page.next.map(|position| position.cursor()),
        ..Summary::default()
    })
}

struct Page {
    rows: u64,
    /// Where it ended, when there is more.
    next: Option<Position>,
}

fn page(
    operation: &mut Operation<'_>,
    options: &ReadOptions,
    position: Option<Position>,
    since: Option<Fields>,
    sink: &mut RowSink,
) -> Result<Page, JobError> {
    let target = &options.target;
    let hidden = HiddenPaths::new(&options.hidden);
    let mut page = Page {
        rows: 0,
        next: None,
    };
    if options.limit == 0 {
        return Ok(page);
    }
    let projection = projection(options.fields.as_deref(), "options.fields")?;
    let steps = match &position {
        Some(position) => position.steps(),
        None => vec![Step {
            filter: always(),
            skip: 0,
        }],
    };
    // How many rows with the last key have been shown, those of earlier pages included.
    let mut last = position.unwrap_or_else(|| Position {
        key: Key::of(None),
        seen: 0,
    });
    for step in steps {
        // One more than is shown tells whether there is more.
        let wanted = (options.limit - page.rows).saturating_add(1);
        let mut conditions = vec![step.filter];
        conditions.extend(since.clone());
        let mut command = find(operation, target, all(conditions), projection.clone());
        command.push("sort", fields! { "_id": 1 });
        command.push("skip", step.skip);
        command.push("limit", wanted);
        let mut key = Key::of(None);
        operation.documents(target.table(), command, &mut |document| {
            key.set(document.raw("_id").map_err(malformed)?);
            let same = key.is_same(&last.key);
            if page.rows == options.limit {
                let seen = if same { last.seen } else { 0 };
                page.next = Some(Position {
                    key: last.key.clone(),
                    seen,
                });
                return Ok(());
            }
            last.seen = if same { last.seen + 1 } else { 1 };
            std::mem::swap(&mut key, &mut last.key);
            page.rows += 1;
            write(document, &hidden, sink)
        })?;
        if page.next.is_some() {
            break;
        }
    }
    Ok(page)
}

/// Documents by filter, with the total.
pub fn query(
    operation: &mut Operation<'_>,
    options: &QueryOptions,
    sink: &mut RowSink,
) -> Result<Summary, JobError> {
    let rows = select(operation, options, sink)?;
    let total = match options.known_total(rows) {
        Some(total) => total,
        None => count_of(operation, &options.target, filter(&options.filter)?)?,
    };
    Ok(Summary {
        total: Some(total),
        ..Summary::default()
    })
}

/// Documents by filter, without the total.
pub fn batch_read(
    operation: &mut Operation<'_>,
    options: &QueryOptions,
    sink: &mut RowSink,
) -> Result<Summary, JobError> {
    select(operation, options, sink).map(|_| Summary::default())
}

fn select(
    operation: &mut Operation<'_>,
    options: &QueryOptions,
    sink: &mut RowSink,
) -> Result<u64, JobError> {
    let target = &options.target;
    let hidden = HiddenPaths::new(&options.hidden);
    let filter = filter(&options.filter)?;
    let projection = projection(options.select.as_deref(), "options.select")?;
    let mut command = find(operation, target, filter, projection);
    let sort = sort(&options.order)?;
    if !sort.is_empty() {
        command.push("sort", sort);
    }
    if let Some(offset) = options.offset {
        command.push("skip", offset);
    }
    match options.limit {
        // To the server 0 is no limit.
        Some(0) => return Ok(0),
        Some(limit) => command.push("limit", limit),
        None => {}
    }
    let mut rows = 0;
    operation.documents(target.table(), command, &mut |document| {
        rows += 1;
        write(document, &hidden, sink)
    })?;
    Ok(rows)
}

/// The number of documents a filter lets through.
pub fn count(
    operation: &mut Operation<'_>,
    options: &CountOptions,
    sink: &mut RowSink,
) -> Result<Summary, JobError> {
    let count = count_of(operation, &options.target, filter(&options.filter)?)?;
    sink.count(count);
    Ok(Summary::default())
}

/// Counts documents. The server's own counter is wrong after a crash and in sharded clusters.
pub fn count_of(
    operation: &mut Operation<'_>,
    target: &Target,
    filter: Fields,
) -> Result<u64, JobError> {
    let mut pipeline = Vec::new();
    if !filter.is_empty() {
        pipeline.push(fields! { "$match": filter });
    }
    pipeline.push(fields! { "$group": fields! { "_id": 1, "n": fields! { "$sum": 1 } } });
    let command = aggregate(target, pipeline);
    let mut count = 0;
    operation.documents(target.table(), command, &mut |document| {
        count = document.whole("n").map_err(malformed)?.unwrap_or(0);
        Ok(())
    })?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// The command that runs a pipeline.
pub fn aggregate(target: &Target, pipeline: Vec<Fields>) -> Fields {
    fields! { "aggregate": target.table(), "pipeline": pipeline, "cursor": fields! {}, "allowDiskUse": true }
}

fn find(
    operation: &Operation<'_>,
    target: &Target,
    filter: Fields,
    projection: Option<Fields>,
) -> Fields {
    let mut command = fields! { "find": target.table(), "filter": filter };
    if let Some(projection) = projection {
        command.push("projection", projection);
    }
    if operation.wire() >= SORTS_ON_DISK {
        command.push("allowDiskUse", true);
    }
    command
}

/// Only the named fields and the key; all of them without names.
fn projection(names: Option<&[String]>, path: &str) -> Result<Option<Fields>, JobError> {
    let Some(names) = names else {
        return Ok(None);
    };
    let mut fields = Fields::default();
    for name in names {
        check_path(name, path)?;
        fields.push(name.as_str(), 1);
    }
    Ok((!fields.is_empty()).then_some(fields))
}

/// A field that is named twice keeps its first place and takes the last direction.
fn sort(order: &[Order]) -> Result<Fields, JobError> {
    let mut sort = Fields::default();
    for Order { column, descending } in order {
        check_path(column, "options.orderBy")?;
        let direction = if *descending { -1 } else { 1 };
        match sort.0.iter_mut().find(|(name, _)| name == column) {
            Some((_, earlier)) => *earlier = direction.into(),
            None => sort.push(column.as_str(), direction),
        }
    }
    Ok(sort)
}

fn write(document: Document<'_>, hidden: &HiddenPaths, sink: &mut RowSink) -> Result<(), JobError> {
    sink.row(|out| write_document(out, document, hidden).map_err(malformed))
}

/// A document that cannot be read.
pub fn malformed(_: super::bson::Malformed) -> JobError {
    executing(Failure::Malformed)
}
