//! The ClickHouse bridge: on the current engine, in this process, where what it says is compared word for word; on a
//! real server, old as it is, for what only that does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use runner_testkit::databases::{self, ClickhouseDatabase, Database, ServerDatabase};
use runner_testkit::temp::TempDir;
use runner_testkit::{Stage, TestCa, session, source, stage, tls, watchdog};
use semilayer_runner::bridges::Bridge;
use semilayer_runner::error::ErrorCode;
use serde_json::{Value, json};

use crate::in_process::{ask, frames, job_within, open};

const SOON: Duration = Duration::from_secs(20);
/// How long a stopped statement may go on.
const STOPPED: Duration = Duration::from_secs(1);

fn bridge(url: &str) -> Arc<dyn Bridge> {
    open("clickhouse", json!({ "url": url })).unwrap()
}

/// The rows of a job as they stand in its frames.
fn text(bridge: &dyn Bridge, kind: &str, target: &str, options: Value) -> String {
    let (texts, _) = frames(bridge, &job_within(SOON), kind, target, options).unwrap();
    texts.concat()
}

#[test]
fn numbers_keep_all_their_digits() {
    let Some(url) = databases::clickhouse() else {
        return;
    };
    let bridge = bridge(&url);
    let options = json!({ "orderBy": { "field": "id" } });
    let rows = text(&*bridge, "query", "t_int", options.clone());
    for digits in [
        "\"i64\":9223372036854775807",
        "\"u64\":18446744073709551615",
        "\"i128\":-170141183460469231731687303715884105728",
        "\"i256\":57896044618658097711785492504343953926634992332820282019728792003956564819967",
        "\"u256\":115792089237316195423570985008687907853269984665640564039457584007913129639935",
        "\"i128\":9007199254740993",
    ] {
        assert!(rows.contains(digits), "{digits}: {rows}");
    }
    let rows = text(&*bridge, "query", "t_dec", options);
    let digits =
        "\"d256\":-999999999999999999999999999999999999.9999999999999999999999999999999999999999";
    assert!(rows.contains(digits), "{rows}");
    let options = json!({ "dimensions": [{ "field": "u64" }], "measures": {
        "s": { "agg": "sum", "column": "u64" }, "m": { "agg": "max", "column": "i256" } } });
    let buckets = text(&*bridge, "aggregate", "t_int", options);
    let bucket = "{\"dims\":{\"u64\":18446744073709551615},\"measures\":{\"s\":18446744073709551615,\
        \"m\":57896044618658097711785492504343953926634992332820282019728792003956564819967}";
    assert!(buckets.contains(bucket), "{buckets}");
}

/// As `String::from_utf8_lossy` and every browser do it.
#[test]
fn bytes_that_are_no_text_are_replaced() {
    let Some(url) = databases::clickhouse() else {
        return;
    };
    let options = json!({ "orderBy": { "field": "id" } });
    let rows = ask(&*bridge(&url), "query", "t_bin", options).unwrap().0;
    assert_eq!(rows[0]["s"], "\u{fffd}\0\u{fffd}");
    assert_eq!(rows[1]["s"], "\u{fffd}(");
    assert_eq!(rows[2]["ns"], "\u{fffd}\u{fffd}\u{fffd}");
    assert_eq!(rows[0]["a"], json!(["\u{fffd}", "("]));
}

/// Rows of every table there is, page by page, against the rows of one query.
#[test]
fn every_row_is_read_once_whatever_the_table() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let Some(url) = databases::clickhouse() else {
        return;
    };
    let bridge = bridge(&url);
    let targets = ask(&*bridge, "listTargets", "", json!({})).unwrap().0;
    let mut walked = 0;
    for target in targets {
        let target = target["name"].as_str().unwrap();
        // No other table begins with a letter and a digit; these are what one test or another is making now.
        let is_temporary = target.starts_with('t') && target[1..2].parse::<u8>().is_ok();
        if is_temporary || ["e_set", "v_param", "big", "sales", "clients"].contains(&target) {
            continue;
        }
        let mut bag = BTreeMap::<String, i64>::new();
        for row in ask(&*bridge, "query", target, json!({})).unwrap().0 {
            *bag.entry(row.to_string()).or_default() += 1;
        }
        for limit in [2, 5] {
            let mut cursor = Value::Null;
            let mut left = bag.clone();
            loop {
                let options = json!({ "limit": limit, "cursor": cursor });
                let (rows, summary) = ask(&*bridge, "read", target, options).unwrap();
                let full = rows.len() == limit;
                for row in rows {
                    let count = left.get_mut(&row.to_string());
                    *count.unwrap_or_else(|| panic!("{target}: {row}")) -= 1;
                }
                match summary.next_cursor {
                    Some(next) => cursor = next.into(),
                    None => break,
                }
                assert!(full, "{target}: a page is short");
            }
            assert!(
                left.values().all(|count| *count == 0),
                "{target} by {limit}: {left:?}"
            );
            walked += 1;
        }
    }
    assert!(walked > 150, "only {walked} walks");
}

