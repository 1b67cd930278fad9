//! D1: what a job asks of the service, what it is told when the service refuses, and what of that may be told.

use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::databases::{self, D1Database, Database};
use runner_testkit::fakes::FaultyHttp;
use runner_testkit::{RunnerBuilder, network, session, source, watchdog};
use semilayer_runner::bridges::Bridge;
use semilayer_runner::error::{ErrorCode, JobError};
use semilayer_runner::options::Target;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::in_process::{ask, frames, job_within, open, run, walk};

const SOON: Duration = Duration::from_secs(20);
/// Longer than what was said about a table is taken for fresh.
const STALE: Duration = Duration::from_millis(1100);

/// A source behind a proxy, in front of the server, or of nothing where answers are ordered.
fn behind(faulty: &FaultyHttp) -> Arc<dyn Bridge> {
    open("d1", D1Database::config(&faulty.address().to_string())).unwrap()
}

fn proxied(database: &D1Database) -> (FaultyHttp, Arc<dyn Bridge>) {
    let faulty = FaultyHttp::start(databases::address(&database.url));
    let bridge = behind(&faulty);
    (faulty, bridge)
}

/// A service that says nothing but what is ordered.
fn scripted(answers: &[Value]) -> (FaultyHttp, Arc<dyn Bridge>) {
    let nowhere = ([127, 0, 0, 1], network::closed_port()).into();
    let faulty = FaultyHttp::start(nowhere);
    faulty.order(answers);
    let bridge = behind(&faulty);
    (faulty, bridge)
}

/// The answer to a count.
fn counted(number: u64) -> Value {
    let rows = json!({ "columns": ["COUNT(*)"], "rows": [[number]] });
    let body = json!({ "result": [{ "results": rows, "success": true }], "success": true });
    json!({ "status": 200, "body": body.to_string() })
}

fn refused(status: u16, code: u32, message: &str) -> Value {
    let errors = json!([{ "code": code, "message": message }]);
    let body = json!({ "result": null, "success": false, "errors": errors, "messages": [] });
    json!({ "status": status, "body": body.to_string() })
}

fn count(bridge: &dyn Bridge) -> Result<Value, JobError> {
    ask(bridge, "count", "people", json!({})).map(|(rows, _)| rows[0].clone())
}

fn requests(faulty: &FaultyHttp) -> usize {
    let seen = faulty.seen();
    assert!(
        seen.keys()
            .all(|path| path == "/client/v4/accounts/acct/d1/database/db/raw")
    );
    seen.values().sum()
}

#[test]
fn numbers_keep_all_their_digits() {
    let Some(url) = databases::d1() else {
        return;
    };
    let address = databases::address(&url).to_string();
    let bridge = open("d1", D1Database::config(&address)).unwrap();
    let rows = |kind: &str, options: Value| {
        let rows = frames(&*bridge, &job_within(SOON), kind, "t_int", options);
        rows.unwrap().0.concat()
    };
    for (kind, options) in [
        ("query", json!({})),
        ("batchRead", json!({ "select": ["N", "id"] })),
        ("read", json!({ "fields": ["n"] })),
    ] {
        let rows = rows(kind, options);
        for digits in [
            "9007199254740993",
            "-9007199254740993",
            "9223372036854775807",
        ] {
            let member = format!("\"n\":{digits}");
            assert!(rows.contains(&member), "{member}: {rows}");
        }
    }
    // One that no double holds is compared with as it is.
    let options = json!({ "where": { "n": 9_007_199_254_740_993_i64 } });
    let found = ask(&*bridge, "query", "t_int", options).unwrap().0;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["id"], 3);
    let options = json!({ "where": { "n": { "$in": [9_007_199_254_740_993_i64, 1] } } });
    assert_eq!(ask(&*bridge, "query", "t_int", options).unwrap().0, found);
}

