//! The smallest SQL engine: a table of numbers in memory, which understands of a statement what its list and its
//! parameters tell. It shows what an engine must provide, and that the answers are the same for any of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::{Each, Row, Select, SelectList, Session, SqlBridge, SqlEngine, Values, Walk};
use crate::bridges::description::DescribedColumn;
use crate::bridges::places::Place;
use crate::bridges::pool::Connector;
use crate::bridges::{Bridge, Opened, Registered};
use crate::error::{ErrorCode, JobError, Retry};
use crate::job::{
    ChunkLimits, Columns, JobControl, KeptBy, Package, Privileges, QueueSender, RowSink,
    ServerFacts, Slot, Summary, TargetColumn, Wakeup,
};
use crate::json::Text;
use crate::options::{
    AggregateOptions, JobKind, OptionRules, ReadOptions, Request, Target, TimeUnit,
};
use crate::sql::{Bound, Builder, ColumnFacts, Cursor, Dialect, KeyPart, Statement};

static PACKAGE: Registered = Registered {
    package: Package::of(OptionRules::usual("memory")),
    open,
};

fn open(_: &Map<String, Value>) -> Opened {
    Ok(Arc::new(SqlBridge::new(Memory::default(), Nowhere, 2)))
}

struct MemoryDialect;

impl Dialect for MemoryDialect {
    fn time_bucket(&self, _: TimeUnit, column: &str, _: ColumnFacts) -> String {
        column.to_owned()
    }

    fn step(&self, builder: &mut Builder<'_>, column: &str, step: f64) {
        builder.push(column).push(" - mod ").bind(step.into());
    }
}

/// There is nothing to connect to.
struct Nowhere;

impl Connector for Nowhere {
    type Connection = ();

    fn connect(&self, _: &Arc<JobControl>, _: &Place) -> Result<(), JobError> {
        Ok(())
    }

    fn reusable(&self, (): &mut ()) -> bool {
        true
    }
}

/// The numbers 1 to 5, in a column `id`.
#[derive(Default)]
struct Memory {
    /// Statements that have failed because the table was changed.
    failed: AtomicUsize,
    forgotten: AtomicUsize,
    counted: AtomicUsize,
}

const IDS: std::ops::RangeInclusive<u64> = 1..=5;

impl SqlEngine for Memory {
    type Connector = Nowhere;
    type Session<'s> = MemorySession<'s>;

    fn package(&self) -> &'static Package {
        &PACKAGE.package
    }

    fn job<T>(
        &self,
        (): &mut (),
        _: &Arc<JobControl>,
        work: impl FnOnce(&mut MemorySession<'_>) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        work(&mut MemorySession(self))
    }
}

struct MemorySession<'s>(&'s Memory);

enum List {
    Rows,
    Walk,
    Buckets,
}

impl SelectList for List {
    fn sql(&self) -> &str {
        "t.id"
    }
}

impl Session for MemorySession<'_> {
    fn dialect(&self) -> &dyn Dialect {
        &MemoryDialect
    }

    fn columns(&mut self, target: &Target) -> Result<Columns, JobError> {
        Ok(match target.table() {
            "none" => Columns::NoSuchTarget,
            _ => Columns::Known(vec![TargetColumn {
                name: "id".into(),
                key: true,
                hidden: false,
            }]),
        })
    }

    fn key(&mut self, _: &Target) -> Result<Vec<String>, JobError> {
        Ok(vec![self.dialect().column("id")])
    }

    fn number(&mut self, _: &Statement) -> Result<u64, JobError> {
        self.0.counted.fetch_add(1, Ordering::SeqCst);
        Ok(IDS.count() as u64)
    }

    fn forget(&mut self, _: &Target) {
        self.0.forgotten.fetch_add(1, Ordering::SeqCst);
    }

    fn targets(
        &mut self,
        each: &mut dyn FnMut(&str) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        each("numbers")?;
        each("secrets")
    }

    fn describe(
        &mut self,
        _: &Target,
        each: &mut dyn FnMut(&DescribedColumn<'_>),
    ) -> Result<(), JobError> {
        for name in ["id", "secret"] {
            each(&DescribedColumn {
                name,
                data_type: "number",
                nullable: false,
                primary_key: name == "id",
            });
        }
        Ok(())
    }

    fn server(&mut self) -> Result<ServerFacts, JobError> {
        Ok(ServerFacts {
            version: "Memory 1".into(),
            tls: false,
            read_only: true,
            kept_by: KeptBy::Session,
        })
    }

    fn privileges(&mut self) -> Result<Privileges, JobError> {
        Ok(Privileges::default())
    }
}