/// A merge may make one row of several equal ones between two pages. The rows after them are still due.
#[test]
fn rows_that_vanish_between_pages_take_no_others_with_them() {
    let rows = "(1, 'a'), (1, 'a'), (1, 'a'), (2, 'b'), (3, 'c')";
    let Some(database) = ClickhouseDatabase::current(&format!(
        "CREATE TABLE {{}}merged (id Int32, v String) ENGINE = ReplacingMergeTree ORDER BY id;
         SYSTEM STOP MERGES {{}}merged;
         INSERT INTO {{}}merged SETTINGS optimize_on_insert = 0 VALUES {rows}"
    )) else {
        return;
    };
    let bridge = bridge(&database.url);
    let target = database.target("merged");
    let page = |cursor: Option<String>| {
        let options = json!({ "limit": 2, "cursor": cursor });
        ask(&*bridge, "read", &target, options).unwrap()
    };
    let (first, summary) = page(None);
    assert_eq!(first, vec![json!({ "id": 1, "v": "a" }); 2]);
    database.run("SYSTEM START MERGES {}merged; OPTIMIZE TABLE {}merged FINAL");
    let (second, summary) = page(summary.next_cursor);
    assert_eq!(
        second,
        [json!({ "id": 2, "v": "b" }), json!({ "id": 3, "v": "c" })]
    );
    assert_eq!(summary.next_cursor, None);
}

/// Whatever the user may set, the answers are the same and nothing can be written.
#[test]
fn a_user_may_be_read_only_already() {
    let Some(url) = databases::clickhouse() else {
        return;
    };
    for user in ["runner", "reader", "two"] {
        let bridge = bridge(&databases::with_user(&url, user));
        let server = ask(&*bridge, "test", "", json!({}))
            .unwrap()
            .1
            .server
            .unwrap();
        assert!(server.read_only, "{user}");
        assert!(
            server.version.starts_with("ClickHouse "),
            "{}",
            server.version
        );
        let long = "x".repeat(10_000);
        let filter =
            json!({ "where": { "name": { "$in": ["alan turing", long] } }, "select": ["id"] });
        assert_eq!(
            ask(&*bridge, "query", "people", filter).unwrap().0,
            [json!({ "id": 2 })]
        );
        let options = json!({
            "dimensions": [{ "field": "region", "from": "r" }],
            "measures": { "c": { "agg": "count" } },
            "joins": [{ "target": "sdk_regions", "alias": "r", "kind": "left",
                "on": { "local": "id", "foreign": "pk" } }],
        });
        let buckets = text(&*bridge, "aggregate", "sdk_recipes", options);
        assert!(buckets.contains("\"region\":\"AMER\""), "{user}: {buckets}");
    }
    let wrong = databases::with_credentials(&url, "runner", "wrong");
    let error = ask(&*bridge(&wrong), "count", "people", json!({})).unwrap_err();
    assert_eq!(error.code, ErrorCode::SourceAuthFailed);
    let nowhere = databases::with_database(&url, "nowhere");
    let error = ask(&*bridge(&nowhere), "count", "people", json!({})).unwrap_err();
    assert_eq!(error.code, ErrorCode::SourceConfig, "{error}");
}

/// The tracking column is compared as an instant, and the total counts what it lets through.
#[test]
fn a_walk_of_changes_counts_changes() {
    let Some(url) = databases::clickhouse() else {
        return;
    };
    let bridge = bridge(&url);
    let page = |cursor: Value| {
        let options =
            json!({ "changedSince": "2025-03-01T10:00:00Z", "limit": 2, "cursor": cursor });
        ask(&*bridge, "read", "upd_tokyo", options).unwrap()
    };
    let (rows, summary) = page(Value::Null);
    let ids: Vec<_> = rows.iter().map(|row| row["id"].clone()).collect();
    assert_eq!((ids, summary.total), (vec![json!(2), json!(4)], Some(2)));
    assert_eq!(summary.next_cursor, None);
    for column in ["id", "nope"] {
        let options = json!({ "changedSince": "2025-03-01", "changeTrackingColumn": column });
        let error = ask(&*bridge, "read", "upd_tokyo", options).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidOptions);
    }
}

fn old(sql: &str) -> Option<Stage<ClickhouseDatabase>> {
    Some(stage!(ClickhouseDatabase::old(sql)?))
}

/// Its framing: rows, then the words of an exception as a line of their own, and a clean end of the body.
#[test]
fn a_statement_that_fails_in_the_middle_fails() {
    let Some(stage) = old(
        "CREATE VIEW {}breaks AS SELECT number, throwIf(number = 900000) AS t FROM system.numbers LIMIT 2000000;
         CREATE VIEW {}whole AS SELECT number, 'x' AS t FROM system.numbers LIMIT 300000",
    ) else {
        return;
    };
    for _ in 0..3 {
        let answer = stage.rows_within("breaks", SOON).wait_for(SOON);
        let message = answer.expect_error("QUERY_FAILED");
        assert!(
            message.contains("throwIf") && message.contains("(error 395)"),
            "{message}"
        );
        assert!(!message.contains("displayText"), "{message}");
        assert!(answer.rows_counted > 0, "nothing came before the failure");
        let answer = stage.rows_within("whole", SOON).wait_for(SOON);
        assert_eq!(answer.expect_done()["count"], 300_000);
    }
}

