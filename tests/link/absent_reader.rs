//! A gateway that does not read: memory stays bounded, the reading direction stays alive, nothing is lost.

use std::thread;
use std::time::Duration;

use runner_testkit::databases::{self, Database, PostgresDatabase, PrivateServer};
use runner_testkit::{Session, session, source};
use serde_json::json;

const SOON: Duration = Duration::from_secs(10);
/// The most resident memory a runner may take while its gateway does not read.
const MEMORY: u64 = 64 << 20;

/// Long enough for everything on the way to fill up.
const STALL: Duration = Duration::from_secs(3);

#[test]
fn a_large_result_waits_in_the_database() {
    let Some(server) = databases::postgres() else {
        return;
    };
    const ROWS: u64 = 400_000;
    let database = PostgresDatabase::create(
        &server,
        &format!(
            "CREATE VIEW large AS SELECT generate_series(1, {ROWS}) AS id, repeat('x', 1000) AS filler"
        ),
    );
    let source = database.source();
    let Some(session) = Session::release() else {
        return;
    };
    let (gateway, runner) = (&session.gateway, &session.runner);
    gateway.connection().stall(true);
    let job = gateway.dispatch_with(&source, "batchRead", "large", json!({}), 170_000, true);
    thread::sleep(STALL);
    let stalled = runner.rss();
    assert!(stalled < MEMORY, "{} MiB while stalled", stalled >> 20);
    assert!(
        job.poll(Duration::ZERO).is_none(),
        "the gateway did not stall"
    );
    gateway.connection().stall(false);
    let answer = job.wait_for(Duration::from_secs(170));
    assert_eq!(answer.expect_done()["count"], ROWS);
    assert_eq!(answer.rows_counted, ROWS);
    assert!(answer.bytes > 400_000_000, "{} bytes", answer.bytes);
    let peak = runner.peak_rss();
    assert!(peak < MEMORY, "{} MiB at most", peak >> 20);
    println!(
        "400 MB: {} MiB stalled, {} MiB peak, largest frame {} KiB",
        stalled >> 20,
        peak >> 20,
        answer.largest_frame >> 10
    );
}

/// A whole minute, in which the gateway goes on sending: the session lasts, what it asked in the meantime is
/// answered afterwards, and nothing piles up.
#[test]
fn a_minute_without_reading_is_survived() {
    // A server of its own: one that waits for us to take its rows lets nobody drop a database meanwhile.
    let Some(server) = PrivateServer::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(
        &server.url,
        "CREATE VIEW large AS SELECT generate_series(1, 100000) AS id, repeat('x', 1000) AS filler;
         CREATE TABLE one AS SELECT 1 AS id;",
    );
    const MINUTE: Duration = Duration::from_secs(60);
    const PINGS: usize = 12;
    let source = database.source();
    let Some(session) = Session::release() else {
        return;
    };
    let (gateway, runner) = (&session.gateway, &session.runner);
    let ask = |target: &str| {
        let deadline = 3 * MINUTE.as_millis() as u64;
        gateway.dispatch_with(&source, "batchRead", target, json!({}), deadline, true)
    };
    let large = ask("large");
    gateway.wait_chunks(&large, 1, SOON);
    gateway.connection().stall(true);
    // What it was reading just then still counts.
    thread::sleep(Duration::from_millis(500));
    let beats = gateway.state().heartbeats.len();
    let (mut ones, mut most) = (Vec::new(), 0);
    for _ in 0..PINGS {
        gateway.send(&json!({ "type": "ping" }));
        ones.push(ask("one"));
        thread::sleep(MINUTE / PINGS as u32);
        most = most.max(runner.rss());
    }
    assert!(large.poll(Duration::ZERO).is_none(), "it did not stall");
    assert_eq!(gateway.state().heartbeats.len(), beats);
    gateway.connection().stall(false);
    assert_eq!(large.wait_for(MINUTE).rows_counted, 100_000);
    for one in ones {
        assert_eq!(one.wait_for(SOON).rows_counted, 1);
    }
    // One for each ping; each of them moves the next regular one.
    gateway.wait("the heartbeats", SOON, |state| {
        (state.heartbeats.len() >= beats + PINGS).then_some(())
    });
    assert_eq!(gateway.state().hellos.len(), 1);
    assert!(most < MEMORY, "{} MiB while stalled", most >> 20);
}

#[test]
fn many_results_at_once_stay_bounded() {
    let Some(server) = databases::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(
        &server,
        "CREATE VIEW large AS SELECT generate_series(1, 20000) AS id, repeat('x', 1000) AS filler",
    );
    let source = source::managed(
        "s",
        "postgres",
        json!({ "url": database.url, "pool": { "max": 12 } }),
    );
    let Some(session) = Session::release() else {
        return;
    };
    let (gateway, runner) = (&session.gateway, &session.runner);
    gateway.connection().stall(true);
    let jobs: Vec<_> = (0..12)
        .map(|_| gateway.dispatch_with(&source, "batchRead", "large", json!({}), 170_000, true))
        .collect();
    thread::sleep(STALL);
    gateway.connection().stall(false);
    for job in jobs {
        assert_eq!(job.wait().rows_counted, 20_000);
    }
    let peak = runner.peak_rss();
    assert!(peak < MEMORY, "{} MiB at most", peak >> 20);
}

#[test]
fn a_cancel_gets_through_while_rows_do_not() {
    let Some(server) = databases::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(
        &server,
        "CREATE VIEW long AS SELECT generate_series(1, 50000000) AS id, repeat('x', 1000) AS filler;
         CREATE TABLE one AS SELECT 1 AS id;",
    );
    let source = database.source();
    let session = session!();
    let gateway = &session.gateway;
    let job = gateway.dispatch_with(&source, "batchRead", "long", json!({}), 60_000, true);
    gateway.wait_chunks(&job, 1, SOON);
    gateway.connection().stall(true);
    thread::sleep(STALL);
    gateway.cancel(&job);
    database.wait_active(0, Duration::from_secs(1));
    gateway.connection().stall(false);
    let one = gateway
        .dispatch(&source, "batchRead", "one", json!({}))
        .wait_for(SOON);
    assert_eq!(one.expect_done()["count"], 1);
    job.wait().expect_error("CANCELLED");
}
