//! The answers to jobs, over any store.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

use serde_json::Value;

use super::command::Store;
use super::content::{Content, Document, KEY, is_named};
use super::fetch::Fetch;
use super::key::Key;
use super::scan::{self, KeySource, Keys};
use super::sorted::Sorted;
use super::unordered::Unordered;
use super::walks::Walks;
use crate::bridges::description::send_target;
use crate::error::{ErrorCode, JobError};
use crate::job::{Held, JobControl, RowSink, Summary};
use crate::json::{Raw, RawKind, js_date_millis};
use crate::options::{
    AggregateOptions, Comparison, CountOptions, Predicate, QueryOptions, ReadOptions, Request,
    RowIds,
};
use crate::reducer::{Filter, Language, Reducer, Row, depends_on_order};

/// Room that a name takes beside its text.
const NAME_BYTES: usize = 64;

/// Below this a number is an instant in seconds, above it in milliseconds.
const SECONDS_BELOW: f64 = 1e11;

/// Answers one job.
pub struct Answer<'a> {
    /// The job.
    pub job: &'a JobControl,
    /// The windows of the source's walks.
    pub walks: &'a Walks,
    /// The connection.
    pub store: &'a mut dyn Store,
    /// Where the rows go.
    pub sink: &'a mut RowSink,
}

