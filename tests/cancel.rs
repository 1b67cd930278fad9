//! A cancelled job ends in the database, not only on the wire.
// A build without some bridges leaves some helpers without a test.
#![cfg_attr(
    not(all(feature = "postgres", feature = "mysql", feature = "sqlite")),
    allow(dead_code, unused_imports)
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::Duration;

use runner_testkit::databases::{self, MysqlDatabase, PostgresDatabase, SqliteDatabase};
use runner_testkit::network::BlackHole;
use runner_testkit::{Gateway, Job, runner, source, watchdog};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(10);
/// How long a cancelled statement may go on.
const STOPPED: Duration = Duration::from_secs(1);

/// The only thing a cancelled job may still say.
fn expect_cancelled(job: &Job) {
    if let Some(answer) = job.poll(Duration::from_secs(2)) {
        answer.expect_error("CANCELLED");
    }
}

fn ask(gateway: &Gateway, source: &Value, target: &str) {
    let answer = gateway
        .dispatch(source, "batchRead", target, json!({}))
        .wait_for(Duration::from_secs(3));
    assert_eq!(answer.expect_done()["count"], 1);
}

#[cfg(feature = "postgres")]
#[test]
fn ends_the_statement_in_postgres() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(server) = databases::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(
        &server,
        "CREATE VIEW sleeper AS SELECT 1 AS id, pg_sleep(60)::text AS slept;
         CREATE VIEW long AS SELECT generate_series(1, 50000000) AS id, repeat('x', 200) AS filler;
         CREATE TABLE one AS SELECT 1 AS id;",
    );
    let source = source::managed("s", "postgres", json!({ "url": database.url }));
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    // More often than the pool has connections: none may be lost on the way.
    for _ in 0..5 {
        let job = gateway.dispatch(&source, "batchRead", "sleeper", json!({}));
        database.wait_active(1, SOON);
        gateway.cancel(&job);
        database.wait_active(0, STOPPED);
        expect_cancelled(&job);
        ask(&gateway, &source, "one");
    }
    // In the middle of its rows.
    let job = gateway.dispatch_with(&source, "batchRead", "long", json!({}), 60_000, true);
    gateway.wait_chunks(&job, 3, SOON);
    gateway.cancel(&job);
    database.wait_active(0, STOPPED);
    expect_cancelled(&job);
    ask(&gateway, &source, "one");
}

#[cfg(feature = "postgres")]
#[test]
fn ends_a_job_that_waits_for_a_connection() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(server) = databases::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(
        &server,
        "CREATE VIEW sleeper AS SELECT 1 AS id, pg_sleep(60)::text AS slept; CREATE TABLE one AS SELECT 1 AS id;",
    );
    let source = source::managed(
        "s",
        "postgres",
        json!({ "url": database.url, "pool": { "max": 1 } }),
    );
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    let running = gateway.dispatch(&source, "batchRead", "sleeper", json!({}));
    database.wait_active(1, SOON);
    let waiting = gateway.dispatch(&source, "batchRead", "sleeper", json!({}));
    gateway.cancel(&waiting);
    expect_cancelled(&waiting);
    gateway.cancel(&running);
    database.wait_active(0, STOPPED);
    expect_cancelled(&running);
    ask(&gateway, &source, "one");
}

#[cfg(feature = "mysql")]
fn ends_the_statement_in(server: Option<String>, bridge: &str) {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(server) = server else { return };
    // A view of SLEEP alone would be folded away.
    let database = MysqlDatabase::create(
        &server,
        "CREATE TABLE {}one (id INT PRIMARY KEY); INSERT INTO {}one VALUES (1);
         CREATE VIEW {}sleeper AS SELECT id, SLEEP(60) AS slept FROM {}one",
    );
    let source = source::managed("s", bridge, json!({ "url": database.url }));
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    for _ in 0..5 {
        let job = gateway.dispatch(&source, "batchRead", &database.target("sleeper"), json!({}));
        database.wait_active(1, SOON);
        gateway.cancel(&job);
        database.wait_active(0, STOPPED);
        expect_cancelled(&job);
        ask(&gateway, &source, &database.target("one"));
    }
}

