//! Servers that stop talking, wherever that hurts.

use std::io::{self, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use runner_testkit::fakes::{FakeMySql, FakePostgres, stay_silent};
use runner_testkit::{source, watchdog};
use serde_json::json;

use crate::scene::{Scene, at};

const DEADLINE: Duration = Duration::from_millis(300);

/// Five waves of as many jobs as there are workers.
#[track_caller]
fn endure(bridge: &str, url: &str) {
    let scene = Scene::new();
    let source = at(bridge, url, 15);
    for _ in 0..5 {
        let jobs = scene.send(&source, 16, DEADLINE);
        scene.expect_answers(&jobs, Duration::from_secs(10));
    }
    // Another configuration of the same source, which has a queue of its own.
    for n in 0..40 {
        let source = source::managed(
            "hostile",
            bridge,
            json!({ "url": url, "pool": { "max": 15 }, "ignored": n }),
        );
        scene.send(&source, 3, DEADLINE);
    }
    std::thread::sleep(Duration::from_secs(1));
    scene.expect_healthy();
    settle(&scene);
    scene.expect_small();
}

/// What was left behind goes away by itself, soon.
#[track_caller]
fn settle(scene: &Scene) {
    let until = Instant::now() + Duration::from_secs(20);
    while scene.runner.threads() > 40 || scene.runner.descriptors() > 200 {
        assert!(
            Instant::now() < until,
            "{} threads, {} descriptors",
            scene.runner.threads(),
            scene.runner.descriptors()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn one_bad_row(mut client: &TcpStream) -> io::Result<()> {
    client.write_all(&FakePostgres::columns(&[23]))?;
    client.write_all(&FakePostgres::row(&[b"123"]))?;
    stay_silent(client)
}

fn one_bad_mysql_row(mut client: &TcpStream) -> io::Result<()> {
    client.write_all(&FakeMySql::packet(1, &[1]))?;
    client.write_all(&FakeMySql::column(2, "c"))?;
    client.write_all(&FakeMySql::end(3))?;
    client.write_all(&FakeMySql::packet(4, b"\x70x"))?;
    stay_silent(client)
}

#[test]
fn postgres_after_a_row_that_cannot_be_read() {
    let _watchdog = watchdog(Duration::from_secs(120));
    endure("postgres", &FakePostgres::start(one_bad_row).url());
}

#[test]
fn postgres_after_the_first_statement() {
    let _watchdog = watchdog(Duration::from_secs(120));
    endure("postgres", &FakePostgres::start(stay_silent).url());
}

#[test]
fn postgres_at_the_login() {
    let _watchdog = watchdog(Duration::from_secs(120));
    endure("postgres", &FakePostgres::at_login(stay_silent).url());
}

#[test]
fn mysql_after_a_row_that_cannot_be_read() {
    let _watchdog = watchdog(Duration::from_secs(120));
    endure("mysql", &FakeMySql::start(one_bad_mysql_row).url());
}

#[test]
fn mysql_after_the_first_statement() {
    let _watchdog = watchdog(Duration::from_secs(120));
    endure("mysql", &FakeMySql::start(stay_silent).url());
}

#[test]
fn mysql_at_the_login() {
    let _watchdog = watchdog(Duration::from_secs(120));
    endure("mysql", &FakeMySql::at_login(stay_silent).url());
}

#[test]
fn six_sources_that_hang_with_three_jobs_each() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let scene = Scene::new();
    let (connecting, asking) = (
        FakePostgres::at_login(stay_silent),
        FakePostgres::start(stay_silent),
    );
    let mut jobs = Vec::new();
    for n in 0..6 {
        let url = if n % 2 == 0 {
            connecting.url()
        } else {
            asking.url()
        };
        let source = source::managed(&format!("hanging-{n}"), "postgres", json!({ "url": url }));
        jobs.extend(scene.send(&source, 3, Duration::from_secs(4)));
    }
    scene.expect_healthy();
    scene.expect_answers(&jobs, Duration::from_secs(10));
}
