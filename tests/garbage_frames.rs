//! Whatever the gateway sends is survived, and what has an id is answered.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::Duration;

use runner_testkit::databases::SqliteDatabase;
use runner_testkit::{Gateway, Job, Runner, runner, source, watchdog};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(10);

struct Setup {
    gateway: Gateway,
    runner: Runner,
    source: Value,
    _database: SqliteDatabase,
}

fn setup() -> Setup {
    let database = SqliteDatabase::create(
        "CREATE TABLE people (id INTEGER PRIMARY KEY); INSERT INTO people VALUES (1);
         CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
           SELECT count(*) AS i FROM n",
    );
    let gateway = Gateway::start();
    let runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    Setup {
        source: source::managed("s", "sqlite", json!({ "path": database.path() })),
        gateway,
        runner,
        _database: database,
    }
}

impl Setup {
    fn text(&self, text: impl Into<String>) {
        self.gateway.connection().text(text.into());
    }

    /// A job whose frame is this text.
    fn job(&self, id: &str, text: String) -> Job {
        let job = self.gateway.expect_job(id);
        self.text(text);
        job
    }

    fn still_works(&self) {
        let answer = self
            .gateway
            .dispatch(&self.source, "count", "people", json!({}))
            .wait_for(SOON);
        assert_eq!(answer.result("count"), Ok(json!(1)));
        assert!(self.runner.is_running());
    }
}

/// A list in a list in a list.
fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

#[cfg(feature = "sqlite")]
#[test]
fn nonsense_is_survived_in_the_same_session() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let setup = setup();
    for text in [
        "",
        " ",
        "null",
        "{",
        "[]",
        "\"job\"",
        "{}",
        r#"{"type":null}"#,
        r#"{"type":7}"#,
        r#"{"type":"from-the-future","id":"x","payload":{"a":[1,2,3]}}"#,
        r#"{"type":"job"}"#,
        r#"{"type":"job","id":17,"params":{}}"#,
        r#"{"type":"cancel"}"#,
        r#"{"type":"cancel","id":{}}"#,
        r#"{"type":"hello-ack"}"#,
        r#"{"type":"assignments-changed"}"#,
        r#"{"type":"assignments-changed","assignedSources":[{},null,7,{"id":[]}]}"#,
        r#"{"type":"ping","type":"ping"}"#,
        "{\"type\":\"ping\"}garbage",
        "{\"type\":\"job\",\"id\":\"\\ud800\"}",
    ] {
        setup.text(text);
    }
    setup.text(nested(100_000));
    setup.text(format!("{{\"type\":\"ping\",\"x\":{}}}", nested(100_000)));
    setup.text("{\"a\":".repeat(50_000));
    setup.still_works();
    assert!(
        setup.gateway.state().closed.is_empty(),
        "the session was given up"
    );
}

#[cfg(feature = "sqlite")]
#[test]
fn an_unusable_job_gets_an_error() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let setup = setup();
    let source = &setup.source;
    let with_job = |id: &str, job: &str| {
        format!(r#"{{"id":"{id}","type":"job","params":{{"source":{source},"job":{job}}}}}"#)
    };
    let deep = nested(5000);
    let long = format!("[{}1]", "1,".repeat(200_000));
    let cases: Vec<(&str, String)> = vec![
        ("no-params", r#"{"id":"no-params","type":"job"}"#.into()),
        ("no-source", r#"{"id":"no-source","type":"job","params":{"job":{"kind":"count","target":"people"}}}"#.into()),
        ("no-job", format!(r#"{{"id":"no-job","type":"job","params":{{"source":{source}}}}}"#)),
        ("no-kind", with_job("no-kind", r#"{"target":"people"}"#)),
        ("kind-number", with_job("kind-number", r#"{"kind":3,"target":"people"}"#)),
        ("options-list", with_job("options-list", r#"{"kind":"count","target":"people","options":[1]}"#)),
        ("where-text", with_job("where-text", r#"{"kind":"count","target":"people","options":{"where":"1=1"}}"#)),
        ("too-deep", with_job("too-deep", &format!(r#"{{"kind":"count","target":"people","options":{{"where":{{"id":{deep}}}}}}}"#))),
        ("too-long", with_job("too-long", &format!(r#"{{"kind":"count","target":"people","options":{{"where":{{"id":{{"$in":{long}}}}}}}}}"#))),
    ];
    for (id, text) in cases {
        let answer = setup.job(id, text).wait_for(SOON);
        let (code, _) = answer.result("count").expect_err(id);
        assert_ne!(code, "INTERNAL", "{id}");
    }
    let unknown = source::managed("s", "floppy", json!({}));
    setup
        .gateway
        .dispatch(&unknown, "count", "people", json!({}))
        .wait()
        .expect_error("UNKNOWN_BRIDGE");
    for target in [
        "",
        "no such table",
        "people; DROP TABLE people",
        "\"",
        "a\u{0}b",
    ] {
        let answer = setup
            .gateway
            .dispatch(source, "count", target, json!({}))
            .wait();
        let (code, _) = answer.result("count").expect_err(target);
        assert_ne!(code, "INTERNAL", "{target:?}");
    }
    setup.still_works();
    assert!(
        setup.gateway.state().closed.is_empty(),
        "the session was given up"
    );
}

#[cfg(feature = "sqlite")]
#[test]
fn the_same_id_twice_is_one_job() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let setup = setup();
    let source = &setup.source;
    let frame = format!(
        r#"{{"id":"twin","type":"job","params":{{"source":{source},"job":{{"kind":"batchRead","target":"endless","options":{{}}}}}}}}"#
    );
    let job = setup.job("twin", frame.clone());
    setup.text(frame);
    setup.gateway.cancel(&job);
    // A second end of it would break the contract.
    job.wait_for(SOON).expect_error("CANCELLED");
    setup.still_works();
}

/// Frames that break the WebSocket protocol or its limits may cost the session, never the process.
#[cfg(feature = "sqlite")]
#[test]
fn broken_framing_costs_at_most_the_session() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let setup = setup();
    let broken: [&dyn Fn(); 4] = [
        // Larger than any frame of the protocol.
        &|| {
            setup.text(format!(
                "{{\"type\":\"ping\",\"x\":\"{}\"}}",
                "x".repeat(20 << 20)
            ))
        },
        // Not UTF-8 in a text frame.
        &|| setup.gateway.connection().raw(vec![0x81, 0x02, 0xc3, 0x28]),
        // A frame of 2^63 bytes announced.
        &|| {
            setup.gateway.connection().raw(vec![
                0x81, 0x7f, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            ])
        },
        // Not frames at all, and enough of it that nobody waits for the rest.
        &|| {
            setup
                .gateway
                .connection()
                .raw(b"HTTP/1.1 500 Oops\r\n".repeat(100))
        },
    ];
    for (count, send) in broken.iter().enumerate() {
        send();
        // The session may survive or be replaced.
        std::thread::sleep(Duration::from_millis(300));
        let ended = setup.gateway.state().closed.len();
        setup.gateway.wait_hello(ended + 1, Duration::from_secs(20));
        setup.still_works();
        assert!(
            setup.runner.rss() < 64 << 20,
            "{} MiB after case {count}",
            setup.runner.rss() >> 20
        );
    }
    setup.gateway.connection().binary(vec![0, 1, 2, 255]);
    setup.still_works();
}
