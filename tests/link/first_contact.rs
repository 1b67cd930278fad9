//! A gateway that does what nobody told us: it answers in other words, listens late, refuses and says why.

use std::time::Duration;

use runner_testkit::databases::SqliteDatabase;
use runner_testkit::temp::TempDir;
use runner_testkit::{Admission, Gateway, Options, TOKEN, runner, source, watchdog};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);
const CONNECTED: &str = "  → connected, awaiting jobs\n";

fn silent() -> Gateway {
    Gateway::with(Options {
        ack: false,
        ..Options::default()
    })
}

fn refusing(admission: Admission) -> Gateway {
    Gateway::with(Options {
        admit: Box::new(move |_| admission.clone()),
        ..Options::default()
    })
}

#[test]
fn any_frame_that_is_understood_is_the_acknowledgement() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let list = json!({ "type": "assignments-changed", "assignedSources": [] });
    for frame in [json!({ "type": "ping" }), list] {
        let gateway = silent();
        let runner = runner!(gateway).start();
        gateway.wait_hello(1, SOON);
        gateway.send(&json!({ "type": "welcome" }));
        runner.wait_stderr("welcome", SOON);
        assert!(!runner.stdout().contains(CONNECTED));
        gateway.send(&frame);
        runner.wait_stdout(CONNECTED, SOON);
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn a_session_that_answers_jobs_lasts_without_an_acknowledgement() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let database = SqliteDatabase::create("CREATE TABLE people (id INTEGER PRIMARY KEY);");
    let source = source::managed("db", "sqlite", json!({ "path": database.path() }));
    let gateway = silent();
    let runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    // A job carries its source, so it needs no list.
    let job = gateway.dispatch(&source, "count", "people", json!({}));
    assert_eq!(job.wait().result("count"), Ok(json!(0)));
    runner.wait_stdout(CONNECTED, SOON);
    // Longer than the time for connecting.
    std::thread::sleep(Duration::from_secs(17));
    assert!(gateway.is_connected());
    assert_eq!(gateway.state().hellos.len(), 1);
}

#[test]
fn hello_is_said_once_more_to_a_gateway_that_listens_late() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let gateway = silent();
    let runner = runner!(gateway).start();
    let first = gateway.wait_hello(1, SOON);
    let second = gateway.wait_hello(2, SOON);
    assert_eq!(
        (first.connection, &first.frame),
        (second.connection, &second.frame)
    );
    gateway.send(&json!({ "type": "hello-ack", "serverVersion": 1, "assignedSources": [] }));
    runner.wait_stdout(CONNECTED, SOON);
}

#[test]
fn silence_ends_with_what_was_said_and_with_other_names_for_the_token() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let gateway = silent();
    let runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    let message = format!("who are you? {TOKEN}\nnobody");
    gateway.send(&json!({ "type": "error", "code": "NO_TOKEN", "message": message }));
    runner.wait_stderr(
        "the gateway sends an error: NO_TOKEN: who are you? … nobody",
        SOON,
    );
    runner.wait_stderr("it said: NO_TOKEN: who are you? … nobody", SOON);
    runner.wait_stderr("SEMILAYER_TOKEN_PARAM", SOON);
}

#[test]
fn unknown_frames_are_told_once_with_the_names_of_their_keys() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::start();
    let runner = runner!(gateway).start();
    runner.wait_stdout(CONNECTED, SOON);
    let unknown = json!({ "type": "heartbeat-ack", "at": "s3cret", "seq": 7 });
    for _ in 0..3 {
        gateway.send(&unknown);
    }
    gateway
        .connection()
        .binary(unknown.to_string().into_bytes());
    gateway.send(&json!({ "type": "ping" }));
    gateway.wait("answer to the ping", SOON, |state| {
        state.heartbeats.first().cloned()
    });
    runner.wait_stderr("unknown type \"heartbeat-ack\" (its keys: at, seq)", SOON);
    let log = runner.stderr();
    assert_eq!(log.matches("heartbeat-ack").count(), 1, "{log}");
    assert!(!log.contains("s3cret"), "{log}");
}

