//! Load on a runner, measured: `load --help`.

mod arguments;
mod database;
mod link;
mod points;
mod session;
mod tables;
mod walk;

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::arguments::{Arguments, USAGE};
use crate::session::{Answer, Session};

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
    let tables = &arguments.tables;
    if arguments.measure == "prepare" {
        return arguments
            .source
            .run(&tables.script(arguments.source.engine));
    }
    for _ in 0..arguments.times {
        let mut session = Session::start(&arguments.runner, &arguments.source);
        let mut line = match arguments.measure.as_str() {
            "point" => {
                let figures = points::run(
                    &mut session,
                    &tables.points,
                    arguments.in_flight,
                    arguments.time,
                );
                figures.json(arguments.in_flight)
            }
            "bulk" => {
                let options = json!({ "where": {}, "limit": tables.bulk });
                single(&mut session, "batchRead", &tables.rows, &options)
            }
            "walk" => walk::run(&mut session, &tables.rows).json(),
            "aggregate" => single(&mut session, "aggregate", &tables.rows, &aggregate()),
            "idle" => {
                // What a runner with a live connection holds when nothing happens.
                session.ask(
                    "batchRead",
                    &tables.points,
                    &json!({ "where": {}, "limit": 1 }),
                );
                thread::sleep(Duration::from_secs(1));
                json!({ "measure": "idle" })
            }
            other => panic!("no measure is called {other}"),
        };
        line["bridge"] = arguments.source.bridge().into();
        line["startToHelloMs"] = (session.start_to_hello.as_secs_f64() * 1e3).into();
        line["rssMb"] = (session.runner.rss() as f64 / 1e6).into();
        line["peakMb"] = (session.runner.peak_rss() as f64 / 1e6).into();
        println!("{line}");
    }
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
fn single(session: &mut Session, kind: &str, table: &str, options: &Value) -> Value {
    session.ask(kind, table, options);
    let answer: Answer = session.ask(kind, table, options);
    let seconds = answer.total.as_secs_f64();
    let micros = |cpu: Duration| cpu.as_secs_f64() * 1e6 / answer.rows as f64;
    json!({
        "measure": kind, "rows": answer.rows, "bytes": answer.bytes, "seconds": seconds,
        "rowsPerSecond": (answer.rows as f64 / seconds).round(),
        "firstChunkMs": answer.first.as_secs_f64() * 1e3,
        "runnerCpuMicrosPerRow": micros(answer.runner_cpu),
        "loadCpuMicrosPerRow": micros(answer.load_cpu),
    })
}
