//! A cancelled job ends in the database, not only on the wire.

use std::time::Duration;

use runner_testkit::databases::{
    ClickhouseDatabase, MongodbDatabase, MysqlDatabase, PostgresDatabase, ServerDatabase,
    SqliteDatabase,
};
use runner_testkit::network::BlackHole;
use runner_testkit::{Job, Stage, session, source, stage};
use serde_json::json;

const SOON: Duration = Duration::from_secs(10);
/// How long a cancelled statement may go on.
const STOPPED: Duration = Duration::from_secs(1);

/// The only thing a cancelled job may still say.
fn expect_cancelled(job: &Job) {
    if let Some(answer) = job.poll(Duration::from_secs(2)) {
        answer.expect_error("CANCELLED");
    }
}

/// More often than the pool has connections: none may be lost on the way.
fn ends_the_statement<D: ServerDatabase>(stage: &Stage<D>) {
    for _ in 0..5 {
        let job = stage.rows("sleeper");
        stage.database.wait_active(1, SOON);
        stage.gateway.cancel(&job);
        stage.database.wait_active(0, STOPPED);
        expect_cancelled(&job);
        stage.expect_one();
    }
}

#[cfg(feature = "postgres")]
#[test]
fn ends_the_statement_in_postgres() {
    let Some(database) = PostgresDatabase::usual() else {
        return;
    };
    database.run(
        "CREATE VIEW long AS SELECT generate_series(1, 50000000) AS id, repeat('x', 200) AS filler",
    );
    let stage = stage!(database);
    ends_the_statement(&stage);
    // In the middle of its rows.
    let job = stage.rows_within("long", Duration::from_secs(60));
    stage.gateway.wait_chunks(&job, 3, SOON);
    stage.gateway.cancel(&job);
    stage.database.wait_active(0, STOPPED);
    expect_cancelled(&job);
    stage.expect_one();
}

#[cfg(feature = "postgres")]
#[test]
fn ends_a_job_that_waits_for_a_connection() {
    let Some(database) = PostgresDatabase::usual() else {
        return;
    };
    let stage = stage!(database).pool(1);
    let running = stage.rows("sleeper");
    stage.database.wait_active(1, SOON);
    let waiting = stage.rows("sleeper");
    stage.gateway.cancel(&waiting);
    expect_cancelled(&waiting);
    stage.gateway.cancel(&running);
    stage.database.wait_active(0, STOPPED);
    expect_cancelled(&running);
    stage.expect_one();
}

#[cfg(feature = "mysql")]
#[test]
fn ends_the_statement_in_mariadb() {
    if let Some(database) = MysqlDatabase::mariadb(MysqlDatabase::USUAL) {
        ends_the_statement(&stage!(database));
    }
}

#[cfg(feature = "mysql")]
#[test]
fn ends_the_statement_in_mysql() {
    if let Some(database) = MysqlDatabase::mysql9(MysqlDatabase::USUAL) {
        ends_the_statement(&stage!(database));
    }
}

#[cfg(feature = "mongodb")]
#[test]
fn ends_the_operation_in_mongodb() {
    let Some(database) = MongodbDatabase::usual() else {
        return;
    };
    let filler = "x".repeat(10_000);
    for round in 0..4 {
        let document = |i| json!({ "_id": round * 1000 + i, "filler": filler });
        database.insert("long", &(0..1000).map(document).collect::<Vec<_>>());
    }
    let stage = stage!(database);
    ends_the_statement(&stage);
    // In the middle of its documents: the gateway does not read, so the cursor stays where it is.
    stage.gateway.connection().stall(true);
    let job = stage.rows_within("long", Duration::from_secs(60));
    let until = std::time::Instant::now() + SOON;
    while stage.database.open_cursors() == 0 {
        assert!(std::time::Instant::now() < until, "no cursor is open");
    }
    stage.gateway.cancel(&job);
    let until = std::time::Instant::now() + SOON;
    while stage.database.open_cursors() > 0 {
        assert!(std::time::Instant::now() < until, "a cursor stays open");
    }
    stage.gateway.connection().stall(false);
    expect_cancelled(&job);
    stage.expect_one();
}

#[cfg(feature = "clickhouse")]
#[test]
fn ends_the_statement_in_clickhouse() {
    if let Some(database) = ClickhouseDatabase::old(ClickhouseDatabase::USUAL) {
        ends_the_statement(&stage!(database));
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn ends_the_statement_in_sqlite() {
    let stage = stage!(SqliteDatabase::usual());
    for _ in 0..5 {
        let job = stage.rows("sleeper");
        // It computes: its CPU time says so.
        let before = stage.runner.cpu();
        while stage.runner.cpu() < before + Duration::from_millis(100) {
            std::thread::sleep(Duration::from_millis(10));
        }
        stage.gateway.cancel(&job);
        expect_cancelled(&job);
        stage.expect_one();
    }
    let before = stage.runner.cpu();
    std::thread::sleep(Duration::from_millis(500));
    assert!(
        stage.runner.cpu() - before < Duration::from_millis(100),
        "something still computes"
    );
}

#[test]
fn an_unknown_job_is_no_matter() {
    let session = session!();
    let gateway = &session.gateway;
    gateway.send(&json!({ "id": "never-dispatched", "type": "cancel" }));
    gateway.send(&json!({ "type": "ping" }));
    gateway.wait("heartbeat", SOON, |state| state.heartbeats.first().cloned());
    assert!(gateway.state().closed.is_empty());
}

/// Whenever the cancel comes: before the job began, in the middle, when it is over, or twice.
#[cfg(all(feature = "postgres", feature = "sqlite"))]
#[test]
fn comes_at_any_time() {
    let silent = BlackHole::start();
    let remote = source::managed(
        "hole",
        "postgres",
        json!({ "url": format!("postgres://u:p@{}/d", silent.address) }),
    );
    let stage = stage!(SqliteDatabase::usual());
    let (gateway, local) = (&stage.gateway, &stage.source);
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
    stage.expect_one();
    assert!(stage.runner.is_running());
}
