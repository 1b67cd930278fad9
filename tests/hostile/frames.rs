//! Frames of a gateway that means harm: the process stays small, whole, and answers the next job.

use std::time::Duration;

use runner_testkit::fakes::FakePostgres;
use runner_testkit::{source, watchdog};
use serde_json::json;

use crate::scene::{Scene, at};

/// A job with this text as its options.
fn with_options(n: usize, options: &str) -> String {
    let source = json!({"id": "s", "name": "s", "bridge": "@semilayer/bridge-sqlite",
        "credentialsLocation": "managed", "config": {"path": "/nonexistent"}});
    format!(
        r#"{{"id":"frame-{n}","type":"job","source":{source},"kind":"query","target":"t","options":{options},"deadlineMs":2000}}"#
    )
}

fn keys(count: usize, key: impl Fn(usize) -> String) -> String {
    let pairs: Vec<_> = (0..count).map(|n| format!("\"{}\":1", key(n))).collect();
    format!("{{{}}}", pairs.join(","))
}

#[test]
fn frames_of_every_bad_shape() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let shapes: Vec<(&str, String)> = vec![
        ("lists in lists", "[".repeat(100_000)),
        (
            "lists in lists that end",
            "[".repeat(5_000) + &"]".repeat(5_000),
        ),
        ("objects in objects", "{\"a\":".repeat(50_000)),
        (
            "conditions in conditions",
            format!(
                "{{\"where\":{}1{}}}",
                "{\"$not\":".repeat(99),
                "}".repeat(99)
            ),
        ),
        ("a million keys", keys(1_000_000, |n| n.to_string())),
        (
            "two hundred thousand keys in a filter",
            format!("{{\"where\":{}}}", keys(200_000, |n| format!("c{n}"))),
        ),
        (
            "the same key again and again",
            keys(200_000, |_| "limit".to_owned()),
        ),
        (
            "a key of eight megabytes",
            format!("{{\"{}\":1}}", "k".repeat(8 << 20)),
        ),
        (
            "a number of a million digits",
            format!("{{\"limit\":{}}}", "9".repeat(1_000_000)),
        ),
        (
            "a number beyond all numbers",
            "{\"limit\":1e999999999,\"offset\":-1e-999999999}".to_owned(),
        ),
        (
            "a million small numbers",
            format!(
                "{{\"where\":{{\"a\":{{\"$in\":[{}1]}}}}}}",
                "1,".repeat(1_000_000)
            ),
        ),
        (
            "halves of surrogates",
            "{\"where\":{\"\\ud800\":\"\\udfff\\ud83d\"}}".to_owned(),
        ),
        (
            "escapes of a megabyte",
            format!("{{\"where\":{{\"a\":\"{}\"}}}}", "\\u0000".repeat(1 << 20)),
        ),
        (
            "fifteen megabytes of text",
            format!("{{\"where\":{{\"a\":\"{}\"}}}}", "x".repeat(15 << 20)),
        ),
        (
            "beyond what is read",
            format!("{{\"where\":{{\"a\":\"{}\"}}}}", "x".repeat(40 << 20)),
        ),
        (
            "ten thousand measures",
            format!("{{\"measures\":{}}}", keys(10_000, |n| format!("m{n}"))),
        ),
        ("half a frame", "{\"where\":{\"a\":".to_owned()),
    ];
    for (name, options) in shapes {
        let scene = Scene::new();
        let _jobs: Vec<_> = (0..8)
            .map(|n| scene.gateway.expect_job(&format!("frame-{n}")))
            .collect();
        for n in 0..8 {
            scene.gateway.connection().text(with_options(n, &options));
        }
        // Frames are read in their order: this one is behind all of them.
        scene.expect_healthy_in(Duration::from_secs(30));
        assert!(scene.runner.is_running(), "{name}");
        println!("{:6.1} MB  {name}", scene.runner.peak_rss() as f64 / 1e6);
        scene.expect_small();
        let log = scene.runner.stderr();
        assert!(!log.contains("panic in thread"), "{name}: {log}");
    }
}

/// What is done for each of its sources takes its time, and looks at the others.
#[test]
fn assignment_lists_as_long_as_a_frame() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let scene = Scene::new();
    for (bridge, name) in [
        ("none", "s"),
        ("sqlite", "s"),
        ("sqlite", "_"),
        ("none", "a name of many bytes"),
    ] {
        let name = name.repeat(9);
        let sources: Vec<_> = (0..60_000)
            .map(|n| json!({ "id": format!("{name}{n}"), "bridge": format!("{bridge}{}", n % 7 / 6) }))
            .collect();
        let list = json!({ "type": "assignments-changed", "assignedSources": sources });
        for _ in 0..2 {
            scene.gateway.connection().text(list.to_string());
        }
        scene.expect_healthy_in(Duration::from_secs(15));
    }
    scene.expect_small();
}

/// What terminals act on, in the words of a database: nobody passes it on.
#[test]
fn words_that_terminals_act_on() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let nasty = "a\u{1b}[2Jb\u{202e}c\u{2028}d\re\u{7}f\u{9b}31mg\u{200b}h\u{e0041}i";
    let server = FakePostgres::start(move |mut client| {
        use std::io::Write;
        let error = format!("SERROR\0C42601\0M{nasty}\0D{nasty}\0\0");
        client.write_all(&FakePostgres::message(b'E', error.as_bytes()))?;
        client.write_all(&FakePostgres::message(b'Z', b"I"))?;
        runner_testkit::fakes::stay_silent(client)
    });
    let unseen = |text: &str| {
        text.chars()
            .any(|c| c != '\n' && c.is_control() || "\u{202e}\u{2028}\u{200b}\u{e0041}".contains(c))
    };
    let scene = Scene::with(|runner| runner.env("SEMILAYER_LOG", "trace"));
    let source = at("postgres", &server.url(), 1);
    for kind in ["test", "query", "count"] {
        let answer = scene
            .gateway
            .dispatch_with(&source, kind, "t\u{1b}[1m\u{202e}", json!({}), 3000, false)
            .wait();
        let runner_testkit::Terminal::Error { message, .. } = &answer.terminal else {
            panic!("{:?}", answer.terminal);
        };
        assert!(!unseen(message), "{message:?}");
    }
    let local = source::runner_local("a\u{202e}b", "a\u{1b}[2Jb\u{2028}", "postgres");
    let answer = scene.gateway.dispatch(&local, "test", "", json!({})).wait();
    answer.expect_error("SOURCE_CONFIG");
    for text in [scene.runner.stderr(), scene.runner.stdout()] {
        assert!(!unseen(&text), "{text:?}");
    }
    for arguments in [
        &["test-source"][..],
        &["test-source", "--json"],
        &["doctor", "--connect"],
    ] {
        let runner = runner_testkit::runner!(scene.gateway)
            .args(arguments)
            .env("SEMILAYER_SOURCE_A_URL", server.url())
            .start();
        runner.wait_exit(Duration::from_secs(30));
        for text in [runner.stderr(), runner.stdout()] {
            assert!(!unseen(&text), "{text:?}");
        }
    }
}
