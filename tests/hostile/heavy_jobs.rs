//! A gateway whose jobs are as heavy as frames may be.

use std::time::Duration;

use runner_testkit::databases::SqliteDatabase;
use runner_testkit::fakes::{FakeMongodb, FakePostgres, stay_silent, villains};
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
    // Behind frames of half a gigabyte, which an unoptimised build parses on a busy machine.
    scene.patience = Duration::from_secs(20);
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

/// As many as there may be, in the language of every engine, for servers that do not answer.
#[test]
fn percentiles() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let dimensions: Vec<_> = (0..20)
        .map(|n| json!({ "field": "c", "as": format!("d{n}") }))
        .collect();
    let measures: Map<String, Value> = (0..1000)
        .map(|n| {
            let measure = json!({ "agg": "percentile", "column": "c", "p": 0.5 });
            (format!("m{n}"), measure)
        })
        .collect();
    let options = json!({ "dimensions": dimensions, "measures": measures });
    for villain in villains() {
        if villain.name.ends_with(": silence")
            && !villain.name.contains("at the greeting")
            && !villain.name.contains("at the login")
        {
            println!("{}", villain.name);
            let source = villain.source("hostile", 15);
            endure(|_| source.clone(), "aggregate", "t", &options);
        }
    }
}

/// On MongoDB each of them has a branch, with all dimensions and the whole filter.
#[test]
fn aggregates_of_documents() {
    let _watchdog = watchdog(Duration::from_secs(150));
    let server = FakeMongodb::start(stay_silent);
    let source = source::managed("hostile", "mongodb", json!({ "url": server.url() }));
    let measures: Map<String, Value> = (0..1000)
        .map(|n| {
            let measure = json!({ "agg": "percentile", "column": "c", "p": 0.5 });
            (format!("m{n}"), measure)
        })
        .collect();
    let ids: Vec<_> = (0..2000).map(|n| format!("id-{n:0>30}")).collect();
    let options = json!({ "measures": measures, "candidatesWhere": { "c": { "$in": ids } } });
    endure(|_| source.clone(), "aggregate", "t", &options);
    let edges: Vec<_> = (0..50).collect();
    let dimensions: Vec<_> = (0..20)
        .map(|n| {
            let bucket = json!({ "type": "numeric", "breaks": edges });
            json!({ "field": "c", "as": format!("d{n}"), "bucket": bucket })
        })
        .collect();
    let options = json!({ "measures": measures, "dimensions": dimensions });
    endure(|_| source.clone(), "aggregate", "t", &options);
}

/// Statements name a column with each of its conditions and edges.
#[test]
fn long_names() {
    let _watchdog = watchdog(Duration::from_secs(150));
    let database = SqliteDatabase::create("CREATE TABLE t (id INTEGER PRIMARY KEY, c INTEGER)");
    let config = json!({ "path": database.path(), "pool": { "max": 15 } });
    let source = source::managed("hostile", "sqlite", config);
    let name = "c".repeat(1 << 20);
    let edges: Vec<_> = (0..1000).collect();
    let bucket = json!({ "type": "numeric", "breaks": edges });
    let dimensions = json!([{ "field": name, "as": "d", "bucket": bucket }]);
    let options = json!({ "dimensions": dimensions });
    endure(|_| source.clone(), "aggregate", "t", &options);
    let all = json!({ "$gt": 1, "$gte": 1, "$lt": 1, "$lte": 1, "$eq": 1, "$ne": 1, "$in": [1], "$nin": [1],
        "$ilike": "x", "$contains": "x", "$startsWith": "x", "$endsWith": "x" });
    let long: Map<String, Value> = (0..3)
        .map(|n| (format!("{n}{}", "c".repeat(4 << 20)), all.clone()))
        .collect();
    endure(|_| source.clone(), "query", "t", &json!({ "where": long }));
    // As long as names may be.
    let many: Map<String, Value> = (0..1000)
        .map(|n| (format!("{n:0>4000}"), all.clone()))
        .collect();
    endure(|_| source.clone(), "query", "t", &json!({ "where": many }));
}

/// A column is named with each of its edges twice: a frame of some hundred kilobytes becomes a statement of megabytes.
#[test]
fn long_names_of_edges() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let silent = FakeMongodb::start(stay_silent);
    let config = json!({ "url": silent.url(), "pool": { "max": 15 } });
    let mongodb = source::managed("hostile", "mongodb", config);
    let database = SqliteDatabase::create("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let config = json!({ "path": database.path(), "pool": { "max": 15 } });
    let sqlite = source::managed("hostile", "sqlite", config);
    // As much as is no statement that is too long.
    for (source, edges) in [(mongodb, 49), (sqlite, 24)] {
        let edges: Vec<_> = (0..edges).collect();
        let dimensions: Vec<_> = (0..20)
            .map(|n| {
                let bucket = json!({ "type": "numeric", "breaks": edges });
                json!({ "field": "f".repeat(4000), "as": format!("d{n}"), "bucket": bucket })
            })
            .collect();
        let measure = json!({ "agg": "percentile", "column": "c", "p": 0.5 });
        let options = json!({ "dimensions": dimensions, "measures": { "m": measure } });
        endure(|_| source.clone(), "aggregate", "t", &options);
    }
}
