//! Whatever the gateway sends is survived, and what has an id is answered.

use std::ops::Deref;
use std::time::Duration;

use runner_testkit::databases::SqliteDatabase;
use runner_testkit::{Gateway, Job, Runner, Stage, runner, source, stage, watchdog};
use serde_json::json;

const SOON: Duration = Duration::from_secs(10);

struct Setup(Stage<SqliteDatabase>);

impl Deref for Setup {
    type Target = Stage<SqliteDatabase>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

fn setup() -> Setup {
    let database = SqliteDatabase::create(
        "CREATE TABLE people (id INTEGER PRIMARY KEY); INSERT INTO people VALUES (1);
         CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
           SELECT count(*) AS i FROM n",
    );
    Setup(stage!(database))
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

/// A session of its own, because the pauses between sessions grow.
fn fresh() -> (Gateway, Runner) {
    let gateway = Gateway::start();
    let runner = runner!(gateway).start();
    runner.wait_stdout("  → connected, awaiting jobs\n", SOON);
    (gateway, runner)
}

/// A frame of a server, as RFC 6455 has it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..126 => bytes.push(short as u8),
        medium @ 126..65536 => {
            bytes.push(126);
            bytes.extend((medium as u16).to_be_bytes());
        }
        long => {
            bytes.push(127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(payload);
    bytes
}

#[test]
fn what_breaks_the_protocol_ends_the_session_with_a_reason() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let mut masked = vec![0x81, 0x84, 1, 2, 3, 4];
    masked.extend(b"null");
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a masked frame", masked),
        ("a reserved bit", frame(0xc1, b"{}")),
        ("an unknown kind of frame", frame(0x83, b"{}")),
        ("an unknown control frame", frame(0x8b, b"")),
        ("a continuation of nothing", frame(0x80, b"{}")),
        ("a ping in fragments", frame(0x09, b"x")),
        ("a ping that is too long", frame(0x89, &[b'x'; 126])),
        (
            "a second message inside the first",
            [frame(0x01, b"{"), frame(0x81, b"{}")].concat(),
        ),
        ("a close frame of one byte", frame(0x88, b"x")),
    ];
    let sessions: Vec<_> = cases.iter().map(|_| fresh()).collect();
    for ((what, bytes), (gateway, _)) in cases.iter().zip(&sessions) {
        let job = gateway.expect_job("in-flight");
        gateway.connection().raw(bytes.clone());
        let close = gateway.wait_closed(1, SOON);
        let code = close.unwrap_or_else(|| panic!("{what}: no close frame")).0;
        assert_eq!(code, 1002, "{what}");
        assert_eq!(
            job.wait_for(SOON).terminal,
            runner_testkit::Terminal::Disconnected
        );
    }
    for ((what, _), (gateway, runner)) in cases.iter().zip(&sessions) {
        assert!(runner.is_running(), "{what}");
        gateway.wait_hello(2, SOON);
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn a_message_may_come_in_any_number_of_frames() {
    let setup = setup();
    let source = &setup.source;
    // The text is long enough for every form of a length, and its characters of several bytes are cut.
    for (number, size) in [1, 2, 3, 7, 125, 126, 1000, 65536].into_iter().enumerate() {
        let id = format!("split-{number}");
        let filler = "é漢😀".repeat(if size < 100 { 30 } else { 30_000 });
        let text = format!(
            r#"{{"x":"{filler}","id":"{id}","type":"job","params":{{"source":{source},"job":{{"kind":"count","target":"people","options":{{}}}}}}}}"#
        );
        let job = setup.gateway.expect_job(&id);
        let mut pieces = text.as_bytes().chunks(size).peekable();
        let mut first = 0x01;
        let pings = setup.gateway.state().pings;
        while let Some(piece) = pieces.next() {
            let last = if pieces.peek().is_none() { 0x80 } else { 0 };
            setup.gateway.connection().raw(frame(first | last, piece));
            // Control frames may stand between the parts of a message.
            setup.gateway.connection().raw(frame(0x89, b"between"));
            setup.gateway.connection().raw(frame(0x8a, b""));
            first = 0x00;
        }
        assert_eq!(job.wait_for(SOON).result("count"), Ok(json!(1)), "{size}");
        assert_eq!(setup.gateway.state().pings, pings);
    }
    assert!(setup.gateway.state().closed.is_empty());
}

/// 64 MB in one frame, and the same in fragments: thrown away without being held, and the session stays.
#[cfg(feature = "sqlite")]
#[test]
fn sixty_four_megabytes_do_no_harm() {
    let setup = setup();
    let job = setup
        .gateway
        .dispatch(&setup.source, "batchRead", "endless", json!({}));
    let huge = format!("{{\"type\":\"ping\",\"x\":\"{}\"}}", "x".repeat(64 << 20));
    setup.text(huge.clone());
    let mut first = 0x01;
    for piece in huge.as_bytes().chunks(1 << 20) {
        setup.gateway.connection().raw(frame(first, piece));
        first = 0x00;
    }
    setup.gateway.connection().raw(frame(0x80, b""));
    setup.still_works();
    assert!(
        job.poll(Duration::ZERO).is_none(),
        "the job in flight is gone"
    );
    setup.gateway.cancel(&job);
    job.wait_for(SOON).expect_error("CANCELLED");
    assert!(
        setup.gateway.state().closed.is_empty(),
        "the session was given up"
    );
    let peak = setup.runner.peak_rss();
    assert!(peak < 64 << 20, "{} MiB at most", peak >> 20);
}

#[test]
fn the_gateways_reasons_are_passed_on() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let cases = [
        (4401, "bad token", "4401 bad token", "mint a new one"),
        (
            4401,
            "unknown runner",
            "4401 unknown runner",
            "SEMILAYER_RUNNER_ID",
        ),
        (1001, "", "close 1001", "othing to do here"),
        (
            1011,
            "database\nlost",
            "1011 database\u{fffd}lost",
            "lease report it",
        ),
        (4999, "", "close 4999", "support"),
    ];
    for (code, reason, printed, advice) in cases {
        let (gateway, runner) = fresh();
        gateway.connection().close(code, reason);
        // The answer repeats the code.
        assert_eq!(gateway.wait_closed(1, SOON).expect("a close frame").0, code);
        runner.wait_stdout(&format!("  ⚠ disconnected: {printed}\n"), SOON);
        runner.wait_stderr(advice, SOON);
    }
    // A close frame without a code is answered in kind.
    let (gateway, runner) = fresh();
    gateway.connection().raw(frame(0x88, b""));
    assert_eq!(gateway.wait_closed(1, SOON).expect("a close frame").0, 1005);
    runner.wait_stdout("  ⚠ disconnected: close 1005\n", SOON);
}

/// Credentials that are refused in mid-session end its jobs, and the next attempt takes its time: the pause is
/// drawn from half a minute instead of a second.
#[cfg(feature = "sqlite")]
#[test]
fn a_revoked_token_ends_the_jobs() {
    let setup = setup();
    let job = setup
        .gateway
        .dispatch(&setup.source, "batchRead", "endless", json!({}));
    setup.gateway.connection().close(4401, "bad token");
    assert_eq!(
        job.wait_for(SOON).terminal,
        runner_testkit::Terminal::Disconnected
    );
    setup
        .runner
        .wait_stdout("  ⚠ disconnected: 4401 bad token\n", SOON);
    // Nothing computes any more.
    std::thread::sleep(Duration::from_millis(500));
    let before = setup.runner.cpu();
    std::thread::sleep(Duration::from_millis(500));
    assert!(
        setup.runner.cpu() - before < Duration::from_millis(250),
        "the job goes on"
    );
}
