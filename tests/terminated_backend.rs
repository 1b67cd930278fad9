//! Connections that died while nobody used them cost no job.
// A build without some bridges leaves some helpers without a test.
#![cfg_attr(
    not(all(feature = "postgres", feature = "mysql", feature = "sqlite")),
    allow(dead_code, unused_imports)
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::Duration;

use runner_testkit::databases::{self, MysqlDatabase, PostgresDatabase};
use runner_testkit::{Gateway, runner, source, watchdog};
use serde_json::json;

const SOON: Duration = Duration::from_secs(10);

#[cfg(feature = "postgres")]
#[test]
fn no_postgres_job_fails() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let Some(server) = databases::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(
        &server,
        "CREATE TABLE one (id integer PRIMARY KEY); INSERT INTO one VALUES (1);
         CREATE VIEW nap AS SELECT 1 AS id, pg_sleep(0.3)::text AS slept",
    );
    let source = source::managed("s", "postgres", json!({ "url": database.url }));
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    for round in 0..4 {
        // Three at once fill the pool.
        let naps: Vec<_> = (0..3)
            .map(|_| gateway.dispatch(&source, "batchRead", "nap", json!({})))
            .collect();
        naps.iter()
            .for_each(|job| drop(job.wait().expect_done().clone()));
        assert!(database.connections() >= 3, "round {round}");
        database.terminate_all();
        for kind in [
            "batchRead",
            "query",
            "read",
            "count",
            "introspectTarget",
            "listTargets",
            "test",
        ] {
            let jobs: Vec<_> = (0..3)
                .map(|_| gateway.dispatch(&source, kind, "one", json!({})))
                .collect();
            for job in jobs {
                job.wait_for(SOON).expect_done();
            }
            database.terminate_all();
        }
    }
}

#[cfg(feature = "mysql")]
fn no_mysql_job_fails(server: Option<String>, bridge: &str) {
    let _watchdog = watchdog(Duration::from_secs(90));
    let Some(server) = server else { return };
    let database = MysqlDatabase::create(
        &server,
        "CREATE TABLE {}one (id INT PRIMARY KEY); INSERT INTO {}one VALUES (1);
         CREATE VIEW {}nap AS SELECT id, SLEEP(0.3) AS slept FROM {}one",
    );
    let source = source::managed("s", bridge, json!({ "url": database.url }));
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    for _ in 0..3 {
        let target = database.target("nap");
        let naps: Vec<_> = (0..3)
            .map(|_| gateway.dispatch(&source, "batchRead", &target, json!({})))
            .collect();
        database.wait_active(3, SOON);
        // The ids stay the same when the connections fall idle.
        let ids = database.active();
        naps.iter()
            .for_each(|job| drop(job.wait().expect_done().clone()));
        database.kill(&ids);
        let target = database.target("one");
        let jobs: Vec<_> = (0..3)
            .map(|_| gateway.dispatch(&source, "batchRead", &target, json!({})))
            .collect();
        for job in jobs {
            job.wait_for(SOON).expect_done();
        }
    }
}

#[cfg(feature = "mysql")]
#[test]
fn no_mariadb_job_fails() {
    no_mysql_job_fails(databases::mariadb(), "mariadb");
}

#[cfg(feature = "mysql")]
#[test]
fn no_mysql9_job_fails() {
    no_mysql_job_fails(databases::mysql9(), "mysql");
}
