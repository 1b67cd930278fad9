//! Signals: what runs may finish, nothing new begins, the exit is clean.

use std::time::{Duration, Instant};

use runner_testkit::databases::{PostgresDatabase, SqliteDatabase};
use runner_testkit::network::{BlackHole, FullBacklog, closed_port};
use runner_testkit::{Gateway, RunnerBuilder, Terminal, runner, stage, watchdog};

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
    let url = format!("ws://127.0.0.1:{}/connect", closed_port());
    let runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), &url).start();
    runner.wait_stdout("disconnected", SOON);
    runner.signal("TERM");
    assert!(runner.wait_exit(Duration::from_secs(2)).success());
}

#[test]
fn running_jobs_finish_and_new_ones_are_refused() {
    let Some(database) = PostgresDatabase::usual() else {
        return;
    };
    let stage = stage!(database);
    let running = stage.rows("nap");
    stage.database.wait_active(1, SOON);
    stage.runner.signal("TERM");
    stage
        .runner
        .wait_stdout("SIGTERM received, stopping runner…", SOON);
    let late = stage.rows("nap");
    late.wait_for(Duration::from_secs(1))
        .expect_error("SHUTTING_DOWN");
    assert_eq!(running.wait_for(SOON).expect_done()["count"], 1);
    let close = stage.gateway.wait_closed(1, SOON).expect("a close frame");
    assert_eq!(close.0, 1000);
    assert!(stage.runner.wait_exit(SOON).success());
}

#[test]
fn the_grace_is_limited() {
    let Some(database) = PostgresDatabase::usual() else {
        return;
    };
    let stage = stage!(database, |runner| runner
        .env("SEMILAYER_SHUTDOWN_GRACE_MS", "500"));
    let job = stage.rows("sleeper");
    stage.database.wait_active(1, SOON);
    let start = Instant::now();
    stage.runner.signal("TERM");
    assert!(stage.runner.wait_exit(Duration::from_secs(5)).success());
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
    stage.database.wait_active(0, Duration::from_secs(2));
}

#[test]
fn a_second_signal_does_not_wait() {
    let Some(database) = PostgresDatabase::usual() else {
        return;
    };
    let stage = stage!(database);
    let _job = stage.rows("sleeper");
    stage.database.wait_active(1, SOON);
    stage.runner.signal("TERM");
    stage.runner.wait_stdout("stopping runner", SOON);
    stage.runner.signal("TERM");
    stage.runner.wait_exit(Duration::from_secs(1));
}

/// Rows of a kilobyte for ever, or so many.
fn rows(limit: &str) -> SqliteDatabase {
    SqliteDatabase::create(&format!(
        "CREATE VIEW large AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n {limit})
           SELECT i, printf('%01000d', i) AS filler FROM n;"
    ))
}

/// Time that no stream here takes.
const LONG: Duration = Duration::from_secs(30);

#[test]
fn a_result_on_its_way_arrives_whole() {
    let stage = stage!(rows("WHERE i < 20000"));
    let job = stage.rows_within("large", LONG);
    stage.gateway.wait_chunks(&job, 1, SOON);
    stage.gateway.connection().stall(true);
    stage.runner.signal("TERM");
    stage.runner.wait_stdout("stopping runner", SOON);
    std::thread::sleep(Duration::from_millis(500));
    stage.gateway.connection().stall(false);
    let answer = job.wait_for(SOON);
    assert_eq!(answer.expect_done()["count"], 20_000);
    assert_eq!(answer.rows_counted, 20_000);
    let close = stage.gateway.wait_closed(1, SOON).expect("a close frame");
    assert_eq!(close.0, 1000);
    assert!(stage.runner.wait_exit(SOON).success());
}

/// Neither an endless result nor a gateway that does not read keeps the process from stopping in time.
#[test]
fn a_gateway_that_does_not_read_delays_it_by_the_grace_only() {
    let stage = stage!(rows(""), |runner| runner
        .env("SEMILAYER_SHUTDOWN_GRACE_MS", "500"));
    let job = stage.rows_within("large", LONG);
    stage.gateway.wait_chunks(&job, 1, SOON);
    stage.gateway.connection().stall(true);
    std::thread::sleep(Duration::from_millis(500));
    let start = Instant::now();
    stage.runner.signal("TERM");
    assert!(stage.runner.wait_exit(SOON).success());
    // The grace, a second for the statement, two for the last frames, half a second a stream.
    assert!(
        start.elapsed() < Duration::from_secs(6),
        "{:?}",
        start.elapsed()
    );
    stage.gateway.connection().stall(false);
}

/// A second signal, whichever, ends the process in the middle of a frame.
#[test]
fn a_second_signal_cuts_a_stream_off() {
    for (first, second, code) in [("TERM", "INT", 130), ("INT", "TERM", 143)] {
        let stage = stage!(rows(""));
        let job = stage.rows_within("large", LONG);
        stage.gateway.wait_chunks(&job, 2, SOON);
        stage.runner.signal(first);
        stage.runner.wait_stdout("stopping runner", SOON);
        stage.runner.signal(second);
        let status = stage.runner.wait_exit(Duration::from_secs(2));
        assert_eq!(status.code(), Some(code));
        assert_eq!(job.wait_for(SOON).terminal, Terminal::Disconnected);
    }
}

/// In whatever phase of connecting it is.
#[test]
fn stops_while_it_connects() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let mute = BlackHole::start();
    let deaf = FullBacklog::start();
    for url in [
        format!("ws://{}/connect", mute.address),
        format!("wss://{}/connect", mute.address),
        format!("ws://{}/connect", deaf.address),
    ] {
        let binary = env!("CARGO_BIN_EXE_semilayer-runner");
        let runner = RunnerBuilder::new(binary, &url).start();
        runner.wait_stdout("capabilities", SOON);
        std::thread::sleep(Duration::from_millis(200));
        runner.signal("TERM");
        assert!(runner.wait_exit(Duration::from_secs(5)).success(), "{url}");
    }
}
