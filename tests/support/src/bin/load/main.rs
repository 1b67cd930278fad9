//! Load on a runner, measured: `load --help`.

mod arguments;
mod database;
mod floor;
mod growth;
mod link;
mod points;
mod reference;
mod session;
mod table;
mod tables;
mod walk;

use std::fs;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::arguments::{Arguments, Single, USAGE};
use crate::session::Session;

fn main() -> ExitCode {
    match Arguments::parse(lexopt::Parser::from_env()) {
        Ok(Some(arguments)) => {
            run(&arguments);
            ExitCode::SUCCESS
        }
        Ok(None) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) {
    match arguments {
        Arguments::Growth(bench) => {
            for growth in growth::measure(bench) {
                println!("{}", growth.markdown());
            }
        }
        Arguments::Ratios(bench) => {
            let (rows, notes) = table::measure(bench);
            print!("{}", table::markdown(&rows));
            println!();
            for line in notes.lines() {
                println!("- {line}");
            }
            if let Some(file) = &bench.plot {
                fs::write(file, table::svg(&rows)).expect("a file to draw into");
            }
        }
        Arguments::Single(single) => {
            for _ in 0..single.times {
                measure(single);
            }
        }
    }
}

fn measure(single: &Single) {
    let Single { source, tables, .. } = single;
    let line = match single.measure.as_str() {
        "prepare" => return source.run(&tables.script(source.engine)),
        "bare-point" => {
            floor::points(source, tables, single.in_flight as u64, single.time).json("bare-point")
        }
        "bare-bulk" => floor::rows(source, tables).json("bare-bulk"),
        _ => of_runner(single).unwrap_or_else(|why| panic!("the runner: {why}")),
    };
    println!("{line}");
}

fn of_runner(single: &Single) -> Result<Value, String> {
    let Single { source, tables, .. } = single;
    let mut session = Session::start(&single.runner, &[source])?;
    let everything = json!({ "where": {}, "limit": tables.bulk });
    let mut line = match single.measure.as_str() {
        "point" => points::run(&mut session, &tables.points, single.in_flight, single.time)?
            .json(single.in_flight),
        "bulk" => second(&mut session, "batchRead", &tables.rows, &everything)?,
        "walk" => walk::run(&mut session, &tables.rows)?.json(),
        "aggregate" => second(&mut session, "aggregate", &tables.rows, &aggregate())?,
        "idle" => {
            // What a runner with a live connection holds when nothing happens.
            session.ask(
                "batchRead",
                &tables.points.target,
                &json!({ "where": {}, "limit": 1 }),
            )?;
            thread::sleep(Duration::from_secs(1));
            json!({ "measure": "idle" })
        }
        other => panic!("no measure is called {other}; see --help"),
    };
    line["bridge"] = source.bridge().into();
    line["startToHelloMs"] = (session.start_to_hello.as_secs_f64() * 1e3).into();
    line["rssMb"] = (session.runner.rss() as f64 / 1e6).into();
    line["peakMb"] = (session.runner.peak_rss() as f64 / 1e6).into();
    Ok(line)
}

/// An aggregate that has to look at every row.
pub fn aggregate() -> Value {
    json!({
        "dimensions": [{ "field": "active" }],
        "measures": {
            "sum": { "agg": "sum", "column": "amount" },
            "max": { "agg": "max", "column": "created_at" },
        },
    })
}

/// The second of two equal jobs: the first one connects.
fn second(
    session: &mut Session,
    kind: &str,
    table: &str,
    options: &Value,
) -> Result<Value, String> {
    session.ask(kind, table, options)?;
    let answer = session.ask(kind, table, options)?;
    Ok(json!({
        "measure": kind, "rows": answer.rows, "bytes": answer.bytes,
        "seconds": answer.total.as_secs_f64(), "rowsPerSecond": answer.rate().round(),
        "firstChunkMs": answer.first.as_secs_f64() * 1e3,
        "runnerCpuMicrosPerRow": answer.runner_micros(),
        "loadCpuMicrosPerRow": answer.load_cpu.as_secs_f64() * 1e6 / answer.rows as f64,
    }))
}
