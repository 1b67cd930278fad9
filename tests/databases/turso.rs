//! Turso: what a job asks of the server, and when the server is left alone.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::databases::{self, Database, TursoDatabase};
use runner_testkit::fakes::FaultyHttp;
use runner_testkit::runner::cpu_of;
use runner_testkit::{RunnerBuilder, session, source, watchdog};
use semilayer_runner::bridges::Bridge;
use serde_json::{Value, json};

use crate::in_process::{ask, frames, job_within, open};

const SOON: Duration = Duration::from_secs(20);

/// Longer than what was said about a table is taken for fresh.
const STALE: Duration = Duration::from_millis(1100);

const THREE: &str =
    "CREATE TABLE {}n (id INTEGER PRIMARY KEY); INSERT INTO {}n VALUES (1), (2), (3)";

fn proxied(database: &TursoDatabase) -> (FaultyHttp, Arc<dyn Bridge>) {
    let faulty = FaultyHttp::start(databases::address(&database.url));
    let url = format!("http://{}", faulty.address());
    let bridge = open("turso", json!({ "url": url })).unwrap();
    (faulty, bridge)
}

#[test]
fn numbers_keep_all_their_digits() {
    let Some(url) = databases::turso() else {
        return;
    };
    let bridge = open("turso", json!({ "url": url })).unwrap();
    let options = json!({ "orderBy": { "field": "id" } });
    let job = job_within(SOON);
    let rows = frames(&*bridge, &job, "query", "t_int", options).unwrap();
    let rows = rows.0.concat();
    for digits in [
        "9007199254740993",
        "-9007199254740993",
        "9223372036854775807",
    ] {
        assert!(
            rows.contains(&format!("\"n\":{digits},")),
            "{digits}: {rows}"
        );
    }
    // One that no double holds is compared with as it is.
    let options = json!({ "where": { "n": 9_007_199_254_740_993_i64 } });
    let found = ask(&*bridge, "query", "t_int", options).unwrap().0;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["id"], 3);
}

#[test]
fn rows_and_total_are_of_one_moment() {
    let Some(database) = TursoDatabase::create(THREE) else {
        return;
    };
    let (faulty, bridge) = proxied(&database);
    // The rows come at once, the count after a while.
    faulty.order(&[json!({}), json!({ "delay": 1000 })]);
    let total = thread::scope(|scope| {
        let answer = scope.spawn(|| {
            ask(
                &*bridge,
                "query",
                &database.target("n"),
                json!({ "limit": 2 }),
            )
        });
        thread::sleep(Duration::from_millis(400));
        database.run("INSERT INTO {}n VALUES (4)");
        answer.join().unwrap().unwrap().1
    });
    assert_eq!(total.total, Some(3));
    assert_eq!(total_of(&*bridge, &database), Some(4));
}

fn total_of(bridge: &dyn Bridge, database: &TursoDatabase) -> Option<u64> {
    let answer = ask(
        bridge,
        "query",
        &database.target("n"),
        json!({ "limit": 2 }),
    );
    answer.unwrap().1.total
}

/// The stream that the rows came on may be lost for the count: it was left alone for too long, or is kept elsewhere.
#[test]
fn a_total_is_counted_anew_where_the_stream_is_lost() {
    let Some(database) = TursoDatabase::create(THREE) else {
        return;
    };
    let (faulty, bridge) = proxied(&database);
    let expired =
        r#"{"message":"The stream has expired due to inactivity","code":"STREAM_EXPIRED"}"#;
    faulty.order(&[json!({}), json!({ "status": 400, "body": expired })]);
    assert_eq!(total_of(&*bridge, &database), Some(3));
    let moved = r#"{"baton":"of-elsewhere","base_url":"http://elsewhere.example.com"}
        {"type":"step_begin","step":0,"cols":[]}
        {"type":"step_end"}
        {"type":"step_begin","step":1,"cols":[{"name":"id","decltype":"INTEGER"}]}
        {"type":"row","row":[{"type":"integer","value":"1"}]}
        {"type":"row","row":[{"type":"integer","value":"2"}]}
        {"type":"step_end"}"#;
    faulty.order(&[json!({ "status": 200, "body": moved })]);
    assert_eq!(total_of(&*bridge, &database), Some(3));
    // Without the last end the rows may not be all.
    let (cut, _) = moved.rsplit_once('\n').unwrap();
    faulty.order(&[json!({ "status": 200, "body": cut, "times": 2 })]);
    let answer = ask(
        &*bridge,
        "query",
        &database.target("n"),
        json!({ "limit": 2 }),
    );
    let error = answer.err().unwrap();
    assert!(
        error.message.contains("ended before its rows did"),
        "{error}"
    );
}

