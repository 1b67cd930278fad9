//! What a MySQL server is set to by default changes no answer: sessions set what they rely on.

use runner_testkit::databases::{Database, MysqlDatabase, PrivateServer};
use runner_testkit::session;
use serde_json::json;

#[test]
fn transactions_limits_and_nulls_are_not_the_servers_choice() {
    let Some(server) = PrivateServer::mariadb() else {
        return;
    };
    let database = MysqlDatabase::create(
        &server.url,
        "CREATE TABLE {}t (id INT AUTO_INCREMENT PRIMARY KEY, n INT); INSERT INTO {}t (n) VALUES (1),(NULL),(3)",
    );
    server.administrate(
        "SET GLOBAL autocommit = 0, GLOBAL sql_select_limit = 2, GLOBAL sql_auto_is_null = 1, \
         GLOBAL completion_type = 'RELEASE'",
    );
    let session = session!();
    let source = database.source();
    let target = database.target("t");
    let count = || {
        let answer = session.ask(&source, "count", &target, json!({}));
        answer.expect_done();
        answer.chunks[0]["total"].clone()
    };
    assert_eq!(count(), 3);
    database.run("SET autocommit = 1; INSERT INTO {}t (n) VALUES (4)");
    assert_eq!(count(), 4, "an old transaction counts what it saw");
    let rows = session.ask(&source, "batchRead", &target, json!({})).rows();
    assert_eq!(rows.len(), 4);
    let options = json!({ "where": { "id": null } });
    assert!(
        session
            .ask(&source, "query", &target, options)
            .rows()
            .is_empty()
    );
    // Several statements in a transaction of their own, twice on the same session.
    let options = json!({ "measures": {
        "top": { "agg": "top_k", "column": "n", "k": 2 }, "sum": { "agg": "sum", "column": "n" },
    } });
    for _ in 0..2 {
        let answer = session.ask(&source, "aggregate", &target, options.clone());
        answer.expect_done();
        assert_eq!(answer.chunks[0]["agg"][0]["measures"]["sum"], 8);
    }
    // Nothing of the runner's holds the table meanwhile.
    database.run("SET lock_wait_timeout = 3; ALTER TABLE {}t ADD COLUMN more INT");
    let log = session.runner.stderr();
    assert!(!log.contains("refuses"), "{log}");
}
