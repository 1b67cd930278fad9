//! Servers that send without end.

use std::time::Duration;

use runner_testkit::bson::document;
use runner_testkit::fakes::{
    FakeMongodb, FakeMySql, FakePostgres, MONGODB_CURSORS, MYSQL_FLOODS, POSTGRES_FLOODS,
};
use runner_testkit::temp::TempDir;
use runner_testkit::watchdog;
use serde_json::json;

use crate::scene::{Scene, at, outcome};

const DEADLINE: Duration = Duration::from_secs(4);

/// Nothing grows, nobody else waits, and afterwards no core is busy.
#[track_caller]
fn endure(scene: &Scene, bridge: &str, url: &str) {
    let source = at(bridge, url, 15);
    let jobs = scene.send(&source, 8, DEADLINE);
    let answers = scene.expect_answers(&jobs, DEADLINE * 3);
    for answer in &answers {
        let outcome = outcome(answer);
        assert_ne!(outcome, "INTERNAL");
        assert_ne!(outcome, "done");
    }
    scene.expect_small();
    let before = scene.runner.cpu();
    std::thread::sleep(Duration::from_secs(1));
    let used = scene.runner.cpu() - before;
    assert!(
        used < Duration::from_millis(200),
        "busy afterwards: {used:?}"
    );
}

#[test]
fn postgres() {
    let _watchdog = watchdog(Duration::from_secs(400));
    for (name, talk) in POSTGRES_FLOODS {
        println!("{name}, after the login");
        let scene = Scene::new();
        let server = FakePostgres::start(talk);
        endure(&scene, "postgres", &server.url());
        println!("{name}, at the login");
        let server = FakePostgres::at_login(talk);
        endure(&scene, "postgres", &server.url());
    }
}

#[test]
fn mysql() {
    let _watchdog = watchdog(Duration::from_secs(400));
    for (name, talk) in MYSQL_FLOODS {
        println!("{name}, after the login");
        let scene = Scene::new();
        let server = FakeMySql::start(talk);
        endure(&scene, "mysql", &server.url());
        println!("{name}, at the login");
        let server = FakeMySql::at_login(talk);
        endure(&scene, "mysql", &server.url());
    }
}

#[test]
fn mongodb() {
    let _watchdog = watchdog(Duration::from_secs(400));
    for (name, cursor) in MONGODB_CURSORS {
        println!("{name}");
        let scene = Scene::new();
        let server = FakeMongodb::with_cursor(cursor);
        endure(&scene, "mongodb", &server.url());
    }
}

/// What is shown as a text, of lists in lists: nobody is led so deep.
#[test]
fn lists_of_a_document_as_deep_as_can_be() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let mut deep = FakeMongodb::batch(&[]);
    let depth = 200_000;
    // Each is the one before within a list of one.
    let mut bytes = Vec::with_capacity(depth * 8);
    for left in (1..=depth).rev() {
        bytes.extend(i32::try_from(left * 8 + 5).unwrap().to_le_bytes());
        bytes.extend(b"\x040\0");
    }
    bytes.append(&mut deep);
    bytes.resize(bytes.len() + depth, 0);
    let entry = document(&[(4, "v", &bytes), (16, "n", &1_i32.to_le_bytes())]);
    let entries = FakeMongodb::batch(&[entry]);
    let group = document(&[(4, "m0", &entries), (16, "n", &1_i32.to_le_bytes())]);
    let batch = FakeMongodb::batch(&[group]);
    let server = FakeMongodb::with_cursor(move |_| (0, batch.clone()));
    let scene = Scene::new();
    let options = json!({"measures": {"m": {"agg": "top_k", "column": "v", "k": 1}}});
    let source = at("mongodb", &server.url(), 1);
    let answer = scene
        .gateway
        .dispatch(&source, "aggregate", "t", options)
        .wait();
    answer.expect_error("QUERY_FAILED");
    scene.expect_healthy();
}

/// Nothing but the job's own end ends it, and that does so at once: its worker and its connection are free again.
#[test]
fn a_cursor_that_never_ends_ends_with_its_job() {
    let _watchdog = watchdog(Duration::from_secs(100));
    for (name, cursor) in MONGODB_CURSORS {
        println!("{name}");
        let scene = Scene::new();
        let server = FakeMongodb::with_cursor(cursor);
        let source = at("mongodb", &server.url(), 1);
        for _ in 0..3 {
            let job = scene.send(&source, 1, Duration::from_secs(60)).remove(0);
            assert!(job.poll(Duration::from_millis(300)).is_none(), "{name}");
            let cancel = json!({ "id": job.id, "type": "cancel" }).to_string();
            scene.gateway.connection().text(cancel);
            let answer = job.wait_for(Duration::from_secs(5));
            assert_eq!(outcome(&answer), "CANCELLED");
        }
        scene.expect_healthy();
        scene.expect_rest();
    }
}

#[test]
fn a_cursor_that_never_ends_ends_at_a_cap_of_rows() {
    let _watchdog = watchdog(Duration::from_secs(100));
    let folder = TempDir::new();
    let policy = folder.write(
        "policy.json",
        r#"{"sources": {"*": {"maxRows": 1000, "targets": {"allow": ["t", "people"]}}}}"#,
    );
    let scene = Scene::with(|runner| runner.env("SEMILAYER_POLICY", policy.to_str().unwrap()));
    let (_, cursor) = MONGODB_CURSORS[0];
    let server = FakeMongodb::with_cursor(cursor);
    let source = at("mongodb", &server.url(), 1);
    for _ in 0..3 {
        let job = scene.send(&source, 1, Duration::from_secs(60)).remove(0);
        let answer = job.wait_for(Duration::from_secs(5));
        assert_eq!(outcome(&answer), "POLICY_DENIED");
    }
    scene.expect_healthy();
}
