//! One `batchRead` of very many rows, by turns with the engine's own client and with a bare loop over the
//! driver.

use serde_json::json;

use super::{Bench, Notes, Row, Sample, Target, Unit, median, row, thousands};
use crate::database::Source;
use crate::session::Session;
use crate::tables::Tables;
use crate::{floor, reference};

/// Measures it; `client` is what the client's statement is called.
pub fn measure(
    bench: &Bench,
    group: &'static str,
    source: &Source,
    tables: &Tables,
    client: &str,
    notes: &mut Notes,
) -> Vec<Row> {
    let mut session = Session::start(&bench.runner, &[source]);
    let options = json!({ "where": {}, "limit": tables.bulk });
    let select = reference::rows_statement(source.engine, &tables.rows, Some(tables.bulk));
    let [mut runner, mut bare]: [Sample; 2] = Default::default();
    let (mut other, mut first) = (Vec::new(), Vec::new());
    // Once to connect, and looked at.
    let rows = session.rows("batchRead", &tables.rows, &options);
    assert_eq!(
        rows.len() as u64,
        tables.bulk,
        "not the rows that were asked for"
    );
    assert_eq!(
        rows[6]["email"],
        format!("person{}@example.com", rows[6]["id"])
    );
    drop(rows);
    for round in 1..=bench.rounds {
        let answer = session.ask("batchRead", &tables.rows, &options);
        runner.add(answer.rate(), answer.runner_micros());
        first.push(answer.first.as_secs_f64() * 1e3);
        other.push(tables.bulk as f64 / reference::client(source, &select).as_secs_f64());
        let floor = floor::rows(source, tables);
        bare.add(floor.rate(), floor.micros());
        if round == bench.rounds {
            notes.add(format!(
                "{group}, batchRead: the load generator took {:.2} µs of CPU a row; the rows were {:.1} MB of JSON.",
                answer.load_cpu.as_secs_f64() * 1e6 / answer.rows as f64,
                answer.bytes as f64 / 1e6,
            ));
        }
    }
    let label = format!("batchRead of {} rows", thousands(tables.bulk as f64));
    let rate = |name, value, target| {
        row(
            group,
            &label,
            Unit::Rate("rows"),
            runner.rate(),
            Some((name, value)),
            target,
        )
    };
    let (least, most) = (Some(Target::AtLeast(0.6)), Some(Target::AtMost(2.5)));
    let soon = Some(Target::AtMost(20.0));
    let micros = Some(("bare loop", bare.micros()));
    vec![
        rate(client, median(&other), least),
        rate("bare loop", bare.rate(), None),
        row(
            group,
            "CPU a row",
            Unit::Micros,
            runner.micros(),
            micros,
            most,
        ),
        row(
            group,
            "job frame to first chunk",
            Unit::Millis,
            median(&first),
            None,
            soon,
        ),
    ]
}
