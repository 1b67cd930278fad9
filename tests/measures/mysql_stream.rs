//! A large MySQL result streams. Measured on the optimised binary.

use std::time::Duration;

use runner_testkit::databases::{self, MysqlDatabase};
use runner_testkit::{Session, source};
use serde_json::json;

const SOON: Duration = Duration::from_secs(10);
/// Rows of the result.
const ROWS: u64 = 200_000;
/// Resident memory meanwhile.
const MEMORY: u64 = 16 << 20;

fn streams(server: Option<String>, bridge: &str) {
    let Some(server) = server else { return };
    // A cross join of 448 digits with themselves.
    let database = MysqlDatabase::create(
        &server,
        "CREATE TABLE {}n (i INT PRIMARY KEY);
         INSERT INTO {}n WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 448) SELECT i FROM n;
         CREATE VIEW {}large AS SELECT a.i * 1000 + b.i AS id, REPEAT('x', 150) AS filler FROM {}n a, {}n b LIMIT 200000",
    );
    let source = source::managed("s", bridge, json!({ "url": database.url }));
    let Some(session) = Session::release() else {
        return;
    };
    let (gateway, runner) = (&session.gateway, &session.runner);
    let target = database.target("large");
    let answer = gateway
        .dispatch_with(&source, "batchRead", &target, json!({}), 60_000, true)
        .wait();
    assert_eq!(answer.expect_done()["count"], ROWS);
    assert_eq!(answer.rows_counted, ROWS);
    let peak = runner.peak_rss();
    println!(
        "{bridge}: {ROWS} rows in {:?}, first after {:?}, {:.1} MiB peak",
        answer.elapsed,
        answer.first.unwrap(),
        peak as f64 / 1048576.0
    );
    assert!(peak <= MEMORY, "{} KiB", peak >> 10);
    // Cancelled in the middle.
    let job = gateway.dispatch_with(&source, "batchRead", &target, json!({}), 60_000, true);
    gateway.wait_chunks(&job, 1, SOON);
    gateway.cancel(&job);
    database.wait_active(0, Duration::from_secs(1));
}

#[test]
fn from_mariadb() {
    let _turn = crate::alone();
    streams(databases::mariadb(), "mariadb");
}

#[test]
fn from_mysql9() {
    let _turn = crate::alone();
    streams(databases::mysql9(), "mysql");
}