impl Select for MemorySession<'_> {
    type List = List;

    fn list(&mut self, _: &Target, _: Option<&[String]>) -> Result<List, JobError> {
        Ok(List::Rows)
    }

    fn walk(&mut self, target: &Target, options: &ReadOptions) -> Result<Walk<List>, JobError> {
        let key = KeyPart {
            expression: self.dialect().column("id"),
            cast: KeyPart::AS_IT_IS,
        };
        let cursor = options.cursor.as_ref();
        let since = options.changed_since.iter().map(|since| Bound {
            before: "t.at > ".into(),
            value: since.as_str().into(),
            after: String::new(),
        });
        Ok(Walk {
            list: List::Walk,
            key: if target.table() == "view" {
                vec![]
            } else {
                vec![key]
            },
            after: cursor.map_or(vec![], |cursor| Cursor::decode(cursor, 1).values()),
            since: since.filter(|_| options.tracking_column == "at").collect(),
        })
    }

    fn prepare_aggregate(&mut self, _: &AggregateOptions) -> Result<List, JobError> {
        Ok(List::Buckets)
    }

    fn rows(
        &mut self,
        statement: &Statement,
        list: &List,
        each: &mut Each<'_>,
    ) -> Result<(), JobError> {
        if statement.sql.contains("\"changed\"")
            && self.0.failed.fetch_add(1, Ordering::SeqCst) == 0
        {
            return Err(JobError::query_failed("changed").with(Retry::Anew));
        }
        let limit = statement.params.last().and_then(Value::as_u64);
        let after = match (list, statement.params.first().and_then(Value::as_str)) {
            // It takes 3 for 2, as a database does that rounds.
            (List::Walk, Some(after)) => after.parse().map_or(0, |id| if id == 3 { 2 } else { id }),
            _ => 0,
        };
        let numbers = match list {
            List::Rows | List::Walk => IDS,
            List::Buckets => 5..=5,
        };
        let limit = usize::try_from(limit.unwrap_or(9)).unwrap();
        for number in numbers.filter(|id| *id > after).take(limit) {
            each(&Number(number))?;
        }
        Ok(())
    }
}

struct Number(u64);

impl Row for Number {
    fn write_row(&self, out: &mut Text) -> Result<(), JobError> {
        out.push_str(&json!({ "id": self.0 }).to_string());
        Ok(())
    }

    fn cursor(&self) -> Result<String, JobError> {
        Ok(self.0.to_string())
    }
}

impl Values for Number {
    fn write(&self, out: &mut Text, _: usize) -> Result<(), JobError> {
        out.push_str(&self.0.to_string());
        Ok(())
    }

    fn write_number(&self, out: &mut Text, column: usize) -> Result<(), JobError> {
        self.write(out, column)
    }

    fn text(&self, _: usize) -> Result<String, JobError> {
        Ok(self.0.to_string())
    }

    fn whole(&self, _: usize) -> Result<u64, JobError> {
        Ok(self.0)
    }
}

type Answered = (Summary, Value);

fn run(
    bridge: &dyn Bridge,
    kind: &str,
    target: &str,
    options: Value,
    hidden: Option<&'static str>,
) -> Result<Answered, JobError> {
    let request = Request::parse(
        JobKind::of(kind),
        target,
        &options,
        &bridge.package().options,
    )?;
    let until = Instant::now() + Duration::from_secs(60);
    let job = Arc::new(JobControl::new("j", until));
    let (frames, taken) = QueueSender::queue(8, &Wakeup::default());
    let slot = Slot::of(&request);
    let mut sink = RowSink::new(job.clone(), frames, ChunkLimits::default(), slot);
    if let Some(hidden) = hidden {
        sink.hide(move |name| name == hidden);
    }
    let summary = bridge.run(&job, &request, &mut sink)?;
    sink.flush()?;
    let frame = taken.try_recv().map(|frame| frame.text);
    let frame: Value = serde_json::from_slice(&frame.unwrap_or(b"{}".into())).unwrap();
    Ok((summary, frame))
}

fn bridge() -> Arc<dyn Bridge> {
    (PACKAGE.open)(&Map::new()).unwrap()
}

fn ids(frame: &Value) -> Vec<u64> {
    let rows = frame["rows"].as_array();
    let rows = rows.into_iter().flatten();
    rows.map(|row| row["id"].as_u64().unwrap()).collect()
}

#[test]
fn a_walk_shows_every_row_once() {
    let bridge = bridge();
    let mut seen = Vec::new();
    let mut cursor = None;
    for pages in 1.. {
        let options = json!({"limit": 2, "cursor": cursor});
        let (summary, frame) = run(&*bridge, "read", "numbers", options, None).unwrap();
        seen.extend(ids(&frame));
        assert_eq!(summary.total, Some(5));
        cursor = summary.next_cursor;
        if cursor.is_none() {
            assert_eq!(pages, 3);
            break;
        }
    }
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    let error = run(&*bridge, "read", "view", json!({}), None).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidTarget);
}

