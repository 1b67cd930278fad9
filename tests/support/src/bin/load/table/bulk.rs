//! One `batchRead` of very many rows, by turns with the engine's own client and with a bare loop.

use serde_json::json;

use super::{Bench, Contest, Figures, Notes, Row, Sample, Target, Unit, median, row, thousands};
use crate::database::{Engine, Source};
use crate::session::Answer;
use crate::tables::Tables;
use crate::{floor, reference};

/// Measures it; `client` is what the client's statement is called, where the engine has a client.
pub fn measure(
    bench: &Bench,
    group: &'static str,
    source: &Source,
    tables: &Tables,
    client: Option<&str>,
    notes: &mut Notes,
) -> Vec<Row> {
    let mut contest = Contest::start(bench, &[source]);
    let options = json!({ "where": {}, "limit": tables.bulk });
    let select = reference::rows_statement(source.engine, &tables.rows, Some(tables.bulk));
    let has_floor = source.engine != Engine::Clickhouse;
    let [mut rates, mut micros, mut first]: [Figures; 3] = Default::default();
    let mut bare = Sample::default();
    let mut other = Vec::new();
    // Once to connect, and looked at.
    contest.each(|session| {
        let rows = session.rows("batchRead", &tables.rows, &options)?;
        if rows.len() as u64 != tables.bulk {
            return Err(format!("{} rows instead of {}", rows.len(), tables.bulk));
        }
        match rows[6]["email"] == format!("person{}@example.com", rows[6]["id"]) {
            true => Ok(()),
            false => Err(format!("not a row of the table: {}", rows[6])),
        }
    });
    for round in 1..=bench.rounds {
        let answers = contest.each(|session| session.ask("batchRead", &tables.rows, &options));
        rates.add(&answers, Answer::rate);
        micros.add(&answers, Answer::runner_micros);
        first.add(&answers, |answer| answer.first.as_secs_f64() * 1e3);
        if client.is_some() {
            other.push(tables.bulk as f64 / reference::client(source, &select).as_secs_f64());
        }
        if has_floor {
            let floor = floor::rows(source, tables);
            bare.add(floor.rate(), floor.micros());
        }
        if let (true, Some(Some(answer))) = (round == bench.rounds, answers.first()) {
            notes.add(format!(
                "{group}, batchRead: the load generator took {:.2} µs of CPU a row; the rows were {:.1} MB of JSON.",
                answer.load_cpu.as_secs_f64() * 1e6 / answer.rows as f64,
                answer.bytes as f64 / 1e6,
            ));
        }
    }
    let label = format!("batchRead of {} rows", thousands(tables.bulk as f64));
    let rate = |name, value, target| {
        let unit = Unit::Rate("rows");
        row(
            group,
            &label,
            unit,
            rates.medians(),
            Some((name, value)),
            target,
        )
    };
    let mut rows = Vec::new();
    if let Some(client) = client {
        rows.push(rate(client, median(&other), Some(Target::AtLeast(0.6))));
    }
    let reference = has_floor.then(|| ("bare loop", bare.micros()));
    if has_floor {
        rows.push(rate("bare loop", bare.rate(), None));
    }
    let of_sql = matches!(
        source.engine,
        Engine::Postgres | Engine::Mysql | Engine::Sqlite
    );
    let most = of_sql.then_some(Target::AtMost(2.0));
    let soon = of_sql.then_some(Target::AtMost(10.0));
    let cost = micros.medians();
    rows.push(row(group, "CPU a row", Unit::Micros, cost, reference, most));
    let first = first.medians();
    rows.push(row(
        group,
        "job frame to first chunk",
        Unit::Millis,
        first,
        None,
        soon,
    ));
    rows
}
