//! Results of more rows.

use runner_testkit::databases::PostgresDatabase;
use serde_json::json;

use super::{Growth, cell};
use crate::database::{Engine, Source};
use crate::session::{Answer, Session};
use crate::table::{Bench, Figures, Unit, thousands};
use crate::tables::Tables;

/// Rows of the largest result.
const MOST: u64 = 10_000_000;
/// Rows of the table that it repeats.
const TABLE: u64 = 100_000;

/// Measures it on a view of its own; every result has a process of its own.
pub fn measure(bench: &Bench) -> Growth {
    let database = PostgresDatabase::create(&bench.postgres, "");
    let source = Source::of(Engine::Postgres, &database.url);
    let tables = Tables::new("", TABLE);
    source.run(&tables.script(source.engine));
    source.run(&format!(
        "CREATE VIEW many AS SELECT t.* FROM generate_series(1, {}) g CROSS JOIN {} t",
        MOST / TABLE,
        tables.rows
    ));
    let mut growth = Growth::new(
        "Results of more rows, of eight columns, of PostgreSQL. Memory and the cost of a row stay as they are.",
        "rows",
    );
    // The largest takes as long as all others together.
    let most = MOST.min(10 * bench.rows);
    let mut size = 1000;
    while size <= most {
        let [mut rates, mut micros, mut first, mut peaks]: [Figures; 4] = Default::default();
        let rounds = if size > 1_000_000 { 1 } else { bench.rounds };
        for _ in 0..rounds {
            let found = bench.each(|program| {
                let mut session = Session::start(program, &[&source])?;
                session.ask("count", "many", &json!({ "where": { "id": -1 } }))?;
                let answer =
                    session.ask("batchRead", "many", &json!({ "where": {}, "limit": size }))?;
                match answer.rows == size {
                    true => Ok((answer, session.runner.peak_rss() as f64 / 1e6)),
                    false => Err(format!("{} rows instead of {size}", answer.rows)),
                }
            });
            rates.add(&found, |(answer, _)| answer.rate());
            micros.add(&found, |(answer, _): &(Answer, f64)| answer.runner_micros());
            first.add(&found, |(answer, _)| answer.first.as_secs_f64() * 1e3);
            peaks.add(&found, |(_, peak)| *peak);
        }
        let cells = vec![
            cell("done", Unit::Rate("rows"), &rates),
            cell("CPU a row", Unit::Micros, &micros),
            cell("first chunk", Unit::ShortMillis, &first),
            cell("memory, the most", Unit::Megabytes, &peaks),
        ];
        growth.add(thousands(size as f64), cells);
        size *= 10;
    }
    growth
}
