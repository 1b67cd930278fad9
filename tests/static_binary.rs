//! The binary for the other architecture, run under an emulator: it connects and answers a job.
//! `scripts/check-static.sh` builds it; elsewhere nothing is tested.
#![cfg(feature = "sqlite")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::Duration;

use runner_testkit::databases::{self, SqliteDatabase};
use runner_testkit::{Gateway, RunnerBuilder, source, watchdog};
use serde_json::json;

/// An emulator is slow to start.
const SOON: Duration = Duration::from_secs(60);

#[test]
fn jobs_are_answered_under_an_emulator() {
    let _watchdog = watchdog(Duration::from_secs(180));
    let (Ok(emulator), Ok(binary)) = (
        std::env::var("TEST_EMULATOR"),
        std::env::var("TEST_EMULATED_RUNNER"),
    ) else {
        println!("skipped: TEST_EMULATED_RUNNER is not set (scripts/check-static.sh sets it)");
        return;
    };
    let database = SqliteDatabase::create(
        "CREATE TABLE people (id INTEGER PRIMARY KEY); INSERT INTO people VALUES (1), (2)",
    );
    let gateway = Gateway::start();
    let _runner = RunnerBuilder::new(&emulator, &gateway.url())
        .args(&[&binary, "start"])
        .start();
    gateway.wait_hello(1, SOON);
    let file = source::managed("file", "sqlite", json!({ "path": database.path() }));
    let answer = gateway
        .dispatch(&file, "query", "people", json!({}))
        .wait_for(SOON);
    assert_eq!(answer.expect_done()["count"], 2);
    for (bridge, url) in [
        ("postgres", databases::postgres()),
        ("mariadb", databases::mariadb()),
    ] {
        let Some(url) = url else { continue };
        let server = source::managed(bridge, bridge, json!({ "url": url }));
        let answer = gateway
            .dispatch(&server, "test", "", json!({}))
            .wait_for(SOON);
        assert_eq!(answer.expect_done()["readOnly"], true, "{bridge}");
    }
}
