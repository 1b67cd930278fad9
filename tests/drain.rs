//! Signals: what runs may finish, nothing new begins, the exit is clean.
#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::{Duration, Instant};

use runner_testkit::databases::{self, PostgresDatabase};
use runner_testkit::{Gateway, runner, source, watchdog};
use serde_json::json;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn an_idle_runner_stops_at_once() {
    let _watchdog = watchdog(Duration::from_secs(60));
    for signal in ["TERM", "INT"] {
        let gateway = Gateway::start();
        let runner = runner!(gateway).start();
        runner.wait_stdout("connected, awaiting jobs", SOON);
        runner.signal(signal);
        assert!(runner.wait_exit(Duration::from_secs(2)).success());
        assert!(
            runner
                .stdout()
                .ends_with(&format!("\nSIG{signal} received, stopping runner…\n")),
            "{}",
            runner.stdout()
        );
        let close = gateway.wait_closed(1, SOON).expect("a close frame");
        assert_eq!(close.0, 1000);
    }
}

#[test]
fn stops_while_it_has_no_gateway() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let port = runner_testkit::network::closed_port();
    let url = format!("ws://127.0.0.1:{port}/connect");
    let runner =
        runner_testkit::RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), &url).start();
    runner.wait_stdout("disconnected", SOON);
    runner.signal("TERM");
    assert!(runner.wait_exit(Duration::from_secs(2)).success());
}

#[test]
fn running_jobs_finish_and_new_ones_are_refused() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(server) = databases::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(
        &server,
        "CREATE VIEW nap AS SELECT 1 AS id, pg_sleep(2)::text AS slept",
    );
    let source = source::managed("s", "postgres", json!({ "url": database.url }));
    let gateway = Gateway::start();
    let runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    let running = gateway.dispatch(&source, "batchRead", "nap", json!({}));
    database.wait_active(1, SOON);
    runner.signal("TERM");
    runner.wait_stdout("SIGTERM received, stopping runner…", SOON);
    let late = gateway.dispatch(&source, "batchRead", "nap", json!({}));
    late.wait_for(Duration::from_secs(1))
        .expect_error("SHUTTING_DOWN");
    assert_eq!(running.wait_for(SOON).expect_done()["count"], 1);
    assert_eq!(gateway.wait_closed(1, SOON).expect("a close frame").0, 1000);
    assert!(runner.wait_exit(SOON).success());
}

#[test]
fn the_grace_is_limited() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(server) = databases::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(
        &server,
        "CREATE VIEW sleeper AS SELECT 1 AS id, pg_sleep(60)::text AS slept",
    );
    let source = source::managed("s", "postgres", json!({ "url": database.url }));
    let gateway = Gateway::start();
    let runner = runner!(gateway)
        .env("SEMILAYER_SHUTDOWN_GRACE_MS", "500")
        .start();
    gateway.wait_hello(1, SOON);
    let job = gateway.dispatch(&source, "batchRead", "sleeper", json!({}));
    database.wait_active(1, SOON);
    let start = Instant::now();
    runner.signal("TERM");
    assert!(runner.wait_exit(Duration::from_secs(5)).success());
    assert!(
        start.elapsed() >= Duration::from_millis(450),
        "no grace: {:?}",
        start.elapsed()
    );
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "late: {:?}",
        start.elapsed()
    );
    assert!(job.wait().result("batchRead").is_err());
    database.wait_active(0, Duration::from_secs(2));
}

#[test]
fn a_second_signal_does_not_wait() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(server) = databases::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(
        &server,
        "CREATE VIEW sleeper AS SELECT 1 AS id, pg_sleep(60)::text AS slept",
    );
    let source = source::managed("s", "postgres", json!({ "url": database.url }));
    let gateway = Gateway::start();
    let runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    let _job = gateway.dispatch(&source, "batchRead", "sleeper", json!({}));
    database.wait_active(1, SOON);
    runner.signal("TERM");
    runner.wait_stdout("stopping runner", SOON);
    runner.signal("TERM");
    runner.wait_exit(Duration::from_secs(1));
}