#[test]
fn a_walk_shows_every_row_once_whatever_its_key_is() {
    let Some(database) = D1Database::create(
        "CREATE TABLE {}k (k PRIMARY KEY, v TEXT);
         INSERT INTO {}k VALUES (NULL, 'a'), (NULL, 'b'), (9007199254740993, 'c'), (9007199254740992, 'd'),
           (9e999, 'e'), (-9e999, 'f'), (1.5, 'g'), ('x', 'h'), ('', 'i'), (CAST(x'ff41' AS TEXT), 'j'),
           (CAST(x'ff42' AS TEXT), 'k'), (x'ff41', 'l'), (0.1 + 0.2, 'm'), (0.3, 'n')",
    ) else {
        return;
    };
    let (_faulty, bridge) = proxied(&database);
    for limit in [1, 3] {
        let rows = walk(&*bridge, &database.target("k"), limit);
        let values: Vec<_> = rows
            .iter()
            .map(|row| row["v"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(values.concat(), "abfnmgdceihjkl");
    }
}

#[test]
fn a_job_is_one_request() {
    let Some(database) = D1Database::create(
        "CREATE TABLE {}n (id INTEGER PRIMARY KEY, at TEXT);
         INSERT INTO {}n VALUES (1, '2025-01-01'), (2, '2025-01-02'), (3, '2025-01-03')",
    ) else {
        return;
    };
    let (faulty, bridge) = proxied(&database);
    let target = database.target("n");
    let spent = |kind: &str, options: Value| {
        faulty.order(&[]);
        let (rows, summary) = ask(&*bridge, kind, &target, options).unwrap();
        (rows.len(), summary.total, requests(&faulty))
    };
    let since = json!({ "limit": 2, "changedSince": "2025-01-01", "changeTrackingColumn": "at" });
    // The columns, the key, the instant; then page and total.
    assert_eq!(spent("read", since.clone()), (2, Some(3), 4));
    for pause in [Duration::ZERO, STALE] {
        thread::sleep(pause);
        assert_eq!(spent("read", since.clone()), (2, Some(3), 1));
        let next = json!({ "limit": 2, "cursor": "2" });
        assert_eq!(spent("read", next), (1, Some(3), 1));
        assert_eq!(spent("read", json!({ "limit": 0 })), (0, Some(3), 1));
        assert_eq!(spent("query", json!({ "limit": 2 })), (2, Some(3), 1));
        assert_eq!(spent("query", json!({})), (3, Some(3), 1));
        assert_eq!(spent("batchRead", json!({ "limit": 2 })), (2, None, 1));
        assert_eq!(spent("count", json!({})), (1, None, 1));
    }
}

#[test]
fn what_was_said_about_a_table_is_looked_at_again() {
    let Some(database) = D1Database::create(
        "CREATE TABLE {}n (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO {}n VALUES (1, 'x')",
    ) else {
        return;
    };
    let (_faulty, bridge) = proxied(&database);
    let target = database.target("n");
    let read = || ask(&*bridge, "read", &target, json!({})).unwrap().0;
    let columns = || {
        let columns = bridge.columns(&job_within(SOON), &Target::whole(&target));
        format!("{:?}", columns.unwrap())
    };
    assert_eq!(read(), [json!({ "id": 1, "a": "x" })]);
    database.run("ALTER TABLE {}n ADD COLUMN b INTEGER DEFAULT 5");
    thread::sleep(STALE);
    assert_eq!(read(), [json!({ "id": 1, "a": "x", "b": 5 })]);
    // What no longer is there makes statements fail, which are tried again.
    database.run("ALTER TABLE {}n DROP COLUMN a");
    thread::sleep(STALE);
    assert_eq!(read(), [json!({ "id": 1, "b": 5 })]);
    // What a policy decides by is asked for with nothing that it could go along with.
    assert!(!columns().contains("\"c\""));
    database.run("ALTER TABLE {}n ADD COLUMN c INTEGER");
    thread::sleep(STALE);
    assert!(columns().contains("\"c\""));
    // Another key.
    database.run(
        "DROP TABLE {}n; CREATE TABLE {}n (id INTEGER, k TEXT PRIMARY KEY) WITHOUT ROWID;
         INSERT INTO {}n VALUES (2, 'y'), (1, 'z')",
    );
    thread::sleep(STALE);
    let page = ask(&*bridge, "read", &target, json!({ "limit": 1 })).unwrap();
    assert_eq!(page.0, [json!({ "id": 2, "k": "y" })]);
    assert_eq!(page.1.next_cursor.as_deref(), Some("y"));
}

#[test]
fn a_busy_service_is_asked_once_more() {
    let mut wait = refused(429, 971, "Please wait");
    wait["retryAfter"] = json!(1);
    let mut until = wait.clone();
    until["date"] = json!("Wed, 21 Oct 2015 07:28:00 GMT");
    until["retryAfter"] = json!("Wed, 21 Oct 2015 07:28:01 GMT");
    let html = json!({ "status": 502, "html": true });
    for (answer, least) in [
        (wait, Duration::from_secs(1)),
        (until, Duration::from_secs(1)),
        (html, Duration::ZERO),
        (
            refused(500, 7500, "internal error; reference = 0"),
            Duration::ZERO,
        ),
    ] {
        let (faulty, bridge) = scripted(&[answer.clone(), counted(42)]);
        let start = Instant::now();
        assert_eq!(count(&*bridge).unwrap(), 42, "{answer}");
        assert!(start.elapsed() >= least, "{answer}");
        assert_eq!(requests(&faulty), 2);
        // Once.
        faulty.order(&[answer.clone(), answer.clone(), counted(42)]);
        let error = count(&*bridge).unwrap_err();
        assert_eq!(error.code, ErrorCode::SourceUnreachable, "{error}");
        assert_eq!(requests(&faulty), 2);
    }
}

#[test]
fn nobody_waits_for_longer_than_the_job_has() {
    for after in [json!(3600), json!("Wed, 21 Oct 2015 08:28:00 GMT")] {
        let mut wait = refused(429, 971, "Please wait");
        wait["date"] = json!("Wed, 21 Oct 2015 07:28:00 GMT");
        wait["retryAfter"] = after;
        let (faulty, bridge) = scripted(&[wait, counted(42)]);
        let start = Instant::now();
        let error = count(&*bridge).unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(5), "{error}");
        assert!(error.message.contains("HTTP 429: Please wait"), "{error}");
        assert_eq!(requests(&faulty), 1);
    }
}

#[test]
fn refusals_say_who_must_act_and_no_secret() {
    let route = "Could not route to /client/v4/accounts/acct/d1/database/db/raw, perhaps your object identifier is invalid?";
    for (status, code, message, expected) in [
        (
            400,
            7500,
            "no such table: x: SQLITE_ERROR",
            ErrorCode::QueryFailed,
        ),
        (400, 6003, "Invalid request headers", ErrorCode::QueryFailed),
        (
            401,
            10000,
            "Authentication error",
            ErrorCode::SourceAuthFailed,
        ),
        (
            403,
            7403,
            "The given account is not valid",
            ErrorCode::SourceAuthFailed,
        ),
        (
            404,
            7404,
            "The database db could not be found",
            ErrorCode::SourceConfig,
        ),
        (404, 7003, route, ErrorCode::SourceConfig),
        (301, 1, "Moved", ErrorCode::SourceConfig),
    ] {
        let (faulty, bridge) = scripted(&[refused(status, code, message), counted(42)]);
        let error = count(&*bridge).unwrap_err();
        assert_eq!(error.code, expected, "{status} {code}: {error}");
        let code = format!("(error {code})");
        assert!(error.message.contains(&code), "{error}");
        assert!(!error.message.contains("acct"), "{error}");
        assert_eq!(requests(&faulty), 1, "{status}");
    }
    // A row has a value for each column.
    let wide = json!({ "columns": ["COUNT(*)"], "rows": [[1, 2]] });
    let wide = json!({ "result": [{ "results": wide, "success": true }], "success": true });
    let wide = wide.to_string();
    for body in [
        "<!DOCTYPE html>",
        "",
        "{}",
        "{\"success\":true}",
        "[]",
        &wide,
    ] {
        let answer = json!({ "status": 200, "body": body });
        let (faulty, bridge) = scripted(&[answer, counted(42)]);
        assert!(count(&*bridge).is_err(), "{body}");
        assert_eq!(requests(&faulty), 1, "{body}");
    }
}

#[test]
fn what_is_said_about_a_table_has_a_bound() {
    let row = json!(["x".repeat(100), "TEXT", 0, "BINARY"]);
    let rows = json!({ "columns": ["name", "type", "notnull", "coll"], "rows": vec![row; 5000] });
    let body = json!({ "result": [{ "results": rows, "success": true }], "success": true });
    let (_faulty, bridge) = scripted(&[json!({ "status": 200, "body": body.to_string() })]);
    let error = ask(&*bridge, "read", "people", json!({})).err().unwrap();
    assert!(error.message.contains("not understood"), "{error}");
}

#[test]
fn an_answer_that_breaks_off_is_no_answer() {
    let Some(database) = D1Database::create(
        "CREATE TABLE {}n (id INTEGER PRIMARY KEY); INSERT INTO {}n VALUES (1), (2), (3)",
    ) else {
        return;
    };
    let (faulty, bridge) = proxied(&database);
    let target = database.target("n");
    let query = || ask(&*bridge, "query", &target, json!({ "limit": 2 }));
    let whole = query().unwrap();
    // The head of the answer has some two hundred bytes.
    for bytes in [0, 100, 250, 300, 350, 400] {
        faulty.order(&[json!({ "cutAfter": bytes, "times": 9 })]);
        let error = query().unwrap_err();
        assert_eq!(error.code, ErrorCode::SourceUnreachable, "{bytes}: {error}");
        faulty.order(&[json!({ "cutAfter": bytes })]);
        match query() {
            Ok(answer) => assert_eq!(answer.0, whole.0),
            Err(error) => assert_eq!(error.code, ErrorCode::SourceUnreachable, "{error}"),
        }
        faulty.order(&[]);
        assert_eq!(query().unwrap().0, whole.0);
    }
}

#[test]
fn a_cancel_or_a_deadline_ends_the_wait() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let (faulty, _) = scripted(&[]);
    let session = session!();
    let mut config = D1Database::config(&faulty.address().to_string());
    config["pool"] = json!({ "max": 1 });
    let source = source::managed("s", "d1", config);
    let mut wait = refused(429, 971, "Please wait");
    wait["retryAfter"] = json!(20);
    for (ends_by, answer) in [
        ("CANCELLED", json!({ "delay": 60_000 })),
        ("DEADLINE_EXCEEDED", json!({ "delay": 60_000 })),
        // While the service wants to be left alone.
        ("CANCELLED", wait),
    ] {
        faulty.order(&[answer, counted(42)]);
        let cancelled = ends_by == "CANCELLED";
        let deadline = if cancelled { 60_000 } else { 700 };
        let gateway = &session.gateway;
        let job = gateway.dispatch_with(&source, "count", "people", json!({}), deadline, false);
        thread::sleep(Duration::from_millis(500));
        let start = Instant::now();
        if cancelled {
            gateway.cancel(&job);
        }
        job.wait().expect_error(ends_by);
        // The only connection is free again, though a new one.
        let answer = session.ask(&source, "count", "people", json!({}));
        assert_eq!(answer.result("count"), Ok(json!(42)));
        assert!(start.elapsed() < Duration::from_secs(5), "{ends_by}");
    }
}

