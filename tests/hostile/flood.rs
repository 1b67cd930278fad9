//! Servers that send without end.

use std::time::Duration;

use runner_testkit::fakes::{FakeMySql, FakePostgres, MYSQL_FLOODS, POSTGRES_FLOODS};
use runner_testkit::watchdog;

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
    let _watchdog = watchdog(Duration::from_secs(170));
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
    let _watchdog = watchdog(Duration::from_secs(170));
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