/// Rows for ever, or so many.
fn rows(limit: &str) -> (runner_testkit::databases::SqliteDatabase, serde_json::Value) {
    let database = runner_testkit::databases::SqliteDatabase::create(&format!(
        "CREATE VIEW large AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n {limit})
           SELECT i, printf('%01000d', i) AS filler FROM n;"
    ));
    let source = source::managed("s", "sqlite", json!({ "path": database.path() }));
    (database, source)
}

#[test]
fn a_result_on_its_way_arrives_whole() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let (_database, source) = rows("WHERE i < 20000");
    let gateway = Gateway::start();
    let runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    let job = gateway.dispatch_with(&source, "batchRead", "large", json!({}), 30_000, true);
    gateway.wait_chunks(&job, 1, SOON);
    gateway.connection().stall(true);
    runner.signal("TERM");
    runner.wait_stdout("stopping runner", SOON);
    std::thread::sleep(Duration::from_millis(500));
    gateway.connection().stall(false);
    let answer = job.wait_for(SOON);
    assert_eq!(answer.expect_done()["count"], 20_000);
    assert_eq!(answer.rows_counted, 20_000);
    assert_eq!(gateway.wait_closed(1, SOON).expect("a close frame").0, 1000);
    assert!(runner.wait_exit(SOON).success());
}

/// Neither an endless result nor a gateway that does not read keeps the process from stopping in time.
#[test]
fn a_gateway_that_does_not_read_delays_it_by_the_grace_only() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let (_database, source) = rows("");
    let gateway = Gateway::start();
    let runner = runner!(gateway)
        .env("SEMILAYER_SHUTDOWN_GRACE_MS", "500")
        .start();
    gateway.wait_hello(1, SOON);
    let job = gateway.dispatch_with(&source, "batchRead", "large", json!({}), 30_000, true);
    gateway.wait_chunks(&job, 1, SOON);
    gateway.connection().stall(true);
    std::thread::sleep(Duration::from_millis(500));
    let start = Instant::now();
    runner.signal("TERM");
    assert!(runner.wait_exit(SOON).success());
    // The grace, a second for the statement, two for the last frames, half a second a stream.
    assert!(
        start.elapsed() < Duration::from_secs(6),
        "{:?}",
        start.elapsed()
    );
    gateway.connection().stall(false);
}

/// A second signal, whichever, ends the process in the middle of a frame.
#[test]
fn a_second_signal_cuts_a_stream_off() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let (_database, source) = rows("");
    for (first, second, code) in [("TERM", "INT", 130), ("INT", "TERM", 143)] {
        let gateway = Gateway::start();
        let runner = runner!(gateway).start();
        gateway.wait_hello(1, SOON);
        let job = gateway.dispatch_with(&source, "batchRead", "large", json!({}), 30_000, true);
        gateway.wait_chunks(&job, 2, SOON);
        runner.signal(first);
        runner.wait_stdout("stopping runner", SOON);
        runner.signal(second);
        assert_eq!(runner.wait_exit(Duration::from_secs(2)).code(), Some(code));
        assert_eq!(
            job.wait_for(SOON).terminal,
            runner_testkit::Terminal::Disconnected
        );
    }
}

/// In whatever phase of connecting it is.
#[test]
fn stops_while_it_connects() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let mute = runner_testkit::network::BlackHole::start();
    let deaf = runner_testkit::network::FullBacklog::start();
    for url in [
        format!("ws://{}/connect", mute.address),
        format!("wss://{}/connect", mute.address),
        format!("ws://{}/connect", deaf.address),
    ] {
        let binary = env!("CARGO_BIN_EXE_semilayer-runner");
        let runner = runner_testkit::RunnerBuilder::new(binary, &url).start();
        runner.wait_stdout("capabilities", SOON);
        std::thread::sleep(Duration::from_millis(200));
        runner.signal("TERM");
        assert!(runner.wait_exit(Duration::from_secs(5)).success(), "{url}");
    }
}
