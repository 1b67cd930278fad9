//! The way of a `read` through a table: every row once, whatever the table's key and engine.

use std::collections::HashSet;

use serde_json::Value;

use super::error::Failure;
use super::instant::Moment;
use super::key::{self, Mark, Part, Position};
use super::row::{JsonRow, find_values};
use super::statements::{ClickHouseSession, Places, texts};
use super::types::Kind;
use crate::bridges::sql::Each;
use crate::error::JobError;
use crate::options::{Comparison, Predicate, ReadOptions, Target};
use crate::sql::{Builder, Cursor, Dialect, KeyPart, Statement};

/// A way.
pub(super) struct Way {
    /// The key and the hash under private names, then what is shown.
    pub(super) select: String,
    /// What `changedSince` comes to.
    pub(super) since: Predicate,
    parts: Vec<Part>,
    /// The name of the hash.
    hash: String,
    /// What tells the hashed columns from others.
    digest: String,
    mark: Option<Mark>,
}

impl Way {
    /// Finds the way through a target.
    pub(super) fn find(
        session: &mut ClickHouseSession<'_>,
        target: &Target,
        options: &ReadOptions,
    ) -> Result<Self, JobError> {
        let columns = session.columns_of(target)?;
        let sorting = key::expressions(&session.sorting_key(target)?);
        let parts = match sorting.is_empty() {
            true => Vec::new(),
            false => {
                let texts: Vec<_> = sorting.iter().map(|(text, _)| text.clone()).collect();
                let types = session.types_of(target, &texts)?;
                key::parts(sorting, &types)
            }
        };
        let since = match &options.changed_since {
            None => Predicate::always(),
            Some(since) => {
                let name = &options.tracking_column;
                let column = columns.iter().find(|column| column.name == *name);
                let kind = column.map(|column| &column.kind.kind);
                if !matches!(kind, Some(Kind::Date { .. } | Kind::DateTime { .. })) {
                    return Err(JobError::invalid_options(
                        "options.changeTrackingColumn",
                        format_args!("\"{name}\" is no column with dates or times"),
                    ));
                }
                later_than(name, since)?
            }
        };
        session.learn_filter(target, &since)?;
        let dialect: &dyn Dialect = &session.dialect;
        let private = key::private_name(columns.iter().map(|column| column.name.as_str()));
        let names: HashSet<_> = columns.iter().map(|column| column.name.as_str()).collect();
        let is_column = |name: &str| names.contains(name);
        let shown = key::shown(dialect, options.fields.as_deref(), is_column);
        let digest = key::digest(&match options.fields {
            Some(_) => shown.clone(),
            // A column more or less changes every hash.
            None => columns.iter().map(|column| column.name.as_str()).collect(),
        });
        let mut select: Vec<_> = parts
            .iter()
            .enumerate()
            .map(|(i, part)| format!("{} AS {private}{i}", part.text()))
            .collect();
        let hash = format!("{private}h");
        select.push(format!("{} AS {hash}", key::hash(&shown)));
        select.push(dialect.select_list(options.fields.as_deref()));
        Ok(Self {
            select: select.join(", "),
            since,
            mark: match &options.cursor {
                Some(cursor) => Some(Mark::decode(cursor, parts.len(), &digest)?),
                None => None,
            },
            digest,
            parts,
            hash,
        })
    }

    /// By what the answerer sorts, in name only: pages are made here.
    pub(super) fn key(&self) -> Vec<KeyPart> {
        vec![KeyPart {
            expression: self.hash.clone(),
            cast: KeyPart::AS_IT_IS,
        }]
    }

    /// After what it begins, in name only as well.
    pub(super) fn after(&self) -> Vec<Value> {
        let marks = self.mark.iter();
        marks.map(|_| self.hash.as_str().into()).collect()
    }

    /// The statement of a page.
    pub(super) fn page(
        &self,
        dialect: &dyn Dialect,
        from: &str,
        fetch: u64,
    ) -> Result<Statement, JobError> {
        let mut builder = Builder::new(dialect);
        builder
            .push("SELECT ")
            .push(&self.select)
            .from(from)
            .filter(&self.since);
        let (mut fetch, mut offset) = (fetch, None);
        match &self.mark {
            None => {}
            Some(Mark::Offset(rows)) => offset = Some(*rows),
            Some(Mark::Position(position)) => {
                builder.push(if self.since.is_always() {
                    " WHERE "
                } else {
                    " AND "
                });
                position.reached(&mut builder, &self.parts, &self.hash);
                // Those that were sent come again, and first.
                fetch = fetch.saturating_add(position.seen);
            }
        }
        builder.push(" ORDER BY ");
        for part in &self.parts {
            builder.push(&part.order()).push(", ");
        }
        builder.push(&self.hash).window(Some(fetch), offset);
        builder.finish()
    }

    /// Runs the statement of a page. Rows that were sent are passed over as far as they are still there.
    pub(super) fn rows(
        &self,
        session: &mut ClickHouseSession<'_>,
        statement: &Statement,
        each: &mut Each<'_>,
    ) -> Result<(), Failure> {
        let hidden = self.parts.len() + 1;
        let mut values = Places::new();
        let mut equals = Equals::default();
        session
            .conversation
            .ask(session.job, statement, &mut |line| {
                find_values(line, hidden, &mut values);
                Cursor::check(values.last().map(|place| place.end).into_iter())?;
                let count = equals.count(line, &values);
                if count == 1 {
                    equals.sent = match &self.mark {
                        Some(Mark::Position(last)) if texts(line, &values) == last.values => {
                            last.seen
                        }
                        _ => 0,
                    };
                }
                if count <= equals.sent {
                    return Ok(());
                }
                let cursor = || {
                    let position = Position {
                        values: texts(line, &values),
                        seen: count,
                    };
                    position.encode(&self.digest)
                };
                each(&JsonRow::walked(line, &values, hidden, &cursor))
            })
    }
}

/// Counts rows at one position.
#[derive(Default)]
struct Equals {
    /// The start of the line of such a row.
    start: String,
    count: u64,
    /// How many of them an earlier page has shown.
    sent: u64,
}

impl Equals {
    fn count(&mut self, line: &str, hidden: &Places) -> u64 {
        let end = hidden.last().map_or(0, |place| place.end);
        let start = line.get(..end).unwrap_or_default();
        if start == self.start {
            self.count += 1;
        } else {
            self.start.clear();
            self.start.push_str(start);
            self.count = 1;
        }
        self.count
    }
}

/// The filter of `changedSince`: an instant, or a day that begins in UTC.
fn later_than(column: &str, since: &str) -> Result<Predicate, JobError> {
    let Some(moment) = Moment::parse(since) else {
        return Err(JobError::invalid_options(
            "options.changedSince",
            "must be an ISO 8601 text",
        ));
    };
    let (text, _) = moment.text(moment.fraction.len());
    Ok(Predicate::Compare {
        column: column.to_owned(),
        comparison: Comparison::Greater,
        value: format!("{text}Z").into(),
    })
}