/// What a walk knows already is not asked for by itself, and no stream is left open.
#[test]
fn a_page_takes_two_requests() {
    let Some(database) = TursoDatabase::create(THREE) else {
        return;
    };
    let (faulty, bridge) = proxied(&database);
    let page = |cursor: Value| {
        faulty.order(&[]);
        let options = json!({ "limit": 1, "cursor": cursor });
        let answer = ask(&*bridge, "read", &database.target("n"), options).unwrap();
        let seen = faulty.seen();
        let count = |path: &str| seen.get(path).copied().unwrap_or_default();
        (
            answer.1.next_cursor,
            count("/v3/pipeline"),
            count("/v3/cursor"),
        )
    };
    // The key; the page; the total, which closes the stream.
    let (first, pipelines, cursors) = page(Value::Null);
    assert_eq!((pipelines, cursors), (2, 1));
    for pause in [Duration::ZERO, STALE] {
        thread::sleep(pause);
        // The page, and perhaps the key as it is now; the stream is closed.
        let (_, pipelines, cursors) = page(json!(first));
        assert_eq!((pipelines, cursors), (1, 1), "{pause:?}");
    }
    // Another key.
    database.run(
        "DROP TABLE {}n; CREATE TABLE {}n (id INTEGER, k TEXT PRIMARY KEY) WITHOUT ROWID;
         INSERT INTO {}n VALUES (2, 'y'), (1, 'z')",
    );
    thread::sleep(STALE);
    let (first, ..) = page(Value::Null);
    assert_eq!(first.as_deref(), Some("y"));
}

/// What is known of a table is forgotten when a statement on it fails.
#[test]
fn a_table_that_was_changed_is_looked_at_anew() {
    let Some(database) = TursoDatabase::create(THREE) else {
        return;
    };
    let (_faulty, bridge) = proxied(&database);
    let page = || ask(&*bridge, "read", &database.target("n"), json!({}));
    assert_eq!(page().unwrap().0.len(), 3);
    database.run("ALTER TABLE {}n RENAME COLUMN id TO number");
    // At once: at most one job goes by the key that was.
    let rows = page().or_else(|_| page()).unwrap().0;
    assert_eq!(rows[0], json!({ "number": 1 }));
}

#[test]
fn a_cancel_ends_the_statement_on_the_server() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let sleeper = "CREATE TABLE {}one (id INTEGER PRIMARY KEY); INSERT INTO {}one VALUES (1);
        CREATE VIEW {}sleeper AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT 5000000000)
        SELECT max(id) AS id FROM n";
    let Some(database) = TursoDatabase::create(sleeper) else {
        return;
    };
    let session = session!();
    let source = source::managed(
        "s",
        "turso",
        json!({ "url": database.url, "pool": { "max": 1 } }),
    );
    for ends_by in ["CANCELLED", "DEADLINE_EXCEEDED"] {
        let deadline = if ends_by == "CANCELLED" { 60_000 } else { 700 };
        let target = database.target("sleeper");
        let gateway = &session.gateway;
        let job = gateway.dispatch_with(&source, "query", &target, json!({}), deadline, false);
        thread::sleep(Duration::from_millis(600));
        let start = Instant::now();
        if ends_by == "CANCELLED" {
            gateway.cancel(&job);
        }
        job.wait().expect_error(ends_by);
        // The only connection is free again, though a new one.
        session
            .ask(&source, "count", &database.target("one"), json!({}))
            .expect_done();
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{:?}",
            start.elapsed()
        );
    }
    // A statement that still ran would take a whole processor.
    let Some(pid) = databases::turso_tokens().map(|tokens| tokens.join("../open/pid")) else {
        return;
    };
    let pid = fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    let until = Instant::now() + SOON;
    let busy = || {
        let before = cpu_of(pid);
        thread::sleep(Duration::from_millis(500));
        cpu_of(pid) - before > Duration::from_millis(250)
    };
    while busy() {
        assert!(Instant::now() < until, "the statement goes on");
    }
}

/// What `test-source` says of the server that wants tokens, asked with this one.
fn report(name: &str) -> Option<Value> {
    let tokens = databases::turso_tokens()?;
    let read = |name: &str| fs::read_to_string(tokens.join(name)).unwrap();
    let runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), "")
        .env(
            "SEMILAYER_SOURCE_SHOP_URL",
            format!("libsql://{}?tls=0", read("address")),
        )
        .env("SEMILAYER_SOURCE_SHOP_AUTH_TOKEN", read(name))
        .args(&["test-source", "--json"])
        .start();
    runner.wait_exit(SOON);
    let reports: Value = serde_json::from_str(&runner.stdout()).unwrap();
    Some(reports[0].clone())
}

#[test]
fn a_token_that_writes_is_told_from_one_that_reads() {
    let (Some(ro), Some(rw)) = (report("ro"), report("rw")) else {
        return;
    };
    assert_eq!(ro["bridge"], "@semilayer/bridge-turso", "{ro}");
    assert_eq!(ro["readOnly"], true, "{ro}");
    assert_eq!(ro["mayBeyondReading"], json!([]), "{ro}");
    let version = ro["server"].as_str().unwrap();
    assert!(version.starts_with("libSQL, SQLite 3."), "{version}");
    assert_eq!(rw["readOnly"], false, "{rw}");
    let may = rw["mayBeyondReading"][0].as_str().unwrap();
    assert!(may.contains("--read-only"), "{may}");
}
