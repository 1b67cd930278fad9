//! A session from the first frame on: hello, ack, heartbeats, pings, every kind of job.

use std::time::Duration;

use runner_testkit::databases::SqliteDatabase;
use runner_testkit::{Gateway, RUNNER_ID, TOKEN, runner, session, source, watchdog};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(10);

fn people() -> SqliteDatabase {
    SqliteDatabase::create(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
         INSERT INTO people VALUES (1, 'Ada'), (2, 'Alan'), (3, 'Grace');",
    )
}

fn source_of(database: &SqliteDatabase) -> Value {
    source::managed("people-db", "sqlite", json!({ "path": database.path() }))
}

/// Bridges compiled into the binary under test.
fn capabilities() -> Vec<&'static str> {
    let mut names = Vec::new();
    if cfg!(feature = "postgres") {
        names.extend(["postgres", "cockroachdb", "neon"]);
    }
    if cfg!(feature = "mysql") {
        names.extend(["mysql", "mariadb", "planetscale"]);
    }
    if cfg!(feature = "sqlite") {
        names.push("sqlite");
    }
    names.extend(
        [
            ("mongodb", cfg!(feature = "mongodb")),
            ("clickhouse", cfg!(feature = "clickhouse")),
            ("redis", cfg!(feature = "redis")),
            ("upstash", cfg!(feature = "upstash")),
            ("turso", cfg!(feature = "turso")),
            ("d1", cfg!(feature = "d1")),
        ]
        .into_iter()
        .filter_map(|(name, is_built)| is_built.then_some(name)),
    );
    names.sort_unstable();
    names
}

#[test]
fn introduces_itself() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::start();
    let runner = runner!(gateway)
        .env("SEMILAYER_RUNNER_VERSION", "9.9.9")
        .start();
    let hello = gateway.wait_hello(1, SOON).frame;
    assert_eq!(hello["version"], 1);
    assert_eq!(hello["runnerId"], RUNNER_ID);
    assert_eq!(hello["runtimeVersion"], "9.9.9");
    let mut listed: Vec<_> = hello["capabilities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    listed.sort_unstable();
    let expected: Vec<_> = capabilities()
        .iter()
        .map(|name| format!("@semilayer/bridge-{name}"))
        .collect();
    assert_eq!(listed, expected);
    let upgrade = gateway.state().upgrades[0].clone();
    assert_eq!(upgrade.path, "/connect");
    assert_eq!(upgrade.parameter("token"), Some(TOKEN));
    assert_eq!(upgrade.parameter("runnerId"), Some(RUNNER_ID));
    runner.wait_stdout("  → connected, awaiting jobs\n", SOON);
    assert!(!runner.stdout().contains(TOKEN) && !runner.stderr().contains(TOKEN));
}

#[test]
fn beats_and_answers_pings() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::start();
    let _runner = runner!(gateway)
        .env("SEMILAYER_HEARTBEAT_MS", "200")
        .start();
    let third = gateway.wait("third heartbeat", SOON, |state| {
        state.heartbeats.get(2).cloned()
    });
    assert_eq!(third.frame["stats"]["activeJobs"], 0);
    assert!(third.frame["stats"]["memoryMb"].as_f64().unwrap() > 0.0);
    gateway.wait("WebSocket ping", SOON, |state| {
        (state.pings > 0).then_some(())
    });
    let beats = gateway.state().heartbeats.len();
    gateway.send(&json!({ "type": "ping" }));
    gateway.wait("answer to the ping", SOON, |state| {
        (state.heartbeats.len() > beats).then_some(())
    });
}

#[test]
fn answers_a_ping_at_once() {
    let session = session!();
    let gateway = &session.gateway;
    gateway.send(&json!({ "type": "ping" }));
    gateway.wait("heartbeat", Duration::from_secs(1), |state| {
        state.heartbeats.first().cloned()
    });
}

#[test]
fn a_silent_link_is_given_up() {
    let session = session!(|runner| runner.env("SEMILAYER_HEARTBEAT_MS", "300"));
    let gateway = &session.gateway;
    // Not reading means not answering pings either.
    gateway.connection().stall(true);
    gateway.wait_hello(2, SOON);
}

#[cfg(feature = "sqlite")]
#[test]
fn answers_every_kind() {
    let database = people();
    let session = session!();
    let gateway = &session.gateway;
    let runner = &session.runner;
    let source = source_of(&database);
    let ask = |kind: &str, target: &str, options: Value| {
        gateway.dispatch(&source, kind, target, options).wait()
    };

    let test = ask("test", "", json!({}));
    assert_eq!(test.frames, 0);
    assert_eq!(test.expect_done()["count"], 0);
    assert_eq!(test.expect_done()["readOnly"], true);
    assert!(test.expect_done()["serverVersion"].is_string());

    let count = ask("count", "people", json!({}));
    assert_eq!(
        (
            count.frames,
            &count.chunks[0]["rows"],
            &count.chunks[0]["total"]
        ),
        (1, &json!([]), &json!(3))
    );

    let query = ask(
        "query",
        "people",
        json!({ "limit": 2, "orderBy": { "field": "id" } }),
    );
    assert_eq!(query.rows().len(), 2);
    let meta = query.expect_done();
    assert_eq!((&meta["count"], &meta["total"]), (&json!(2), &json!(3)));
    assert!(meta["durationMs"].is_number());

    let first = ask("read", "people", json!({ "limit": 2 }));
    assert_eq!(first.expect_done()["nextCursor"], "2");
    let last = ask("read", "people", json!({ "limit": 2, "cursor": "2" }));
    assert_eq!(last.rows(), [json!({ "id": 3, "name": "Grace" })]);
    assert!(last.expect_done().get("nextCursor").is_none());

    let batch = ask(
        "batchRead",
        "people",
        json!({ "where": { "id": { "$in": [1, 3, 9] } } }),
    );
    assert_eq!(batch.rows().len(), 2);
    assert!(batch.expect_done().get("total").is_none());

    let empty = ask(
        "batchRead",
        "people",
        json!({ "where": { "id": { "$in": [] } } }),
    );
    assert_eq!(
        (empty.frames, &empty.expect_done()["count"]),
        (0, &json!(0))
    );

    let schema = ask("introspectTarget", "people", json!({})).rows();
    assert_eq!(
        (schema.len(), &schema[0]["name"], &schema[0]["rowCount"]),
        (1, &json!("people"), &json!(3))
    );

    for kind in ["search", "similar", "drop"] {
        ask(kind, "people", json!({})).expect_error("UNSUPPORTED_KIND");
    }
    assert_eq!(
        ask("count", "people", json!({})).result("count"),
        Ok(json!(3))
    );
    let printed = runner.stdout();
    assert!(
        printed.contains("  ← job job-0001") && printed.contains("  → done job-0001"),
        "{printed}"
    );
}