#[test]
fn the_old_server_answers_what_it_can() {
    let Some(stage) = old(ClickhouseDatabase::USUAL) else {
        return;
    };
    let answer = stage.start("test", "").wait_for(SOON);
    assert_eq!(answer.expect_done()["serverVersion"], "ClickHouse 18.16.1");
    assert_eq!(answer.expect_done()["readOnly"], true);
    let one = stage.start("query", "one").wait_for(SOON);
    assert_eq!(
        one.result("query"),
        Ok(json!({ "rows": [{ "id": 1 }], "total": 1 }))
    );
    assert_eq!(
        stage.start("count", "one").wait_for(SOON).result("count"),
        Ok(json!(1))
    );
    let answer = stage.start("introspectTarget", "one").wait_for(SOON);
    let columns =
        json!([{ "name": "id", "type": "UInt8", "nullable": false, "primaryKey": false }]);
    assert_eq!(answer.rows()[0]["columns"], columns);
    let message = stage.start("query", "none").wait_for(SOON);
    assert!(message.expect_error("QUERY_FAILED").contains("(error 60)"));
}

/// It computes, so that closing the connection alone would change nothing.
#[test]
fn a_deadline_ends_the_statement_in_the_server() {
    let Some(stage) = old(ClickhouseDatabase::USUAL) else {
        return;
    };
    for user in ["runner", "reader", "two"] {
        let mut source = stage.database.source();
        source["config"]["url"] = databases::with_user(&stage.database.url, user).into();
        let target = stage.database.target("sleeper");
        let job = stage
            .gateway
            .dispatch_with(&source, "batchRead", &target, json!({}), 600, true);
        stage.database.wait_active(1, SOON);
        job.wait_for(SOON).expect_error("DEADLINE_EXCEEDED");
        stage.database.wait_active(0, STOPPED);
    }
    stage.expect_one();
}

/// The link breaks in the middle of the body: no answer that is only a part is taken for a whole one.
#[test]
fn a_body_that_breaks_off_is_no_answer() {
    let Some(mut stage) = old(
        "CREATE VIEW {}long AS SELECT number, 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' AS t FROM system.numbers LIMIT 3000000;
         CREATE TABLE {}one (id UInt8) ENGINE = TinyLog; INSERT INTO {}one VALUES (1)",
    ) else {
        return;
    };
    let relay = stage.relay();
    let job = stage.rows_within("long", SOON);
    stage.gateway.wait_chunks(&job, 3, SOON);
    relay.cut();
    job.wait_for(SOON).expect_error("QUERY_FAILED");
    stage.expect_one();
}

/// By https, as the hosted service is: the real engine behind a door that speaks TLS.
#[test]
fn by_https_the_certificate_is_checked() {
    let Some(url) = databases::clickhouse() else {
        return;
    };
    let ca = TestCa::new("clickhouse root");
    let door = tls::front(
        databases::address(&url),
        ca.server(&["localhost", "127.0.0.1"]),
    );
    let folder = TempDir::new();
    let roots = folder.write("ca.pem", ca.pem());
    let rest = url.split_once("//").unwrap().1;
    let (login, place) = rest.split_once('@').unwrap();
    let database = place.split_once('/').unwrap().1;
    let (user, password) = login.split_once(':').unwrap();
    let port = door.port();
    let fields = |host: &str| {
        json!({
            "host": host, "port": port, "protocol": "https", "database": database, "user": user, "password": password,
        })
    };
    let at = |url: String| json!({ "url": url });
    let knows = session!(|runner| runner.env("NODE_EXTRA_CA_CERTS", roots.to_str().unwrap()));
    for (n, config) in [
        at(format!("https://{login}@localhost:{port}/{database}")),
        at(format!("clickhouses://{login}@127.0.0.1:{port}/{database}")),
        at(format!(
            "clickhouse://{login}@localhost:{port}/{database}?secure=true"
        )),
        fields("localhost"),
    ]
    .into_iter()
    .enumerate()
    {
        let source = source::managed(&format!("c{n}"), "clickhouse", config.clone());
        let answer = knows.ask(&source, "test", "", json!({}));
        assert_eq!(answer.expect_done()["tls"], true, "{config}");
        let answer = knows.ask(&source, "count", "people", json!({}));
        assert_eq!(answer.result("count"), Ok(json!(42)), "{config}");
    }
    let stranger = session!();
    for (session, config, words) in [
        (&stranger, fields("localhost"), "clickhouse root"),
        (
            &knows,
            fields("[::ffff:127.0.0.1]"),
            "certificate is not for",
        ),
    ] {
        let source = source::managed("refused", "clickhouse", config.clone());
        let message = session.ask(&source, "test", "", json!({}));
        let message = message.expect_error("SOURCE_UNREACHABLE");
        assert!(message.contains(words), "{config}: {message}");
    }
}
