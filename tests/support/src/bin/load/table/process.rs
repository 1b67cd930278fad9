//! The process itself: memory, start, size.

use std::fs;
use std::thread;
use std::time::Duration;

use runner_testkit::databases::{PostgresDatabase, SqliteDatabase};
use serde_json::json;

use super::{Bench, Figures, Row, Target, Unit, row};
use crate::database::{Engine, Source};
use crate::points;
use crate::session::{Program, Session};
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
    let [mut start, mut idle, mut busy, mut peak]: [Figures; 4] = Default::default();
    for _ in 0..bench.rounds {
        let found = bench.each(|program| one(program, &postgres, &sqlite, &tables));
        start.add(&found, |figures| figures[0]);
        idle.add(&found, |figures| figures[1]);
        busy.add(&found, |figures| figures[2]);
        peak.add(&found, |figures| figures[3]);
    }
    let mut sizes = Figures::default();
    sizes.add(&bench.each(size), |size| *size);
    let alone = |measure: &str, unit, figures: &Figures, most: Option<f64>| {
        let value = figures.medians();
        row(GROUP, measure, unit, value, None, most.map(Target::AtMost))
    };
    let megabytes = Unit::Megabytes;
    vec![
        alone("start to hello", Unit::Millis, &start, Some(20.0)),
        alone(
            "memory, idle, two live sources",
            megabytes,
            &idle,
            Some(4.8),
        ),
        alone("memory, 32 point jobs in flight", megabytes, &busy, None),
        alone(
            "memory, the most, after two results of 200,000 rows",
            megabytes,
            &peak,
            None,
        ),
        alone("size of the binary", megabytes, &sizes, Some(6.5)),
    ]
}

/// Milliseconds from start to hello; megabytes when idle, when busy, and at most.
fn one(
    program: &Program,
    postgres: &Source,
    sqlite: &Source,
    tables: &Tables,
) -> Result<[f64; 4], String> {
    let mut session = Session::start(program, &[postgres, sqlite])?;
    for source in [1, 0] {
        session.choose(source);
        session.ask(
            "query",
            &tables.points.target,
            &tables.points.options(100_000),
        )?;
    }
    thread::sleep(Duration::from_millis(500));
    let idle = session.runner.rss();
    points::run(&mut session, &tables.points, 32, Duration::from_secs(1))?;
    let busy = session.runner.rss();
    for source in [0, 1] {
        session.choose(source);
        session.ask("batchRead", &tables.rows, &json!({ "where": {} }))?;
    }
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let start = session.start_to_hello.as_secs_f64() * 1e3;
    Ok([
        start,
        megabytes(idle),
        megabytes(busy),
        megabytes(session.runner.peak_rss()),
    ])
}

/// Megabytes of the file, where a runner is one.
fn size(program: &Program) -> Result<f64, String> {
    let file = program.file().ok_or("it is more than a file")?;
    let file = fs::metadata(file).map_err(|error| error.to_string())?;
    Ok(file.len() as f64 / 1e6)
}