#[test]
fn a_filter_is_as_long_as_it_wants() {
    let Some(database) = D1Database::create(
        "CREATE TABLE {}n (id INTEGER PRIMARY KEY, s TEXT);
         INSERT INTO {}n VALUES (1, 'a'), (2, 'b'), (3, 'the ' || hex(zeroblob(40)) || ' end')",
    ) else {
        return;
    };
    let (_faulty, bridge) = proxied(&database);
    let found = |filter: Value| {
        let options = json!({ "where": filter, "select": ["id"], "orderBy": { "field": "id" } });
        let rows = run(
            &*bridge,
            &job_within(SOON),
            "query",
            &database.target("n"),
            options,
        );
        let ids = rows.unwrap().0.into_iter().map(|row| row["id"].clone());
        Value::from_iter(ids)
    };
    let many: Vec<_> = (0..150).map(|n| json!({ "s": format!("x{n}") })).collect();
    assert_eq!(found(json!({ "$or": many })), json!([]));
    let mut many = many;
    many.push(json!({ "s": "b" }));
    many.push(json!({ "id": 1 }));
    assert_eq!(found(json!({ "$or": many })), json!([1, 2]));
    let zeros = "0".repeat(80);
    for (operator, text) in [
        ("$contains", zeros.clone()),
        ("$startsWith", format!("THE {zeros}")),
        ("$endsWith", format!("{zeros} END")),
    ] {
        let filter = json!({ "s": { operator: text } });
        assert_eq!(found(filter), json!([3]), "{operator}");
    }
    let ids: Vec<_> = (2..5000).collect();
    assert_eq!(found(json!({ "id": { "$in": ids } })), json!([2, 3]));
}

#[test]
fn test_source_says_what_the_token_may_do() {
    let Some(url) = databases::d1() else {
        return;
    };
    let runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), "")
        .env("SEMILAYER_SOURCE_SHOP_ACCOUNT_ID", "acct")
        .env("SEMILAYER_SOURCE_SHOP_DATABASE_ID", "db")
        .env("SEMILAYER_SOURCE_SHOP_API_TOKEN", "token")
        .env("SEMILAYER_SOURCE_SHOP_ENDPOINT", &url)
        .args(&["test-source", "--json"])
        .start();
    runner.wait_exit(SOON);
    let reports: Value = serde_json::from_str(&runner.stdout()).unwrap();
    assert_eq!(reports.as_array().map(Vec::len), Some(1), "{reports}");
    let report = &reports[0];
    assert_eq!(report["bridge"], "@semilayer/bridge-d1", "{report}");
    assert_eq!(report["server"], "D1", "{report}");
    assert_eq!(report["readOnly"], false, "{report}");
    let may = report["mayBeyondReading"][0].as_str().unwrap();
    assert!(may.contains("D1 Read"), "{may}");
}
