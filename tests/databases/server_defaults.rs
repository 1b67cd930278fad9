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

/// A row above the largest packet that clients are set to take is a row; a filter above the server's own says so.
#[test]
fn packets_above_a_limit_say_so() {
    let Some(server) = PrivateServer::mariadb() else {
        return;
    };
    server.configure("max_allowed_packet = 96M\ninnodb_log_file_size = 256M");
    // It will be ended as by a crash.
    server.administrate("SET GLOBAL innodb_flush_log_at_trx_commit = 1");
    let database = MysqlDatabase::create(
        &server.url,
        "CREATE TABLE {}t (id INT PRIMARY KEY, b LONGTEXT);
         INSERT INTO {}t VALUES (1, REPEAT('x', 70000000)), (2, 'y')",
    );
    server.configure("max_allowed_packet = 1M");
    let source = database.source();
    let target = database.target("t");
    let large = json!({ "where": { "id": 1 } });
    let session = session!();
    let answer = session.ask(&source, "query", &target, large.clone());
    let said = answer.expect_error("QUERY_FAILED");
    assert!(said.contains("a row is larger than"), "{said}");
    for size in [1_500_000, 3_000_000, 12_000_000] {
        let filter = json!({ "where": { "b": "z".repeat(size) } });
        let answer = session.ask(&source, "query", &target, filter);
        let (_, said) = answer.result("query").unwrap_err();
        assert!(said.contains("max_allowed_packet"), "{size}: {said}");
    }
    let answer = session.ask(&source, "query", &target, json!({ "where": { "id": 2 } }));
    assert_eq!(answer.rows(), [json!({ "id": 2, "b": "y" })]);
    // Whoever lets rows be larger gets them.
    let session = session!(|runner| runner.env("SEMILAYER_MAX_ROW_BYTES", "134217728"));
    let answer = session.ask(&source, "query", &target, large);
    assert_eq!(
        answer.rows()[0]["b"].as_str().map(str::len),
        Some(70_000_000)
    );
}
