//! Redis: against redis-benchmark and a bare loop over the wire, and what a walk of very many keys costs others. Upstash:
//! the same look-ups by way of REST, which this process plays.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::databases::{RedisClient, RedisKeys, RedisReply};
use runner_testkit::fakes::{UPSTASH_TOKEN, upstash};
use runner_testkit::statistics::percentile;
use serde_json::json;

use super::{Bench, Contest, Figures, Notes, Row, Target, Unit, bulk, lookups, row, thousands};
use crate::database::{Engine, Source};
use crate::session::Session;
use crate::tables::{self, Tables};
use crate::walk::{self, Walk};

const GROUP: &str = "Redis";
/// Between two questions of the second client.
const SECOND_CLIENT: Duration = Duration::from_millis(1);
/// The usual deadline of a job, in milliseconds.
const DEADLINE: f64 = 30_000.0;

/// Measures both on keys of their own.
pub fn measure(bench: &Bench, server: &str, notes: &mut Notes) -> Vec<Row> {
    super::progress(GROUP);
    let keys = RedisKeys::on(server);
    let tables = Tables::of(&keys.target(""), "_key", 200_000);
    for name in ["bench_points", "bench_rows"] {
        let entries = (1..=tables.bulk).map(|i| (format!("{i:012}"), tables::document(i)));
        keys.fill(name, entries);
    }
    let source = Source::of(Engine::Redis, &keys.url);
    let mut rows = lookups::measure(bench, GROUP, &source, &tables, notes);
    rows.extend(bulk::measure(bench, GROUP, &source, &tables, None, notes));
    super::progress("Upstash");
    let rest = upstash(&keys.url, 10 << 20);
    let rest = Source::of(Engine::Upstash(UPSTASH_TOKEN), &rest);
    let upstash = lookups::measure(bench, "Upstash", &rest, &tables, notes);
    drop(keys);
    rows.extend(whole_store(bench, server));
    rows.extend(upstash);
    rows
}

/// Very many keys.
fn whole_store(bench: &Bench, server: &str) -> Vec<Row> {
    super::progress("very many keys of Redis");
    let keys = RedisKeys::on(server);
    let entries = (1..=bench.rows).map(|i| (i.to_string(), tables::document(i)));
    keys.fill("bench_walk", entries);
    let source = Source::of(Engine::Redis, &keys.url);
    let target = keys.target("bench_walk");
    let filter = json!({ "where": { "amount": { "$gt": 500 } } });
    let [mut rates, mut peaks, mut counted, mut grouped]: [Figures; 4] = Default::default();
    let (mut alone, mut during) = (Vec::new(), Vec::new());
    // Each takes seconds, so one round of each, in processes of their own: the peak is of this and nothing else.
    let mut contest = Contest::start(bench, &[&source]);
    let mut first = true;
    let walks = contest.each(|session| {
        let (walk, seen) = watched(&keys.url, &target, || walk::run(session, &target));
        // What a second client sees of another runner is not told.
        if std::mem::take(&mut first) {
            during = seen;
        }
        let walk = walk?;
        match walk.rows == bench.rows {
            true => Ok((walk, session.runner.peak_rss() as f64 / 1e6)),
            false => Err(format!("{} keys instead of {}", walk.rows, bench.rows)),
        }
    });
    rates.add(&walks, |(walk, _)| rate(walk));
    peaks.add(&walks, |(_, peak)| *peak);
    watched(&keys.url, &target, || thread::sleep(Duration::from_secs(2)))
        .1
        .clone_into(&mut alone);
    let count = |session: &mut Session| session.ask("count", &target, &filter);
    counted.add(&contest.each(count), |answer| {
        answer.total.as_secs_f64() * 1e3
    });
    let group = |session: &mut Session| session.ask("aggregate", &target, &crate::aggregate());
    grouped.add(&contest.each(group), |answer| {
        answer.total.as_secs_f64() * 1e3
    });
    let many = thousands(bench.rows as f64);
    let soon = Some(Target::AtMost(DEADLINE));
    let mut rows = vec![
        row(
            GROUP,
            format!("read of {many} keys in pages of 1,000"),
            Unit::Rate("rows"),
            rates.medians(),
            None,
            None,
        ),
        row(
            GROUP,
            "memory, the most, after that walk",
            Unit::Megabytes,
            peaks.medians(),
            None,
            Some(Target::AtMost(64.0)),
        ),
        row(
            GROUP,
            format!("filtered count of {many} keys"),
            Unit::Millis,
            counted.medians(),
            None,
            soon,
        ),
        row(
            GROUP,
            format!("aggregate of {many} keys"),
            Unit::Millis,
            grouped.medians(),
            None,
            soon,
        ),
    ];
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
        let micros = |sample: &[Duration]| percentile(sample, share).as_secs_f64() * 1e6;
        let label = format!("GET of a second client during the walk, {name}");
        let reference = Some(("while nothing else is asked", micros(&alone)));
        rows.push(row(
            GROUP,
            label,
            Unit::Micros,
            micros(&during),
            reference,
            None,
        ));
    }
    rows
}

fn rate(walk: &Walk) -> f64 {
    walk.rows as f64 / walk.total().as_secs_f64()
}

/// Does this while a second client gets a key again and again; how long each of its questions took.
fn watched<T>(url: &str, target: &str, act: impl FnOnce() -> T) -> (T, Vec<Duration>) {
    let done = AtomicBool::new(false);
    let key = format!("{target}:1");
    thread::scope(|scope| {
        let second = scope.spawn(|| {
            let mut client = RedisClient::connect(url);
            let mut seen = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let start = Instant::now();
                let reply = client.ask(&["GET", &key]);
                seen.push(start.elapsed());
                assert!(matches!(reply, RedisReply::Bytes(_)), "{reply:?}");
                thread::sleep(SECOND_CLIENT);
            }
            seen
        });
        let result = act();
        done.store(true, Ordering::Relaxed);
        (result, second.join().expect("the second client"))
    })
}
