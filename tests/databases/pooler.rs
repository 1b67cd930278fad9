//! A transaction-mode pooler between runner and Postgres: fewer server connections than clients, none of
//! which belongs to anybody for longer than a transaction.

use std::time::Duration;

use runner_testkit::{Gateway, databases, runner, source, watchdog};
use serde_json::json;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn no_job_is_lost() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let Some(url) = databases::pgbouncer() else {
        return;
    };
    let source = source::managed("s", "postgres", json!({ "url": url, "pool": { "max": 8 } }));
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    let jobs: Vec<_> = (0..200)
        .map(|number| {
            let id = number % 40 + 1;
            let options = json!({ "where": { "id": id }, "select": ["id"] });
            (id, gateway.dispatch(&source, "query", "people", options))
        })
        .collect();
    for (id, job) in jobs {
        assert_eq!(job.wait().rows(), [json!({ "id": id })]);
    }
}

#[test]
fn a_session_is_read_only_all_the_same() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(url) = databases::pgbouncer() else {
        return;
    };
    let source = source::managed("s", "postgres", json!({ "url": url }));
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    let answer = gateway.dispatch(&source, "test", "", json!({})).wait();
    assert_eq!(answer.expect_done()["readOnly"], true);
}