#[test]
fn json_in_a_binary_frame_is_a_frame() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = silent();
    let runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    let ack: Value = json!({ "type": "hello-ack", "serverVersion": 1, "assignedSources": [] });
    gateway.connection().binary(ack.to_string().into_bytes());
    runner.wait_stdout(CONNECTED, SOON);
}

#[test]
fn a_refused_upgrade_is_told_in_its_own_words() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let location = |url: &str| vec![("location", url.to_owned())];
    let saying = |status, text: &str| Admission::RefuseSaying(status, Vec::new(), text.to_owned());
    for (admission, words) in [
        (
            saying(401, "{\"error\":\n\"unknown parameter\"}"),
            &[
                "status 401: {\"error\": \"unknown parameter\"}",
                "SEMILAYER_TOKEN_PARAM",
            ][..],
        ),
        (saying(403, ""), &["status 403", "SEMILAYER_TOKEN_PARAM"]),
        (
            saying(404, "not here"),
            &["status 404: not here", "/connect"],
        ),
        (
            Admission::RefuseSaying(
                301,
                location(&format!("https://new.example.com/connect?token={TOKEN}")),
                format!("moved, {TOKEN}"),
            ),
            &[
                "points to wss://new.example.com/connect: moved, …",
                "SEMILAYER_GATEWAY_URL to wss://new.example.com/connect",
            ],
        ),
    ] {
        let gateway = refusing(admission);
        let runner = runner!(gateway).start();
        for word in words {
            runner.wait_stderr(word, SOON);
        }
        assert!(!runner.stderr().contains("mint"), "{}", runner.stderr());
    }
}

#[test]
fn a_body_that_does_not_end_delays_nothing() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let long = vec![("content-length", "1000000".to_owned())];
    let gateway = refusing(Admission::RefuseSaying(403, long, "no entry".to_owned()));
    let runner = runner!(gateway).start();
    runner.wait_stderr("status 403: no entry", Duration::from_secs(5));
}

#[test]
fn a_close_code_names_what_may_be_called_differently() {
    let _watchdog = watchdog(Duration::from_secs(60));
    for (code, reason) in [(4401, "missing token"), (4400, "bad request"), (1008, "")] {
        let gateway = refusing(Admission::Close(code, reason));
        let runner = runner!(gateway).start();
        runner.wait_stderr("SEMILAYER_TOKEN_PARAM", SOON);
        assert!(!runner.stderr().contains("mint"), "{}", runner.stderr());
    }
}

#[test]
fn a_bearer_header_goes_along_if_asked_for() {
    let _watchdog = watchdog(Duration::from_secs(60));
    for (header, sent) in [("", false), ("1", true)] {
        let gateway = Gateway::start();
        let _runner = runner!(gateway)
            .env("SEMILAYER_TOKEN_HEADER", header)
            .start();
        gateway.wait_hello(1, SOON);
        let upgrade = gateway.state().upgrades[0].clone();
        let bearer = ("authorization".to_owned(), format!("Bearer {TOKEN}"));
        assert_eq!(upgrade.headers.contains(&bearer), sent);
        assert_eq!(upgrade.parameter("token"), Some(TOKEN));
    }
}

#[test]
fn the_token_is_read_before_every_attempt() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    let file = folder.write("token", format!("{TOKEN}\n"));
    let gateway = Gateway::with(Options {
        // The second connection has another token.
        admit: Box::new(
            |upgrade| match (upgrade.number, upgrade.parameter("token")) {
                (1, Some(TOKEN)) | (2.., Some("rk_another_token_of_the_same_runner")) => {
                    Admission::Accept
                }
                _ => Admission::Close(4401, "bad token"),
            },
        ),
        ..Options::default()
    });
    let runner = runner!(gateway)
        .env_remove("SEMILAYER_RUNNER_TOKEN")
        .env("SEMILAYER_RUNNER_TOKEN_FILE", file.to_str().unwrap())
        .start();
    runner.wait_stdout(CONNECTED, SOON);
    folder.write("token", "rk_another_token_of_the_same_runner\n");
    gateway.connection().cut();
    runner.wait_stdout_times(CONNECTED, 2, SOON);
    runner.wait_stderr("the token's file has changed", SOON);
}
