//! More point jobs at a time, and the same number over more sources.

use std::time::Duration;

use runner_testkit::databases::PostgresDatabase;
use runner_testkit::source;
use runner_testkit::statistics::percentile;
use serde_json::{Value, json};

use super::{Cell, Growth, cell};
use crate::database::{Engine, Source};
use crate::points::{self, Stretch};
use crate::session::Session;
use crate::table::{Bench, Contest, Figures, Unit};
use crate::tables::Tables;

/// Point jobs at a time.
const IN_FLIGHT: [usize; 5] = [1, 4, 16, 64, 256];
/// Sources with a connection each.
const SOURCES: [usize; 3] = [1, 10, 100];
/// Point jobs at a time over all of them.
const OVER_SOURCES: usize = 64;

/// Measures both on a database of their own.
pub fn measure(bench: &Bench) -> Vec<Growth> {
    let database = PostgresDatabase::create(&bench.postgres, "");
    let server = Source::of(Engine::Postgres, &database.url);
    let tables = Tables::new("", 1000);
    server.run(&tables.script(server.engine));

    let mut depths = Growth::new(
        "Point jobs of PostgreSQL, more of them at a time, on the three connections of a pool.",
        "in flight",
    );
    let mut contest = Contest::start(bench, &[&server]);
    for in_flight in IN_FLIGHT {
        let cells = stretches(bench, |time| {
            contest.each(|session| points::run(session, &tables.points, in_flight, time))
        });
        depths.add(in_flight.to_string(), cells);
    }
    let mut spread = Growth::new(
        format!(
            "{OVER_SOURCES} point jobs of PostgreSQL in flight, over sources with one connection each."
        ),
        "sources",
    );
    for count in SOURCES {
        let of = |number| managed(&format!("s{number}"), &database.url);
        let sources: Vec<_> = (0..count).map(of).collect();
        // One runner at a time: the server has no room for the connections of two.
        let cells = stretches(bench, |time| {
            bench.each(|program| {
                let mut session = Session::start_managed(program, sources.clone(), &sources)?;
                points::run(&mut session, &tables.points, OVER_SOURCES, time)
            })
        });
        spread.add(count.to_string(), cells);
    }
    vec![depths, spread]
}

fn managed(id: &str, url: &str) -> Value {
    source::managed(id, "postgres", json!({ "url": url, "pool": { "max": 1 } }))
}

fn stretches(
    bench: &Bench,
    mut stretch: impl FnMut(Duration) -> Vec<Option<Stretch>>,
) -> Vec<Cell> {
    let [mut rates, mut median, mut worst, mut micros]: [Figures; 4] = Default::default();
    for _ in 0..bench.rounds {
        let found = stretch(Duration::from_secs_f64(bench.seconds));
        let at =
            |share| move |found: &Stretch| percentile(&found.latencies, share).as_secs_f64() * 1e3;
        rates.add(&found, Stretch::rate);
        median.add(&found, at(0.5));
        worst.add(&found, at(0.99));
        micros.add(&found, Stretch::runner_micros);
    }
    vec![
        cell("done", Unit::Rate("jobs"), &rates),
        cell("p50", Unit::ShortMillis, &median),
        cell("p99", Unit::ShortMillis, &worst),
        cell("CPU a job", Unit::Micros, &micros),
    ]
}
