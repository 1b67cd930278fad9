//! The parts of one answer are of the same rows, although they come from several statements.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use runner_testkit::databases::{self, Database, MysqlDatabase, PostgresDatabase};
use runner_testkit::{session, source};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(10);
const QUESTIONS: usize = 100;

/// The count of a bucket, and the sum of the counts in its list of all values.
fn counts(buckets: &Value) -> (u64, u64) {
    let bucket = &buckets[0];
    let entries = bucket["measures"]["kinds"].as_array().unwrap();
    let listed = entries.iter().map(|entry| entry["count"].as_u64().unwrap());
    (bucket["count"].as_u64().unwrap(), listed.sum())
}

fn question() -> Value {
    json!({ "measures": { "kinds": { "agg": "top_k", "column": "kind", "k": 1000 } } })
}

/// Asks while `write` adds rows as fast as it can.
fn ask_while(bridge: &str, config: Value, target: &str, write: impl Fn() + Sync) {
    let session = session!();
    let gateway = &session.gateway;
    let source = source::managed("s", bridge, config);
    let asked = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !asked.load(Ordering::Relaxed) {
                write();
            }
        });
        let mut seen = Vec::new();
        for _ in 0..QUESTIONS {
            let answer = gateway
                .dispatch(&source, "aggregate", target, question())
                .wait_for(SOON);
            seen.push(answer.result("aggregate").map(|buckets| counts(&buckets)));
        }
        asked.store(true, Ordering::Relaxed);
        for counts in &seen {
            let (count, listed) = counts.as_ref().unwrap();
            assert_eq!(count, listed);
        }
        assert!(
            seen[0] < seen[QUESTIONS - 1],
            "nothing was written meanwhile"
        );
    });
}

#[test]
fn postgres_parts_agree_while_rows_are_added() {
    let Some(server) = databases::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(
        &server,
        "CREATE TABLE events (id SERIAL PRIMARY KEY, kind INT); INSERT INTO events (kind) VALUES (1);",
    );
    ask_while("postgres", json!({ "url": database.url }), "events", || {
        // Many small transactions in one round trip.
        database.run(&"INSERT INTO events (kind) VALUES (1); COMMIT;".repeat(200));
    });
}

#[test]
fn mariadb_parts_agree_while_rows_are_added() {
    let Some(server) = databases::mariadb() else {
        return;
    };
    let database = MysqlDatabase::create(
        &server,
        "CREATE TABLE {}events (id INT AUTO_INCREMENT PRIMARY KEY, kind INT);
         INSERT INTO {}events (kind) VALUES (1);",
    );
    let config = json!({ "url": database.url.replacen("mysql:", "mariadb:", 1) });
    ask_while("mariadb", config, &database.target("events"), || {
        database.run(&"INSERT INTO {}events (kind) VALUES (1);".repeat(50));
    });
}

#[test]
fn a_sample_is_of_the_same_rows_in_every_statement() {
    let Some(server) = databases::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(
        &server,
        "CREATE TABLE events AS SELECT id, id % 7 AS kind FROM generate_series(1, 10000) id;",
    );
    let session = session!();
    let gateway = &session.gateway;
    let mut options = question();
    options["sample"] = json!(0.3);
    let ask = |bridge: &str| {
        let source = source::managed(bridge, bridge, json!({ "url": database.url }));
        let job = gateway.dispatch(&source, "aggregate", "events", options.clone());
        counts(&job.wait_for(SOON).result("aggregate").unwrap())
    };
    let (count, listed) = ask("postgres");
    assert_eq!(count, listed);
    assert!(
        (2500..3500).contains(&count),
        "{count} of 10000 are no 30 %"
    );
    // CockroachDB has no samples and looks at everything.
    assert_eq!(ask("cockroachdb"), (10_000, 10_000));
}

#[test]
fn a_cancelled_aggregate_ends_in_the_database() {
    let Some(server) = databases::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(
        &server,
        "CREATE VIEW sleeper AS SELECT 1 AS kind, pg_sleep(60)::text AS slept FROM generate_series(1, 2);",
    );
    let source = database.source();
    let session = session!();
    let gateway = &session.gateway;
    let mut options = question();
    options["dimensions"] = json!([{"field": "slept"}]);
    let job = gateway.dispatch(&source, "aggregate", "sleeper", options);
    database.wait_active(1, SOON);
    gateway.cancel(&job);
    database.wait_active(0, Duration::from_secs(2));
    job.wait().expect_error("CANCELLED");
}