#[cfg(feature = "mysql")]
#[test]
fn ends_the_statement_in_mariadb() {
    ends_the_statement_in(databases::mariadb(), "mariadb");
}

#[cfg(feature = "mysql")]
#[test]
fn ends_the_statement_in_mysql() {
    ends_the_statement_in(databases::mysql9(), "mysql");
}

#[cfg(feature = "sqlite")]
#[test]
fn ends_the_statement_in_sqlite() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let database = SqliteDatabase::create(
        "CREATE TABLE one (id INTEGER PRIMARY KEY); INSERT INTO one VALUES (1);
         CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
           SELECT count(*) AS i FROM n;",
    );
    let source = source::managed("s", "sqlite", json!({ "path": database.path() }));
    let gateway = Gateway::start();
    let runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    for _ in 0..5 {
        let job = gateway.dispatch(&source, "batchRead", "endless", json!({}));
        // It computes: its CPU time says so.
        let before = runner.cpu();
        while runner.cpu() < before + Duration::from_millis(100) {
            std::thread::sleep(Duration::from_millis(10));
        }
        gateway.cancel(&job);
        expect_cancelled(&job);
        ask(&gateway, &source, "one");
    }
    let before = runner.cpu();
    std::thread::sleep(Duration::from_millis(500));
    assert!(
        runner.cpu() - before < Duration::from_millis(100),
        "something still computes"
    );
}

#[test]
fn an_unknown_job_is_no_matter() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    gateway.send(&json!({ "id": "never-dispatched", "type": "cancel" }));
    gateway.send(&json!({ "type": "ping" }));
    gateway.wait("heartbeat", SOON, |state| state.heartbeats.first().cloned());
    assert!(gateway.state().closed.is_empty());
}

/// Whenever the cancel comes: before the job began, in the middle, when it is over, or twice.
#[cfg(all(feature = "postgres", feature = "sqlite"))]
#[test]
fn comes_at_any_time() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let database = SqliteDatabase::create(
        "CREATE TABLE one (id INTEGER PRIMARY KEY); INSERT INTO one VALUES (1);",
    );
    let local = source::managed("s", "sqlite", json!({ "path": database.path() }));
    let silent = BlackHole::start();
    let remote = source::managed(
        "hole",
        "postgres",
        json!({ "url": format!("postgres://u:p@{}/d", silent.address) }),
    );
    let gateway = Gateway::start();
    let runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    // In the same packet as the job, before and after it.
    for round in 0..200 {
        let id = format!("race-{round}");
        let job = gateway.expect_job(&id);
        let frame = json!({
            "id": id, "type": "job",
            "params": { "source": local, "job": { "kind": "count", "target": "one", "options": {} } },
        });
        let cancel = json!({ "id": id, "type": "cancel" });
        if round % 3 == 0 {
            gateway.send(&cancel);
        }
        gateway.send(&frame);
        gateway.send(&cancel);
        gateway.send(&cancel);
        let answer = job.wait_for(SOON);
        if let Err((code, _)) = answer.result("count") {
            assert_eq!(code, "CANCELLED");
        }
        // When it is over.
        gateway.cancel(&job);
    }
    // While it connects, and while it waits for that.
    let jobs: Vec<_> = (0..8)
        .map(|_| gateway.dispatch(&remote, "count", "t", json!({})))
        .collect();
    let until = std::time::Instant::now() + SOON;
    while silent.connections() < 3 {
        assert!(std::time::Instant::now() < until, "no connection is tried");
        std::thread::sleep(Duration::from_millis(5));
    }
    for job in &jobs {
        gateway.cancel(job);
    }
    for job in &jobs {
        job.wait_for(Duration::from_secs(3))
            .expect_error("CANCELLED");
    }
    ask(&gateway, &local, "one");
    assert!(runner.is_running());
}
