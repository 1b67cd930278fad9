//! A transaction-mode pooler between runner and Postgres: fewer server connections than clients, none of
//! which belongs to anybody for longer than a transaction.

use runner_testkit::{databases, session, source};
use serde_json::json;

#[test]
fn no_job_is_lost() {
    let Some(url) = databases::pgbouncer() else {
        return;
    };
    let source = source::managed("s", "postgres", json!({ "url": url, "pool": { "max": 8 } }));
    let session = session!();
    let gateway = &session.gateway;
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
    let Some(url) = databases::pgbouncer() else {
        return;
    };
    let source = source::managed("s", "postgres", json!({ "url": url }));
    let session = session!();
    let gateway = &session.gateway;
    let answer = gateway.dispatch(&source, "test", "", json!({})).wait();
    assert_eq!(answer.expect_done()["readOnly"], true);
}
