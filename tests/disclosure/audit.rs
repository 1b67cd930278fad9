//! The audit log of the real process.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use runner_testkit::databases::SqliteDatabase;
use runner_testkit::temp::TempDir;
use runner_testkit::{Gateway, Job, RunnerBuilder, Terminal, runner, session, source, watchdog};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(10);

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn wait_lines(path: &Path, count: usize) -> Vec<Value> {
    let until = Instant::now() + SOON;
    loop {
        let found = lines(path);
        if found.len() >= count || Instant::now() > until {
            assert_eq!(found.len(), count, "{found:?}");
            return found;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn every_job_has_its_line_without_a_value() {
    let folder = TempDir::new();
    let path = folder.path().join("audit.log");
    let database = SqliteDatabase::create(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT); \
         INSERT INTO people VALUES (1, 'value-of-a-row'), (2, 'x');",
    );
    let session = session!(|runner| runner.env("SEMILAYER_AUDIT_LOG", path.to_str().unwrap()));
    let gateway = &session.gateway;
    let runner = &session.runner;
    let source = source::managed("shop", "sqlite", json!({ "path": database.path() }));
    let ask =
        |kind: &str, options: Value| gateway.dispatch(&source, kind, "people", options).wait();
    let filter = json!({"name": {"$contains": "value-of-a-parameter"}, "id": {"$in": [31337]}});
    ask("query", json!({"where": filter, "orderBy": {"id": "desc"}})).expect_done();
    ask("read", json!({"fields": ["id"]})).expect_done();
    ask("query", json!({"select": ["nope"]})).expect_error("QUERY_FAILED");
    ask("search", json!({})).expect_error("UNSUPPORTED_KIND");
    ask("query", json!({"limit": "five"})).expect_error("INVALID_OPTIONS");
    let found = wait_lines(&path, 5);
    assert_eq!(found[0]["columns"], "*");
    assert_eq!(found[0]["filter"], "(name contains ? and id in (? × 1))");
    assert_eq!(found[0]["order"], json!(["id"]));
    assert_eq!(found[0]["source"], json!({"id": "shop", "name": "shop"}));
    assert_eq!(
        (&found[0]["rows"], &found[0]["outcome"]),
        (&json!(0), &json!("done"))
    );
    assert_eq!(found[1]["columns"], json!(["id"]));
    assert_eq!(found[1]["rows"], 2);
    assert!(found[1]["bytes"].as_u64().unwrap() > 20 && found[1]["ms"].is_u64());
    let outcomes: Vec<_> = found
        .iter()
        .map(|line| line["outcome"].as_str().unwrap())
        .collect();
    let errors = ["QUERY_FAILED", "UNSUPPORTED_KIND", "INVALID_OPTIONS"];
    assert_eq!(outcomes[2..], errors);
    let text = fs::read_to_string(&path).unwrap();
    for value in ["value-of-a-parameter", "value-of-a-row", "31337", "five"] {
        assert!(!text.contains(value), "{text}");
    }

    // Moved away by another program.
    let moved = folder.path().join("audit.log.1");
    fs::rename(&path, &moved).unwrap();
    runner.signal("HUP");
    // The signal and the job take different ways into the process.
    std::thread::sleep(Duration::from_millis(100));
    ask("count", json!({})).expect_done();
    assert_eq!(wait_lines(&path, 1)[0]["kind"], "count");
    assert_eq!(lines(&moved).len(), 5);
    runner.signal("TERM");
    assert!(runner.wait_exit(SOON).success());
}

/// `/dev/full` takes no byte, as a full disk does.
#[test]
fn nothing_is_answered_unrecorded_unless_told_so() {
    let _watchdog = watchdog(Duration::from_secs(60));
    if !Path::new("/dev/full").exists() {
        println!("skipped: this system has no /dev/full");
        return;
    }
    let database = SqliteDatabase::create("CREATE TABLE t (id INTEGER PRIMARY KEY);");
    let source = source::managed("db", "sqlite", json!({ "path": database.path() }));
    for on_failure in ["refuse", "continue"] {
        let gateway = Gateway::start();
        let runner = runner!(gateway)
            .env("SEMILAYER_AUDIT_LOG", "/dev/full")
            .env("SEMILAYER_AUDIT_ON_FAILURE", on_failure)
            .start();
        gateway.wait_hello(1, SOON);
        let ask = || gateway.dispatch(&source, "count", "t", json!({})).wait();
        // The first is accepted: nobody knows yet.
        ask().expect_done();
        runner.wait_stderr("the audit log cannot be written", SOON);
        match on_failure {
            "refuse" => drop(ask().expect_error("AUDIT_FAILED").to_owned()),
            _ => drop(ask().expect_done().clone()),
        }
    }
}

#[test]
fn a_log_that_cannot_be_opened_stops_the_start() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let runner = RunnerBuilder::new(
        env!("CARGO_BIN_EXE_semilayer-runner"),
        "ws://127.0.0.1:1/connect",
    )
    .env("SEMILAYER_AUDIT_LOG", "/nowhere/audit.log")
    .start();
    assert_eq!(runner.wait_exit(SOON).code(), Some(2));
    let said = runner.stderr();
    assert!(
        said.starts_with("error: SEMILAYER_AUDIT_LOG cannot be opened"),
        "{said}"
    );
}

/// Killed after any number of answers, the log holds a line for each of them.
#[test]
fn a_strict_log_is_ahead_of_the_answers() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    let database = SqliteDatabase::create("CREATE TABLE t (id INTEGER PRIMARY KEY);");
    let source = source::managed("db", "sqlite", json!({ "path": database.path() }));
    for round in 0..5 {
        let path = folder.path().join(format!("audit-{round}.log"));
        let gateway = Gateway::start();
        let runner = runner!(gateway)
            .env("SEMILAYER_AUDIT_LOG", path.to_str().unwrap())
            .env("SEMILAYER_AUDIT", "strict")
            .start();
        gateway.wait_hello(1, SOON);
        let jobs: Vec<_> = (0..200)
            .map(|_| gateway.dispatch(&source, "count", "t", json!({})))
            .collect();
        for job in jobs.iter().take(60) {
            job.wait().expect_done();
        }
        runner.signal("KILL");
        let later = jobs.iter().skip(60).map(Job::wait);
        let answered = 60
            + later
                .filter(|answer| answer.terminal != Terminal::Disconnected)
                .count();
        let recorded = lines(&path).len();
        assert!(recorded >= answered, "{recorded} lines, {answered} answers");
    }
}

#[test]
fn a_strict_log_that_cannot_be_written_holds_the_answer_back() {
    let _watchdog = watchdog(Duration::from_secs(60));
    if !Path::new("/dev/full").exists() {
        println!("skipped: this system has no /dev/full");
        return;
    }
    let database = SqliteDatabase::create("CREATE TABLE t (id INTEGER PRIMARY KEY);");
    let source = source::managed("db", "sqlite", json!({ "path": database.path() }));
    let gateway = Gateway::start();
    let _runner = runner!(gateway)
        .env("SEMILAYER_AUDIT_LOG", "/dev/full")
        .env("SEMILAYER_AUDIT", "strict")
        .start();
    gateway.wait_hello(1, SOON);
    let jobs: Vec<_> = (0..5)
        .map(|_| gateway.dispatch_with(&source, "count", "t", json!({}), 700, false))
        .collect();
    for job in jobs {
        let answer = job.wait();
        let Terminal::Error { code, .. } = &answer.terminal else {
            panic!("{:?}", answer.terminal);
        };
        // The second is that of a job whose source was busy with the ones before it.
        assert!(
            ["AUDIT_FAILED", "DEADLINE_EXCEEDED"].contains(&code.as_str()),
            "{code}"
        );
    }
}
