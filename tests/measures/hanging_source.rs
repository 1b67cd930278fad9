//! A source that hangs does not slow down the others.

use std::time::{Duration, Instant};

use runner_testkit::databases::SqliteDatabase;
use runner_testkit::network::{BlackHole, FullBacklog};
use runner_testkit::statistics::percentile;
use runner_testkit::{session, source, watchdog};
use serde_json::json;
use std::net::SocketAddr;

const SOON: Duration = Duration::from_secs(10);
/// Jobs sent to the source that hangs: far more than there are workers.
const HANGING: usize = 60;
/// Their deadline.
const DEADLINE: Duration = Duration::from_secs(5);
/// 99 of 100 jobs of the healthy source are faster.
const HEALTHY: Duration = Duration::from_millis(100);

fn leaves_the_others_alone(bridge: &str, address: SocketAddr) {
    let database = SqliteDatabase::create(
        "CREATE TABLE people (id INTEGER PRIMARY KEY); INSERT INTO people VALUES (1)",
    );
    let healthy = source::managed("healthy", "sqlite", json!({ "path": database.path() }));
    let scheme = if bridge == "postgres" {
        "postgres"
    } else {
        "mysql"
    };
    let hanging = source::managed(
        "hanging",
        bridge,
        json!({ "url": format!("{scheme}://u:p@{address}/d") }),
    );
    let session = session!();
    let gateway = &session.gateway;
    let start = Instant::now();
    let deadline = DEADLINE.as_millis() as u64;
    let jobs: Vec<_> = (0..HANGING)
        .map(|_| gateway.dispatch_with(&hanging, "batchRead", "t", json!({}), deadline, false))
        .collect();
    let mut latencies = Vec::new();
    while start.elapsed() < DEADLINE - Duration::from_secs(1) && latencies.len() < 500 {
        let answer = gateway
            .dispatch(&healthy, "batchRead", "people", json!({}))
            .wait();
        answer.expect_done();
        latencies.push(answer.elapsed);
    }
    let p99 = percentile(&latencies, 0.99);
    println!(
        "{bridge}: {} healthy jobs, p50 {:?}, p99 {p99:?}",
        latencies.len(),
        percentile(&latencies, 0.5)
    );
    assert!(p99 < HEALTHY, "p99 {p99:?}");
    for job in jobs {
        let answer = job.wait_for(DEADLINE + SOON);
        let (code, message) = answer.result("batchRead").unwrap_err();
        assert!(
            matches!(code.as_str(), "DEADLINE_EXCEEDED" | "SOURCE_UNREACHABLE"),
            "{code}: {message}"
        );
        assert!(
            answer.elapsed < DEADLINE + Duration::from_secs(1),
            "late: {:?}",
            answer.elapsed
        );
    }
}

#[test]
fn a_host_that_never_answers() {
    let _turn = crate::alone();
    let _watchdog = watchdog(Duration::from_secs(90));
    leaves_the_others_alone("postgres", BlackHole::start().address);
}

#[test]
fn a_host_that_drops_packets() {
    let _turn = crate::alone();
    let _watchdog = watchdog(Duration::from_secs(90));
    let host = FullBacklog::start();
    leaves_the_others_alone("postgres", host.address);
}

#[cfg(feature = "mysql")]
#[test]
fn a_mysql_host_that_never_answers() {
    let _turn = crate::alone();
    let _watchdog = watchdog(Duration::from_secs(90));
    leaves_the_others_alone("mysql", BlackHole::start().address);
}
