//! The process itself: memory, start, size.

use std::fs;
use std::thread;
use std::time::Duration;

use runner_testkit::databases::{PostgresDatabase, SqliteDatabase};
use serde_json::json;

use super::{Bench, Row, Target, Unit, median, row};
use crate::database::{Engine, Source};
use crate::points;
use crate::session::Session;
use crate::tables::Tables;

const GROUP: &str = "Process";

/// Measures it with two live sources.
pub fn measure(bench: &Bench) -> Vec<Row> {
    super::progress("memory, start and size");
    let tables = Tables::new("", 200_000);
    let postgres = PostgresDatabase::create(&bench.postgres, "");
    let sqlite = SqliteDatabase::create("");
    let postgres = Source::of(Engine::Postgres, &postgres.url);
    let sqlite = Source::of(Engine::Sqlite, &sqlite.path().to_string_lossy());
    for source in [&postgres, &sqlite] {
        source.run(&tables.script(source.engine));
    }
    let [mut start, mut idle, mut busy, mut peak]: [Vec<f64>; 4] = Default::default();
    for _ in 0..bench.rounds {
        let mut session = Session::start(&bench.runner, &[&postgres, &sqlite]);
        start.push(session.start_to_hello.as_secs_f64() * 1e3);
        for source in [1, 0] {
            session.choose(source);
            session.ask(
                "query",
                &tables.points,
                &json!({ "where": { "id": 100_000 } }),
            );
        }
        thread::sleep(Duration::from_millis(500));
        idle.push(session.runner.rss() as f64 / 1e6);
        points::run(&mut session, &tables.points, 32, Duration::from_secs(1));
        busy.push(session.runner.rss() as f64 / 1e6);
        session.ask("batchRead", &tables.rows, &json!({ "where": {} }));
        session.choose(1);
        session.ask("batchRead", &tables.rows, &json!({ "where": {} }));
        peak.push(session.runner.peak_rss() as f64 / 1e6);
    }
    let size = fs::metadata(&bench.runner).expect("the runner").len() as f64 / 1e6;
    let alone = |measure: &str, unit, value, most: Option<f64>| {
        row(GROUP, measure, unit, value, None, most.map(Target::AtMost))
    };
    let megabytes = Unit::Megabytes;
    vec![
        alone("start to hello", Unit::Millis, median(&start), Some(20.0)),
        alone(
            "memory, idle, two live sources",
            megabytes,
            median(&idle),
            Some(6.0),
        ),
        alone(
            "memory, 32 point jobs in flight",
            megabytes,
            median(&busy),
            None,
        ),
        alone(
            "memory, the most, after two results of 200,000 rows",
            megabytes,
            median(&peak),
            None,
        ),
        alone("size of the binary", megabytes, size, Some(6.0)),
    ]
}