impl Answer<'_> {
    /// Answers a request for rows, numbers or names.
    pub fn run(&mut self, request: &Request) -> Result<Summary, JobError> {
        match request {
            Request::Read(options) => self.read(options),
            Request::Query(options) => self.rows(options, true).map(total),
            Request::BatchRead(options) => self.rows(options, false).map(|_| Summary::default()),
            Request::Count(options) => self.count(options),
            Request::Aggregate(options) => self.aggregate(options),
            Request::ListTargets => self.list_targets(),
            Request::Test => self.test(),
            Request::Privileges => Ok(Summary {
                privileges: Some(self.store.privileges()?),
                ..Summary::default()
            }),
            Request::IntrospectTarget(_) => Err(JobError::new(
                ErrorCode::UnsupportedKind,
                "keys have no columns: this bridge has no answer for jobs of kind \"introspectTarget\"",
            )),
        }
    }

    /// Reads a little, so that a user who may not read is told so.
    fn test(&mut self) -> Result<Summary, JobError> {
        scan::first_step(self.store)?;
        Ok(Summary {
            server: Some(self.store.facts()?),
            ..Summary::default()
        })
    }

    /// A page of a walk, in the order of keys.
    fn read(&mut self, options: &ReadOptions) -> Result<Summary, JobError> {
        let target = options.target.text();
        let since = options.changed_since.as_deref().map(since).transpose()?;
        if options.limit == 0 {
            return Ok(total(scan::count(self.store, target)?));
        }
        let mut keys = self.page(target, options.cursor.as_deref())?;
        let mut fetch = Fetch::new(self.store);
        let mut left = options.limit;
        let mut last = None;
        while left > 0 {
            let batch = fetch.take(&mut keys, self.store, left)?;
            let Some(end) = batch.last() else { break };
            last = Some(end.clone());
            let sink = &mut *self.sink;
            fetch.each(self.store, &batch, &mut |key, content| {
                let key = key.json();
                let row = Document::new(&key, content)?;
                if since.is_some_and(|since| !is_later(&row, &options.tracking_column, since)) {
                    return Ok(());
                }
                left = left.saturating_sub(1);
                sink.row(|out| {
                    row.write(out, options.fields.as_deref(), &options.hidden);
                    Ok(())
                })
            })?;
            self.job.check()?;
        }
        let more = keys.has_more(self.store)?;
        self.walks.keep(target, keys.window());
        Ok(Summary {
            next_cursor: last.filter(|_| more).map(|key| key.cursor()),
            ..total(keys.total())
        })
    }

    /// The keys of a page: of the window that the page before it has left, or of a new scan.
    fn page<'t>(&mut self, target: &'t str, cursor: Option<&str>) -> Result<Keys<'t>, JobError> {
        let Some(place) = cursor.map(Key::of_cursor) else {
            return Keys::scan(self.store, target);
        };
        if let Some(window) = self.walks.find(target, &place) {
            let next = window.keys.behind(&place);
            return Ok(Keys::of(target, window, None, next));
        }
        Keys::behind(self.store, target, place)
    }

    /// Sends rows and returns the number of those that pass the filter; with `counted` off it may be smaller.
    fn rows(&mut self, options: &QueryOptions, counted: bool) -> Result<u64, JobError> {
        let target = options.target.text();
        let first = options.offset.unwrap_or(0);
        let end = options
            .limit
            .map_or(u64::MAX, |limit| limit.saturating_add(first));
        if !options.order.is_empty() && options.limit != Some(0) {
            let most = usize::try_from(end).unwrap_or(usize::MAX);
            let (sorted, count) = self.fold(
                &mut *keys_in_any_order(target, &options.filter),
                &options.filter,
                || Sorted::new(&options.order, most),
                |sorted, row, key| {
                    sorted.push(key, row, |out| {
                        row.write(out, options.select.as_deref(), &options.hidden);
                    })
                },
            )?;
            let skipped = usize::try_from(first).unwrap_or(usize::MAX);
            sorted.finish(skipped, |text| {
                self.sink.row(|out| {
                    out.push_str(text);
                    Ok(())
                })
            })?;
            return Ok(count);
        }
        if options.limit == Some(0) && counted && !options.filter.is_always() {
            return self.count_passing(target, &options.filter);
        }
        let mut keys = self.keys(target, &options.filter)?;
        let every_key_passes = options.filter.is_always() && !keys.are_named();
        let (mut passed, stop) = if every_key_passes {
            (keys.skip(self.store, first)?, end)
        } else if counted {
            (0, u64::MAX)
        } else {
            (0, end)
        };
        self.passing(
            &mut keys,
            &options.filter,
            stop.saturating_sub(passed),
            |sink, row, _| {
                passed += 1;
                if passed > first && passed <= end {
                    return sink.row(|out| {
                        row.write(out, options.select.as_deref(), &options.hidden);
                        Ok(())
                    });
                }
                Ok(())
            },
        )?;
        Ok(if every_key_passes {
            keys.total()
        } else {
            passed
        })
    }

    /// The number of rows that pass a filter. Without one it is the number of keys, and no value is asked for.
    fn count(&mut self, options: &CountOptions) -> Result<Summary, JobError> {
        let target = options.target.text();
        let count = if options.filter.is_always() {
            scan::count(self.store, target)?
        } else {
            self.count_passing(target, &options.filter)?
        };
        self.sink.count(count);
        Ok(Summary::default())
    }

    fn count_passing(&mut self, target: &str, filter: &Predicate) -> Result<u64, JobError> {
        let mut keys = keys_in_any_order(target, filter);
        let (_, count) = self.fold(&mut *keys, filter, || (), |(), _, _| Ok(()))?;
        Ok(count)
    }

    /// Buckets of rows.
    fn aggregate(&mut self, options: &AggregateOptions) -> Result<Summary, JobError> {
        let target = options.target.text();
        let mut in_order = depends_on_order(options);
        let mut keys = keys_in_any_order(target, &options.filter);
        if in_order {
            // Floats are added in the order of keys, as officially, as long as that takes no scan more. The official
            // bridge sees no more than 100,000 keys.
            let ordered = self.keys(target, &options.filter)?;
            in_order = ordered.are_whole();
            keys = match in_order {
                true => Box::new(ordered),
                false => Box::new(Unordered::new(target, ordered.total())),
            };
        }
        // The official runner asks its store first, in the store's language, and then tests again in its own.
        let again = Filter::new(&options.filter, Language::Reducer);
        let seed = RandomState::new().hash_one(0);
        let (reducer, _) = self.fold(
            &mut *keys,
            &options.filter,
            || Reducer::new(options, seed, Held::default()),
            |reducer, row, key| {
                let named = |ids: &RowIds| is_named(row, key, ids);
                if again.passes(row) && options.ids.as_ref().is_none_or(named) {
                    reducer.push(row, key)?;
                }
                Ok(())
            },
        )?;
        // What it remembers is not held beside the buckets.
        drop(keys);
        reducer.finish(in_order, |bucket| {
            self.sink.row(|out| {
                bucket.write(out);
                Ok(())
            })
        })?;
        Ok(Summary::default())
    }

    /// Everything that stands before the first colon of a key, and keys without one.
    fn list_targets(&mut self) -> Result<Summary, JobError> {
        let mut names = BTreeSet::new();
        let mut held = Held::default();
        scan::every_key(self.store, None, &mut |key| {
            let name = key.split(|byte| *byte == b':').next().unwrap_or_default();
            let name = String::from_utf8_lossy(name);
            if !name.is_empty() && !names.contains(name.as_ref()) {
                held.add(name.len() + NAME_BYTES, "the names of the targets")?;
                names.insert(name.into_owned());
            }
            Ok(())
        })?;
        for name in &names {
            send_target(self.sink, name)?;
        }
        Ok(Summary::default())
    }

    /// The keys that a filter leaves in their order: those it names, or all of the target.
    fn keys<'t>(&mut self, target: &'t str, filter: &Predicate) -> Result<Keys<'t>, JobError> {
        match named_keys(target, filter) {
            Some(keys) => Ok(keys),
            None => Keys::scan(self.store, target),
        }
    }

    /// Gives every row that passes the filter to what `start` makes, in the order in which the keys come.
    /// Returns that, and the number of these rows.
    fn fold<T>(
        &mut self,
        keys: &mut dyn KeySource,
        filter: &Predicate,
        start: impl Fn() -> T,
        mut each: impl FnMut(&mut T, &Document<'_>, &Key) -> Result<(), JobError>,
    ) -> Result<(T, u64), JobError> {
        loop {
            let mut whole = start();
            let count = self.passing(keys, filter, u64::MAX, |_, row, key| {
                each(&mut whole, row, key)
            })?;
            if !keys.starts_over() {
                return Ok((whole, count));
            }
        }
    }

    /// Calls `each` with every row that passes the filter, up to so many, in the order in which the keys come.
    fn passing(
        &mut self,
        keys: &mut dyn KeySource,
        filter: &Predicate,
        most: u64,
        mut each: impl FnMut(&mut RowSink, &Document<'_>, &Key) -> Result<(), JobError>,
    ) -> Result<u64, JobError> {
        let filter = (!filter.is_always()).then(|| Filter::new(filter, Language::JavaScript));
        let mut fetch = Fetch::new(self.store);
        let mut passed = 0;
        while passed < most {
            // Without a filter no more values are asked for than there will be rows.
            let wanted = if filter.is_none() {
                most - passed
            } else {
                u64::MAX
            };
            let batch = fetch.take(keys, self.store, wanted)?;
            if batch.is_empty() {
                break;
            }
            let sink = &mut *self.sink;
            fetch.each(self.store, &batch, &mut |key: &Key, content: &Content| {
                let json = key.json();
                let row = Document::new(&json, content)?;
                if passed < most && filter.as_ref().is_none_or(|filter| filter.passes(&row)) {
                    passed += 1;
                    each(sink, &row, key)?;
                }
                Ok(())
            })?;
            self.job.check()?;
        }
        Ok(passed)
    }
}

fn total(total: u64) -> Summary {
    Summary {
        total: Some(total),
        ..Summary::default()
    }
}

/// The keys that a filter leaves, in no order unless it names them. A store is only scanned as they are taken.
fn keys_in_any_order<'t>(target: &'t str, filter: &Predicate) -> Box<dyn KeySource + 't> {
    match named_keys(target, filter) {
        Some(keys) => Box::new(keys),
        None => Box::new(Unordered::new(target, 0)),
    }
}

