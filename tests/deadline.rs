//! A job's deadline counts wherever the job is, and ends its statement in the database.
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

/// A job's time counts everywhere, and its end tells where the job was.
#[cfg(all(feature = "postgres", feature = "sqlite"))]
#[test]
fn the_message_says_where_the_job_was() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let database = SqliteDatabase::create(
        "CREATE TABLE one (id INTEGER PRIMARY KEY); INSERT INTO one VALUES (1);
         CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
           SELECT count(*) AS i FROM n;
         CREATE VIEW large AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
           SELECT i, printf('%01000d', i) AS filler FROM n;",
    );
    let silent = BlackHole::start();
    let local = source::managed("s", "sqlite", json!({ "path": database.path() }));
    let single =
        json!({ "url": format!("postgres://u:p@{}/d", silent.address), "pool": { "max": 1 } });
    let remote = source::managed("hole", "postgres", single);
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    let dispatch = |source: &Value, target: &str, deadline: u64| {
        gateway.dispatch_with(source, "batchRead", target, json!({}), deadline, true)
    };
    let told = |job: &runner_testkit::Job| {
        let answer = job.wait_for(SOON);
        answer.expect_error("DEADLINE_EXCEEDED").to_owned()
    };
    let connecting = dispatch(&remote, "t", 900);
    let queued = dispatch(&remote, "t", 700);
    let executing = dispatch(&local, "endless", 700);
    assert!(told(&queued).contains("waiting for a free connection of its source"));
    // Its time and the time to connect end together; either may be the first to say so.
    let (_, message) = connecting
        .wait_for(SOON)
        .result("batchRead")
        .expect_err("nothing answers there");
    assert!(
        message.contains("connecting to the database") || message.contains("does not answer"),
        "{message}"
    );
    assert!(told(&executing).contains("running in the database"));
    // The gateway does not read, so the rows do not go away.
    let sending = dispatch(&local, "large", 3000);
    gateway.wait_chunks(&sending, 1, SOON);
    gateway.connection().stall(true);
    assert!(sending.poll(Duration::from_millis(3300)).is_none());
    gateway.connection().stall(false);
    assert!(told(&sending).contains("waiting for the gateway to read its rows"));
    dispatch(&local, "one", 5000).wait_for(SOON).expect_done();
}

/// No time at all, or far too much of it.
#[cfg(feature = "sqlite")]
#[test]
fn absurd_deadlines_are_bounded() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let database = SqliteDatabase::create("CREATE TABLE one (id INTEGER PRIMARY KEY)");
    let source = source::managed("s", "sqlite", json!({ "path": database.path() }));
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    let ask = |deadline| gateway.dispatch_with(&source, "count", "one", json!({}), deadline, false);
    for _ in 0..20 {
        // It may have been faster than its own end.
        if let Err((code, _)) = ask(1).wait_for(SOON).result("count") {
            assert_eq!(code, "DEADLINE_EXCEEDED");
        }
    }
    assert_eq!(ask(u64::MAX).wait_for(SOON).result("count"), Ok(json!(0)));
    for deadline in ["0", "-5", "1e300", "\"soon\"", "null", "[]"] {
        let id = format!("deadline {deadline}").replace('"', "'");
        let job = gateway.expect_job(&id);
        gateway.connection().text(format!(
            r#"{{"id":"{id}","type":"job","deadlineMs":{deadline},"params":{{"source":{source},"job":{{"kind":"count","target":"one"}}}}}}"#
        ));
        if let Err((code, message)) = job.wait_for(SOON).result("count") {
            assert_ne!(code, "INTERNAL", "{deadline}: {message}");
        }
    }
}