#[test]
fn a_walk_that_does_not_move_forward_ends_with_an_error() {
    for limit in [1, 2] {
        let options = json!({"limit": limit, "cursor": "3"});
        let error = run(&*bridge(), "read", "numbers", options, None).unwrap_err();
        assert!(error.message.contains("does not move forward"), "{error}");
    }
}

#[test]
fn a_walk_counts_no_more_than_it_must() {
    let counted = |pages: &[Value]| {
        let source = SqlBridge::new(Memory::default(), Nowhere, 1);
        for options in pages {
            run(&source, "read", "numbers", options.clone(), None).unwrap();
        }
        source.engine().counted.load(Ordering::SeqCst)
    };
    // The whole table on one page; the count of the first page; a walk that begins anew.
    assert_eq!(counted(&[json!({"limit": 5})]), 0);
    assert_eq!(
        counted(&[json!({"limit": 2}), json!({"limit": 2, "cursor": "2"})]),
        1
    );
    assert_eq!(counted(&[json!({"limit": 2}), json!({"limit": 2})]), 2);
    assert_eq!(counted(&[json!({"limit": 0})]), 1);
    let since = json!({"limit": 5, "changedSince": "2025-01-01", "changeTrackingColumn": "at"});
    assert_eq!(counted(&[since]), 1);
}

#[test]
fn rows_come_with_their_total_or_without() {
    let bridge = bridge();
    let options = json!({"limit": 2});
    let (summary, frame) = run(&*bridge, "query", "numbers", options.clone(), None).unwrap();
    assert_eq!((ids(&frame), summary.total), (vec![1, 2], Some(5)));
    let (summary, frame) = run(&*bridge, "batchRead", "numbers", options, None).unwrap();
    assert_eq!((ids(&frame), summary.total), (vec![1, 2], None));
    let (_, frame) = run(&*bridge, "count", "numbers", json!({}), None).unwrap();
    assert_eq!(frame["total"], 5);
}

#[test]
fn buckets_are_of_the_statement_and_of_its_lists() {
    let options = json!({"measures": {"s": {"agg": "sum", "column": "id"}}});
    let (_, frame) = run(&*bridge(), "aggregate", "numbers", options, None).unwrap();
    let bucket = json!({"dims": {}, "measures": {"s": 5}, "count": 5});
    assert_eq!(frame["agg"], json!([bucket]));
    let geohash = json!({"type": "geohash", "geoField": "id"});
    let options = json!({"dimensions": [{"field": "id", "bucket": geohash}]});
    let error = run(&*bridge(), "aggregate", "numbers", options, None).unwrap_err();
    assert_eq!(error.code, ErrorCode::UnsupportedOperator);
}

#[test]
fn what_is_hidden_is_neither_listed_nor_described() {
    let bridge = bridge();
    let names = |hidden| {
        let (_, frame) = run(&*bridge, "listTargets", "", json!({}), hidden).unwrap();
        frame["rows"].clone()
    };
    assert_eq!(
        names(None),
        json!([{"name": "numbers", "target": "numbers"}, {"name": "secrets", "target": "secrets"}])
    );
    assert_eq!(
        names(Some("secrets")),
        json!([{"name": "numbers", "target": "numbers"}])
    );
    let described = run(
        &*bridge,
        "introspectTarget",
        "numbers",
        json!({}),
        Some("secret"),
    );
    let column = json!({"name": "id", "type": "number", "nullable": false, "primaryKey": true});
    let row = json!({"name": "numbers", "columns": [column], "rowCount": 5});
    assert_eq!(described.unwrap().1["rows"], json!([row]));
}

#[test]
fn a_table_that_was_changed_is_forgotten_and_asked_again() {
    let source = SqlBridge::new(Memory::default(), Nowhere, 1);
    let (_, frame) = run(&source, "query", "changed", json!({}), None).unwrap();
    assert_eq!(ids(&frame), [1, 2, 3, 4, 5]);
    assert_eq!(source.engine().forgotten.load(Ordering::SeqCst), 1);
}

#[test]
fn the_server_and_its_columns_are_told() {
    let bridge = bridge();
    let (summary, _) = run(&*bridge, "test", "", json!({}), None).unwrap();
    assert_eq!(summary.server.unwrap().version, "Memory 1");
    let until = Instant::now() + Duration::from_secs(60);
    let job = Arc::new(JobControl::new("j", until));
    assert_eq!(
        bridge.columns(&job, &Target::whole("none")),
        Ok(Columns::NoSuchTarget)
    );
    let (frames, _taken) = QueueSender::queue(1, &Wakeup::default());
    let mut sink = RowSink::new(job.clone(), frames, ChunkLimits::default(), Slot::Rows);
    let summary = bridge.run(&job, &Request::Privileges, &mut sink).unwrap();
    assert_eq!(summary.privileges, Some(Privileges::default()));
}
