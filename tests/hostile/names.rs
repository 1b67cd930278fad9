//! Name servers that do not answer: the look-ups that are left behind are bounded, and names that were answered before
//! are looked up beside them.

use std::time::Duration;

use runner_testkit::databases::{Database, PostgresDatabase};
use runner_testkit::name_server::NameServer;
use runner_testkit::{Terminal, source, watchdog};
use serde_json::{Value, json};

use crate::scene::Scene;

/// Look-ups that may be under way at a time; each has a thread.
const LOOK_UPS: u64 = 64;
const DEADLINE: Duration = Duration::from_millis(300);

/// A source of each engine at a name of its own.
fn sources(n: usize) -> Vec<Value> {
    let managed =
        |bridge: &str, config: Value| source::managed(&format!("{bridge}-{n}"), bridge, config);
    let host = |bridge: &str| format!("{bridge}-{n}.example.com");
    let url =
        |bridge: &str, scheme: &str| json!({ "url": format!("{scheme}://{}/0", host(bridge)) });
    vec![
        managed("postgres", url("postgres", "postgres")),
        managed("mysql", url("mysql", "mysql")),
        managed("mongodb", url("mongodb", "mongodb")),
        managed("redis", url("redis", "rediss")),
        managed("clickhouse", url("clickhouse", "https")),
        managed(
            "turso",
            json!({ "url": format!("https://{}", host("turso")), "authToken": "t" }),
        ),
    ]
}

#[test]
fn look_ups_that_nobody_waits_for_are_bounded() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let (Some(server), Some(database)) = (NameServer::silent(), PostgresDatabase::with("SELECT 1"))
    else {
        return;
    };
    let scene = Scene::with(|runner| server.asked_by(runner));
    let mut known = database.source();
    let url = known["config"]["url"].as_str().unwrap();
    known["config"]["url"] = json!(url.replace("127.0.0.1", "localhost"));
    let ask = || scene.gateway.dispatch(&known, "test", "", json!({}));
    ask().wait().expect_done();
    let before = scene.runner.threads();
    let flood = |numbers: std::ops::Range<usize>| {
        for n in numbers {
            let jobs: Vec<_> = sources(n)
                .iter()
                .flat_map(|source| scene.send(source, 1, DEADLINE))
                .collect();
            scene.expect_answers(&jobs, Duration::from_secs(20));
            let threads = scene.runner.threads();
            assert!(threads < before + LOOK_UPS + 20, "{threads} threads");
            ask().wait_for(Duration::from_secs(5)).expect_done();
        }
    };
    flood(0..12);
    // None of them is given up before half a minute is over.
    let jobs: Vec<_> = sources(12)
        .iter()
        .flat_map(|source| scene.send(source, 1, Duration::from_secs(8)))
        .collect();
    let answers = scene.expect_answers(&jobs, Duration::from_secs(20));
    let refused = answers.iter().filter(|answer| {
        matches!(&answer.terminal, Terminal::Error { code, message }
            if code == "OVERLOADED" && message.contains("looked up"))
    });
    assert!(refused.count() > 0, "{answers:?}");
    flood(13..30);
    scene.expect_small();
}
