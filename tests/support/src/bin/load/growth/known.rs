//! More sources that are assigned: at rest, once each was asked, and when the connection is lost.

use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::databases::SqliteDatabase;
use runner_testkit::source;
use serde_json::{Value, json};

use super::{Growth, cell};
use crate::session::{Program, Session};
use crate::table::{Bench, Figures, Unit};

/// Sources that are assigned.
const SOURCES: [usize; 4] = [1, 10, 100, 1000];
/// Reconnects that are looked at; each takes longer than the one before.
const RECONNECTS: usize = 3;

/// What so many sources showed.
struct Known {
    at_rest: u64,
    asked: u64,
    asking: Duration,
    again: u64,
    to_hello: Duration,
    to_answer: Duration,
    to_all: Duration,
}

/// Measures both on a file of their own.
pub fn measure(bench: &Bench) -> Vec<Growth> {
    let database = SqliteDatabase::create(
        "CREATE TABLE one (id INTEGER PRIMARY KEY); INSERT INTO one VALUES (1)",
    );
    let mut idle = Growth::new(
        "Sources that are assigned, of SQLite: memory once they are known, and once each has answered a job; of a hundred \
         the connections are kept.",
        "sources",
    );
    let mut lost = Growth::new(
        "The connection to the gateway is lost: when the runner is back (its first pause is up to a second), when a source \
         answers after that, when all have, and memory after three times.",
        "sources",
    );
    let mut fewest: Option<Figures> = None;
    for count in SOURCES {
        let of = |number| {
            let id = format!("source-number-{number}");
            source::managed(
                &id,
                "sqlite",
                json!({ "path": database.path(), "label": "x".repeat(80) }),
            )
        };
        let sources: Vec<_> = (0..count).map(of).collect();
        let mut figures: [Figures; 8] = Default::default();
        let mut a_source = Figures::default();
        for _ in 0..bench.rounds.min(3) {
            let found = bench.each(|program| known(program, &sources));
            let kilobytes = |bytes: u64| bytes as f64 / 1e6;
            let millis = |time: Duration| time.as_secs_f64() * 1e3;
            figures[0].add(&found, |known| kilobytes(known.at_rest));
            figures[1].add(&found, |known| kilobytes(known.asked));
            figures[2].add(&found, |known| millis(known.asking) * 1e3 / count as f64);
            figures[3].add(&found, |known| millis(known.to_hello));
            figures[4].add(&found, |known| millis(known.to_answer));
            figures[5].add(&found, |known| millis(known.to_all));
            figures[6].add(&found, |known| kilobytes(known.again));
            figures[7].add(&found, |known| known.at_rest as f64);
            if let Some(fewest) = &fewest {
                let more = (count - SOURCES[0]) as f64;
                let (ours, other) = (fewest.medians().runner, fewest.medians().other);
                let mut place = 0;
                a_source.add(&found, |known| {
                    let least = if place == 0 {
                        ours
                    } else {
                        other.unwrap_or(0.0)
                    };
                    place += 1;
                    (known.at_rest as f64 - least) / more / 1e3
                });
            }
        }
        let [
            at_rest,
            asked,
            asking,
            to_hello,
            to_answer,
            to_all,
            again,
            bytes,
        ] = figures;
        idle.add(
            count.to_string(),
            vec![
                cell("memory, known", Unit::Megabytes, &at_rest),
                cell("of it a source", Unit::Kilobytes, &a_source),
                cell("memory, asked", Unit::Megabytes, &asked),
                cell("CPU of a first job", Unit::Micros, &asking),
            ],
        );
        lost.add(
            count.to_string(),
            vec![
                cell("back", Unit::Millis, &to_hello),
                cell("an answer", Unit::ShortMillis, &to_answer),
                cell("all answers", Unit::Millis, &to_all),
                cell("memory", Unit::Megabytes, &again),
            ],
        );
        fewest.get_or_insert(bytes);
    }
    vec![idle, lost]
}

fn known(program: &Program, sources: &[Value]) -> Result<Known, String> {
    let mut session = Session::start_managed(program, sources.to_vec(), sources)?;
    thread::sleep(Duration::from_millis(300));
    let at_rest = session.runner.rss();
    let cpu = session.runner.cpu();
    ask_all(&mut session)?;
    let asking = session.runner.cpu() - cpu;
    thread::sleep(Duration::from_millis(300));
    let asked = session.runner.rss();
    let mut to_hello = Duration::ZERO;
    let (mut to_answer, mut to_all) = (Duration::ZERO, Duration::ZERO);
    for number in 0..RECONNECTS {
        let back = session.reconnect(sources)?;
        let start = Instant::now();
        session.choose(sources.len() - 1);
        session.ask("batchRead", "one", &json!({}))?;
        if number == 0 {
            (to_hello, to_answer) = (back, start.elapsed());
        }
        ask_all(&mut session)?;
        if number == 0 {
            to_all = start.elapsed();
        }
    }
    thread::sleep(Duration::from_millis(300));
    Ok(Known {
        at_rest,
        asked,
        asking,
        again: session.runner.rss(),
        to_hello,
        to_answer,
        to_all,
    })
}

/// One job of each source, one after the other.
fn ask_all(session: &mut Session) -> Result<(), String> {
    for source in 0..session.sources() {
        session.choose(source);
        let answer = session.ask("batchRead", "one", &json!({}))?;
        if answer.rows != 1 {
            return Err(format!("{} rows instead of one", answer.rows));
        }
    }
    Ok(())
}
