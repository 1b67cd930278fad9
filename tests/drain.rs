//! Signals: what runs may finish, nothing new begins, the exit is clean.
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

#[cfg(feature = "postgres")]
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

#[cfg(feature = "postgres")]
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

#[cfg(feature = "postgres")]
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
