//! A job's deadline counts wherever the job is, and ends its statement in the database.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::Duration;

use runner_testkit::databases::{self, MysqlDatabase, PostgresDatabase, SqliteDatabase};
use runner_testkit::{Answer, Gateway, runner, source, watchdog};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(10);
/// Deadline of the jobs here.
const DEADLINE: Duration = Duration::from_millis(700);

fn dispatch(gateway: &Gateway, source: &Value, target: &str) -> Answer {
    let deadline = DEADLINE.as_millis() as u64;
    let job = gateway.dispatch_with(source, "batchRead", target, json!({}), deadline, false);
    job.wait_for(SOON)
}

fn expect_exceeded(answer: &Answer) {
    answer.expect_error("DEADLINE_EXCEEDED");
    assert!(
        answer.elapsed >= DEADLINE - Duration::from_millis(50),
        "early: {:?}",
        answer.elapsed
    );
    assert!(
        answer.elapsed <= DEADLINE + Duration::from_secs(1),
        "late: {:?}",
        answer.elapsed
    );
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
        "CREATE VIEW sleeper AS SELECT 1 AS id, pg_sleep(60)::text AS slept; CREATE TABLE one AS SELECT 1 AS id;",
    );
    let source = source::managed(
        "s",
        "postgres",
        json!({ "url": database.url, "pool": { "max": 2 } }),
    );
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    for _ in 0..3 {
        expect_exceeded(&dispatch(&gateway, &source, "sleeper"));
        database.wait_active(0, Duration::from_secs(1));
    }
    // Two run, six wait for a connection: the deadline counts for all of them.
    let deadline = DEADLINE.as_millis() as u64;
    let jobs: Vec<_> = (0..8)
        .map(|_| gateway.dispatch_with(&source, "batchRead", "sleeper", json!({}), deadline, false))
        .collect();
    for job in jobs {
        expect_exceeded(&job.wait_for(SOON));
    }
    database.wait_active(0, Duration::from_secs(1));
    dispatch(&gateway, &source, "one").expect_done();
}

#[cfg(feature = "postgres")]
#[test]
fn ends_a_locked_statement() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(server) = databases::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(&server, "CREATE TABLE locked AS SELECT 1 AS id;");
    let source = source::managed("s", "postgres", json!({ "url": database.url }));
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    let holder = database.lock_table("locked");
    expect_exceeded(&dispatch(&gateway, &source, "locked"));
    drop(holder);
    dispatch(&gateway, &source, "locked").expect_done();
}

#[cfg(feature = "mysql")]
#[test]
fn ends_the_statement_in_mariadb() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(server) = databases::mariadb() else {
        return;
    };
    let database = MysqlDatabase::create(
        &server,
        "CREATE TABLE {}one (id INT PRIMARY KEY); INSERT INTO {}one VALUES (1);
         CREATE VIEW {}sleeper AS SELECT id, SLEEP(60) AS slept FROM {}one",
    );
    let source = source::managed("s", "mariadb", json!({ "url": database.url }));
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    for _ in 0..3 {
        expect_exceeded(&dispatch(&gateway, &source, &database.target("sleeper")));
        database.wait_active(0, Duration::from_secs(1));
        dispatch(&gateway, &source, &database.target("one")).expect_done();
    }
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
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    for _ in 0..3 {
        expect_exceeded(&dispatch(&gateway, &source, "endless"));
        dispatch(&gateway, &source, "one").expect_done();
    }
}
