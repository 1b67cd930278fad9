//! Buckets are streamed: a hundred thousand of them, each with a list of its own, take no more memory than
//! a few rows do. Measured on the optimised binary.

use runner_testkit::databases::{self, MysqlDatabase, PostgresDatabase, SqliteDatabase};
use runner_testkit::{Session, source};
use serde_json::{Value, json};

const BUCKETS: u64 = 100_000;
const MEMORY: u64 = 16 << 20;

/// Ids 1 to 200,000 in a statement of SQLite and MariaDB.
const IDS: &str = "WITH RECURSIVE d(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM d WHERE n < 9) \
    SELECT a.n + 10 * b.n + 100 * c.n + 1000 * e.n + 10000 * f.n + 100000 * g.n + 1 AS id \
    FROM d a, d b, d c, d e, d f, d g WHERE g.n < 2";

#[test]
fn postgres_buckets_are_streamed() {
    let _turn = crate::alone();
    let Some(server) = databases::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(
        &server,
        "CREATE TABLE events AS SELECT id, id % 100000 AS bucket, 'kind ' || (id % 3) AS kind
             FROM generate_series(1, 200000) id;
         ALTER TABLE events ADD PRIMARY KEY (id);",
    );
    measure("postgres", json!({ "url": database.url }), "events");
}

#[test]
fn mariadb_buckets_are_streamed() {
    let _turn = crate::alone();
    let Some(server) = databases::mariadb() else {
        return;
    };
    let sql = format!(
        "CREATE TABLE {{}}events (id INT PRIMARY KEY, bucket INT, kind VARCHAR(20));
         INSERT INTO {{}}events SELECT id, id % 100000, CONCAT('kind ', id % 3) FROM ({IDS}) ids;"
    );
    let database = MysqlDatabase::create(&server, &sql);
    let config = json!({ "url": database.url.replacen("mysql:", "mariadb:", 1) });
    measure("mariadb", config, &database.target("events"));
}

#[test]
fn sqlite_buckets_are_streamed() {
    let _turn = crate::alone();
    let database = SqliteDatabase::create(&format!(
        "CREATE TABLE events (id INTEGER PRIMARY KEY, bucket INT, kind TEXT);
         INSERT INTO events SELECT id, id % 100000, 'kind ' || (id % 3) FROM ({IDS}) ids;"
    ));
    measure("sqlite", json!({ "path": database.path() }), "events");
}

/// Asks for all buckets at once.
fn measure(bridge: &str, config: Value, target: &str) {
    let Some(session) = Session::release() else {
        return;
    };
    let (gateway, runner) = (&session.gateway, &session.runner);
    let source = source::managed("s", bridge, config);
    let options = json!({
        "dimensions": [{"field": "bucket"}],
        "measures": {
            "sum": {"agg": "sum", "column": "id"},
            "last": {"agg": "last", "column": "kind"},
            "kinds": {"agg": "top_k", "column": "kind", "k": 3},
        },
        "changeTrackingColumn": "id",
    });
    let job = gateway.dispatch_with(&source, "aggregate", target, options, 100_000, false);
    let answer = job.wait();
    let peak = runner.peak_rss();
    assert_eq!(answer.expect_done()["count"], BUCKETS);
    let buckets = answer.result("aggregate").unwrap();
    let bucket = buckets
        .as_array()
        .unwrap()
        .iter()
        .find(|b| b["dims"]["bucket"] == 7);
    assert_eq!(
        *bucket.unwrap(),
        json!({
            "dims": {"bucket": 7},
            "measures": {
                "sum": 100_014,
                "last": "kind 2",
                "kinds": [{"key": "kind 1", "count": 1}, {"key": "kind 2", "count": 1}],
            },
            "count": 2,
        })
    );
    println!(
        "{bridge}: {BUCKETS} buckets in {:?}, first after {:?}, {:.1} MiB at most",
        answer.elapsed,
        answer.first.unwrap(),
        peak as f64 / 1_048_576.0
    );
    assert!(peak <= MEMORY, "{} KiB", peak >> 10);
}
