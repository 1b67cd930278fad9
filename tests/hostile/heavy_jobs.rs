//! A gateway whose jobs are as heavy as frames may be.

use std::time::Duration;

use runner_testkit::databases::SqliteDatabase;
use runner_testkit::fakes::{FakePostgres, stay_silent};
use runner_testkit::{source, watchdog};
use serde_json::{Map, Value, json};

use crate::scene::{Scene, outcome};

const LONG: Duration = Duration::from_secs(60);

fn hanging(server: &FakePostgres) -> Value {
    source::managed("hanging", "postgres", json!({ "url": server.url() }))
}

/// Sends thirty jobs that differ in what is heavy about them; each is answered.
#[track_caller]
fn endure(source: impl Fn(usize) -> Value, kind: &str, target: &str, options: &Value) {
    let mut scene = Scene::new();
    // Behind frames of megabytes, which an unoptimised build parses on a busy machine: two seconds were not enough once.
    scene.patience = Duration::from_secs(6);
    let jobs: Vec<_> = (0..30)
        .map(|n| {
            let options = options.clone();
            scene
                .gateway
                .dispatch_with(&source(n), kind, target, options, 3000, true)
        })
        .collect();
    let answers = scene.expect_answers(&jobs, LONG);
    assert!(answers.iter().all(|answer| outcome(answer) != "INTERNAL"));
    scene.expect_small();
}

#[test]
fn targets() {
    let _watchdog = watchdog(Duration::from_secs(150));
    let server = FakePostgres::start(stay_silent);
    let target = "t".repeat(15 << 20);
    endure(|_| hanging(&server), "batchRead", &target, &json!({}));
}

#[test]
fn configurations() {
    let _watchdog = watchdog(Duration::from_secs(150));
    let server = FakePostgres::start(stay_silent);
    let large = "x".repeat(14 << 20);
    let source = |n: usize| {
        let config = json!({ "url": server.url(), "large": format!("{n}{large}") });
        source::managed("hanging", "postgres", config)
    };
    endure(source, "batchRead", "t", &json!({}));
}

#[test]
fn lists_of_values() {
    let _watchdog = watchdog(Duration::from_secs(150));
    let server = FakePostgres::start(stay_silent);
    let ids: Vec<_> = (0..100_000).map(|n| format!("id-{n:0>30}")).collect();
    let options = json!({ "where": { "id": { "$in": ids } } });
    endure(|_| hanging(&server), "batchRead", "t", &options);
}

#[test]
fn filters() {
    let _watchdog = watchdog(Duration::from_secs(150));
    let server = FakePostgres::start(stay_silent);
    let keys: Map<String, Value> = (0..150_000).map(|n| (format!("c{n}"), json!(n))).collect();
    let options = json!({ "where": keys });
    endure(|_| hanging(&server), "batchRead", "t", &options);
}

/// A percentile is computed over its own partition, and names every dimension again.
#[test]
fn aggregates() {
    let _watchdog = watchdog(Duration::from_secs(150));
    let database = SqliteDatabase::create("CREATE TABLE t (id INTEGER PRIMARY KEY, c INTEGER)");
    let dimensions: Vec<_> = (0..1000)
        .map(|n| json!({ "field": "c", "as": format!("d{n}") }))
        .collect();
    let measures: Map<String, Value> = (0..1000)
        .map(|n| {
            let p = f64::from(n) / 1000.0;
            (
                format!("m{n}"),
                json!({ "agg": "percentile", "column": "c", "p": p }),
            )
        })
        .collect();
    let options = json!({ "dimensions": dimensions, "measures": measures });
    let config = json!({ "path": database.path(), "pool": { "max": 15 } });
    let source = source::managed("hostile", "sqlite", config);
    endure(|_| source.clone(), "aggregate", "t", &options);
}