/// The keys of the target that a filter names, when no other can pass.
fn named_keys<'t>(target: &'t str, filter: &Predicate) -> Option<Keys<'t>> {
    let names = names(filter)?;
    let prefix = format!("{target}:");
    // What is no key of the target may be a member of that name, which hides the key.
    let fit = names.iter().all(|name| name.starts_with(&prefix));
    fit.then(|| Keys::named(target, names))
}

/// What a filter wants the key to be.
fn names(filter: &Predicate) -> Option<Vec<&str>> {
    match filter {
        Predicate::All(members) => members.iter().find_map(names),
        Predicate::Compare {
            column,
            comparison: Comparison::Equal,
            value: Value::String(key),
        } if column == KEY => Some(vec![key]),
        Predicate::In {
            column,
            values,
            negated: false,
        } if column == KEY => Some(values.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

fn since(text: &str) -> Result<i64, JobError> {
    js_date_millis(text).ok_or_else(|| {
        JobError::invalid_options("options.changedSince", "must be an ISO 8601 text")
    })
}

/// False for a row whose field is an instant that is not later. What is no instant says nothing.
fn is_later(row: &Document<'_>, column: &str, since: i64) -> bool {
    let instant = row
        .field(column)
        .and_then(|value: Raw<'_>| match value.kind() {
            RawKind::Text => js_date_millis(&value.text()?).map(|millis| millis as f64),
            RawKind::Number => value.number().map(|number| {
                if number.abs() < SECONDS_BELOW {
                    number * 1000.0
                } else {
                    number
                }
            }),
            _ => None,
        });
    instant.is_none_or(|instant| instant > since as f64)
}
