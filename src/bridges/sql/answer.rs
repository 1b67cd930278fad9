//! The answers to a job's questions, on one session.

use super::Walk;
use super::any::{List, SelectAny};
use crate::bridges::description::{Description, send_target};
use crate::bridges::remembered::Remembered;
use crate::error::JobError;
use crate::job::{NameRules, RowSink, Summary};
use crate::options::{CountOptions, Predicate, QueryOptions, ReadOptions, Request, Target};
use crate::sql::{Dialect, Page, Selection, count};

/// What answering takes.
pub(super) struct Answer<'a> {
    /// The connection.
    pub session: &'a mut dyn SelectAny,
    /// When names mean the same.
    pub names: &'a NameRules,
    /// What walks have counted.
    pub totals: &'a Remembered<u64>,
    /// Where rows go.
    pub sink: &'a mut RowSink,
}

impl Answer<'_> {
    /// Answers a request of any kind.
    pub fn answer(&mut self, request: &Request) -> Result<Summary, JobError> {
        match request {
            Request::Read(options) => self.read(options),
            Request::Query(options) => self.query(options),
            Request::BatchRead(options) => {
                self.selection(options, false).map(|_| Summary::default())
            }
            Request::Count(options) => self.count(options),
            Request::Aggregate(options) => self.aggregate(options).map(|()| Summary::default()),
            Request::ListTargets => self.list_targets(),
            Request::IntrospectTarget(target) => self.introspect(target),
            Request::Test => Ok(Summary {
                server: Some(self.session.server()?),
                ..Summary::default()
            }),
            Request::Privileges => Ok(Summary {
                privileges: Some(self.session.privileges()?),
                ..Summary::default()
            }),
        }
    }

    /// A page of a walk over the whole table, by its whole key.
    fn read(&mut self, options: &ReadOptions) -> Result<Summary, JobError> {
        let target = &options.target;
        let walk = self.session.walk(target, options)?;
        if walk.key.is_empty() {
            return Err(JobError::no_primary_key(target));
        }
        let from = self.session.dialect().target(target);
        let first = walk.after.is_empty();
        let counted = self.session.counted(&*walk.list)?;
        let name = match counted.is_always() {
            true => from.clone(),
            false => format!("{from} {counted:?}"),
        };
        let known = self.totals.get(&name);
        let known = known.filter(|_| options.cursor.is_some());
        if known.is_none() {
            let total = |dialect: &dyn Dialect| count(dialect, &from, &counted);
            self.session.announce(&total);
        }
        let Sent { rows, more, last } = match options.limit {
            0 => Sent::default(),
            limit => {
                let sent = self.send_page(&from, &walk, limit, options.cursor.as_deref());
                sent.inspect_err(|_| self.session.forget(target))?
            }
        };
        let whole = first && walk.since.is_empty() && !more && options.limit > 0;
        let total = match known {
            _ if whole => rows,
            Some(total) => total,
            None => {
                let total = self.count_where(&from, &counted)?;
                self.totals.put(&name, total);
                total
            }
        };
        Ok(Summary {
            total: Some(total),
            next_cursor: last.filter(|_| more),
            ..Summary::default()
        })
    }

    /// One row more than is shown tells whether there is another page. A page that begins or ends where the page before
    /// it ended shows rows again, perhaps for ever: the database took the position's text for another value.
    fn send_page(
        &mut self,
        from: &str,
        walk: &Walk<List>,
        limit: u64,
        position: Option<&str>,
    ) -> Result<Sent, JobError> {
        // Databases count with signed numbers.
        let fetch = limit.saturating_add(1).min(i64::MAX.unsigned_abs());
        let statement = match self.session.page(from, &*walk.list, fetch)? {
            Some(statement) => statement,
            None => Page {
                dialect: self.session.dialect(),
                select: walk.list.sql(),
                from,
                key: &walk.key,
                after: &walk.after,
                since: &walk.since,
                fetch,
            }
            .statement()?,
        };
        let sink = &mut *self.sink;
        let mut sent = Sent::default();
        self.session.rows(&statement, &*walk.list, &mut |row| {
            if sent.rows == limit {
                sent.more = true;
                return Ok(());
            }
            let is_last = sent.rows + 1 == limit;
            if is_last || sent.rows == 0 && position.is_some() {
                let cursor = row.cursor()?;
                if position == Some(&cursor) {
                    return Err(stands_still());
                }
                sent.last = Some(cursor).filter(|_| is_last);
            }
            sink.row(|out| row.write_row(out))?;
            sent.rows += 1;
            Ok(())
        })?;
        Ok(sent)
    }

    /// Rows by filter, with the number of all that match.
    fn query(&mut self, options: &QueryOptions) -> Result<Summary, JobError> {
        let (rows, pinned) = self.selection(options, true)?;
        let total = match options.known_total(rows) {
            Some(total) => total,
            // More than this one cannot be.
            None if pinned && rows == 1 => 1,
            None => {
                let from = self.session.dialect().target(&options.target);
                self.count_where(&from, &options.filter)?
            }
        };
        Ok(Summary {
            total: Some(total),
            ..Summary::default()
        })
    }

    /// Sends the rows of a selection, which perhaps are to be counted as if there were no limit. Says how many were
    /// sent, and whether there can be no more than one.
    fn selection(
        &mut self,
        options: &QueryOptions,
        counted: bool,
    ) -> Result<(u64, bool), JobError> {
        let target = &options.target;
        let list = self.session.list(target, options.select.as_deref())?;
        self.session.prepare_filter(target, &options.filter)?;
        let from = self.session.dialect().target(target);
        if counted && options.limit.is_some() {
            let total = |dialect: &dyn Dialect| count(dialect, &from, &options.filter);
            self.session.announce(&total);
        }
        let dialect = self.session.dialect();
        let statement = Selection::of(dialect, list.sql(), &from, options).statement()?;
        let pinned = self.session.is_pinned(&*list, &options.filter)?;
        let sink = &mut *self.sink;
        let before = sink.rows();
        let mut each = |row: &dyn super::Row| sink.row(|out| row.write_row(out));
        let sent = match pinned {
            true => self.session.one_row(&statement, &*list, &mut each),
            false => self.session.rows(&statement, &*list, &mut each),
        };
        sent.inspect_err(|_| self.session.forget(target))?;
        Ok((self.sink.rows() - before, pinned))
    }

    /// A number of rows.
    fn count(&mut self, options: &CountOptions) -> Result<Summary, JobError> {
        self.session
            .prepare_filter(&options.target, &options.filter)?;
        let from = self.session.dialect().target(&options.target);
        let total = self.count_where(&from, &options.filter)?;
        self.sink.count(total);
        Ok(Summary::default())
    }

    fn count_where(&mut self, from: &str, filter: &Predicate) -> Result<u64, JobError> {
        let statement = count(self.session.dialect(), from, filter)?;
        self.session.number(&statement)
    }

    fn list_targets(&mut self) -> Result<Summary, JobError> {
        let sink = &mut *self.sink;
        self.session.targets(&mut |name| send_target(sink, name))?;
        Ok(Summary::default())
    }

    /// Columns, key and row count of a target.
    fn introspect(&mut self, target: &Target) -> Result<Summary, JobError> {
        // This first: it is what fails when there is no such table.
        let from = self.session.dialect().target(target);
        let total = self.count_where(&from, &Predicate::always())?;
        let mut description = Description::default();
        let sink = &mut *self.sink;
        self.session
            .describe(target, &mut |column| description.column(sink, column))?;
        description.send(sink, target.table(), total)?;
        Ok(Summary::default())
    }
}

fn stands_still() -> JobError {
    JobError::query_failed(
        "the walk does not move forward: after options.cursor the database has the row of that cursor once more, \
         because the text of its key reads as another value there",
    )
}

/// What a page came to.
#[derive(Default)]
struct Sent {
    rows: u64,
    /// There is another row after the last one.
    more: bool,
    /// The cursor of the last row of a full page.
    last: Option<String>,
}
