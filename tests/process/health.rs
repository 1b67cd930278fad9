//! The health listener of the real process: what it answers, and who can disturb it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use runner_testkit::{Gateway, RunnerBuilder, network, runner, session, watchdog};

const SOON: Duration = Duration::from_secs(10);
const BINARY: &str = env!("CARGO_BIN_EXE_semilayer-runner");

/// The whole answer to a `GET`.
fn get(port: u16, path: &str) -> String {
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
    tcp.set_read_timeout(Some(SOON)).unwrap();
    write!(tcp, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).unwrap();
    answer
}

fn wait_status(port: u16, path: &str, status: &str) {
    let until = Instant::now() + SOON;
    while !get(port, path).starts_with(&format!("HTTP/1.1 {status}")) {
        assert!(Instant::now() < until, "{path} is not {status}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Exit code and output of `health`.
fn health(name: &str, value: &str, arguments: &[&str]) -> (i32, String) {
    let runner = RunnerBuilder::new(BINARY, "ws://127.0.0.1:1/connect")
        .env_remove("SEMILAYER_RUNNER_ID")
        .env_remove("SEMILAYER_RUNNER_TOKEN")
        .env(name, value)
        .args(arguments)
        .start();
    let code = runner.wait_exit(SOON).code().unwrap();
    (code, runner.stdout() + &runner.stderr())
}

#[test]
fn readiness_follows_the_session_and_health_does_not() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let port = network::closed_port();
    let address = format!("127.0.0.1:{port}");
    let asked = |arguments: &[&str]| health("SEMILAYER_HEALTH_ADDR", &address, arguments);
    assert_eq!(asked(&["health"]).0, 1);

    let mut gateway = Gateway::start();
    let runner = runner!(gateway)
        .env("SEMILAYER_HEALTH_ADDR", &address)
        .start();
    runner.wait_stdout("connected, awaiting jobs", SOON);
    assert!(!runner.stdout().contains("health:"), "{}", runner.stdout());
    assert!(get(port, "/health").ends_with("\r\n\r\n{\"ok\":true}"));
    wait_status(port, "/ready", "200");
    assert_eq!(asked(&["health"]), (0, "healthy\n".to_owned()));
    assert_eq!(asked(&["health", "--ready"]), (0, "ready\n".to_owned()));

    gateway.stop();
    wait_status(port, "/ready", "503");
    assert!(get(port, "/health").starts_with("HTTP/1.1 200 OK\r\n"));
    let (code, said) = asked(&["health", "--ready"]);
    assert_eq!(code, 1);
    assert!(said.contains("not connected"), "{said}");
    let metrics = get(port, "/metrics");
    assert!(
        metrics.contains("\nsemilayer_runner_ready 0\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("\nsemilayer_runner_reconnects_total{code=\""),
        "{metrics}"
    );
}

#[test]
fn port_is_the_official_shim() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::start();
    let port = network::closed_port();
    let runner = runner!(gateway).env("PORT", port.to_string()).start();
    runner.wait_stdout(&format!("  health: http://0.0.0.0:{port}/health\n"), SOON);
    runner.wait_stdout("connected, awaiting jobs", SOON);
    let answer = get(port, "/health");
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\n{\"ok\":true}"), "{answer}");
    for path in ["/", "/health?x=1", "/Health"] {
        assert!(get(port, path).starts_with("HTTP/1.1 404"), "{path}");
    }
    assert_eq!(health("PORT", &port.to_string(), &["health"]).0, 0);

    let second = runner!(gateway).env("PORT", port.to_string()).start();
    assert_eq!(second.wait_exit(SOON).code(), Some(1));
    assert!(
        second.stderr().contains(&format!("0.0.0.0:{port}")),
        "{}",
        second.stderr()
    );
}

#[test]
fn a_bad_address_is_a_configuration_error() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let runner = RunnerBuilder::new(BINARY, "ws://127.0.0.1:1/connect")
        .env("SEMILAYER_HEALTH_ADDR", "9464")
        .start();
    assert_eq!(runner.wait_exit(SOON).code(), Some(2));
    assert!(runner.stderr().contains("SEMILAYER_HEALTH_ADDR must be"));
    assert_eq!(health("PORT", "", &["health"]).0, 1);
}

#[cfg(feature = "sqlite")]
#[test]
fn jobs_and_connections_are_counted() {
    use runner_testkit::{databases::SqliteDatabase, source};
    use serde_json::json;

    let database = SqliteDatabase::create(
        "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3);",
    );
    let port = network::closed_port();
    let session =
        session!(|runner| runner.env("SEMILAYER_HEALTH_ADDR", format!("127.0.0.1:{port}")));
    let gateway = &session.gateway;
    let source = source::managed("my source", "sqlite", json!({ "path": database.path() }));
    let ask = |kind, target| gateway.dispatch(&source, kind, target, json!({})).wait();
    for _ in 0..3 {
        ask("query", "t").expect_done();
    }
    ask("query", "missing").expect_error("QUERY_FAILED");
    ask("search", "t").expect_error("UNSUPPORTED_KIND");
    // The last answer is sent a moment before its job is counted out.
    let mut metrics = get(port, "/metrics");
    let until = Instant::now() + SOON;
    while !metrics.contains("_active_jobs 0\n") && Instant::now() < until {
        metrics = get(port, "/metrics");
    }
    for line in [
        "semilayer_runner_jobs_total{source=\"my source\",kind=\"query\",outcome=\"done\"} 3",
        "semilayer_runner_jobs_total{source=\"my source\",kind=\"query\",outcome=\"QUERY_FAILED\"} 1",
        "semilayer_runner_jobs_total{source=\"my source\",kind=\"other\",outcome=\"UNSUPPORTED_KIND\"} 1",
        "semilayer_runner_job_duration_seconds_count{source=\"my source\",kind=\"query\"} 4",
        "semilayer_runner_rows_total{source=\"my source\"} 9",
        "semilayer_runner_active_jobs 0",
        "semilayer_runner_queued_jobs 0",
        "semilayer_runner_source_connections{source=\"my source\",state=\"idle\"} 1",
        "semilayer_runner_ready 1",
    ] {
        assert!(
            metrics.contains(&format!("\n{line}\n")),
            "{line}\n{metrics}"
        );
    }
    assert!(
        metrics.contains("\nprocess_resident_memory_bytes "),
        "{metrics}"
    );
}

/// Silent clients, more than the process has file descriptors: it goes on, and answers once they are gone.
#[test]
fn silent_clients_and_no_descriptors_left() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::start();
    let port = network::closed_port();
    let command = format!("ulimit -n 24; exec {BINARY} start");
    let runner = RunnerBuilder::new("/bin/sh", &gateway.url())
        .args(&["-c", &command])
        .env("SEMILAYER_HEALTH_ADDR", format!("127.0.0.1:{port}"))
        .start();
    runner.wait_stdout("connected, awaiting jobs", SOON);
    let before = runner.cpu();
    let crowd: Vec<_> = (0..60)
        .map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap())
        .collect();
    // Each silent client may stay for two seconds, and a dozen fit at a time.
    let asked = Instant::now();
    assert!(get(port, "/health").starts_with("HTTP/1.1 200"));
    assert!(
        asked.elapsed() < Duration::from_secs(15),
        "{:?}",
        asked.elapsed()
    );
    drop(crowd);
    assert!(get(port, "/ready").starts_with("HTTP/1.1 200"));
    assert!(runner.is_running());
    let used = runner.cpu().saturating_sub(before);
    assert!(used < Duration::from_millis(500), "{used:?}");
}
