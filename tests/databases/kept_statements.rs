//! Look-ups by key: which statements the server keeps, that a changed table is noticed, and that the key tells
//! the total where it may.

use std::time::Duration;

use runner_testkit::databases::{self, PostgresDatabase};
use runner_testkit::{Gateway, Stage, session, source, stage};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

/// Waits for the rows and the total of one look-up.
fn look_up(stage: &Stage<PostgresDatabase>, table: &str, filter: Value) -> (Vec<Value>, Value) {
    let options = json!({ "where": filter, "limit": 1 });
    let job = stage
        .gateway
        .dispatch(&stage.source, "query", table, options);
    let answer = job.wait_for(SOON);
    (answer.rows(), answer.expect_done()["total"].clone())
}

/// What the server keeps for the one connection there is.
fn kept(gateway: &Gateway, source: &Value) -> Vec<String> {
    let target = "pg_catalog.pg_prepared_statements";
    let answer = gateway
        .dispatch(
            source,
            "batchRead",
            target,
            json!({ "select": ["statement"] }),
        )
        .wait_for(SOON);
    let rows = answer.rows();
    rows.into_iter()
        .map(|row| row["statement"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_look_up_by_key_is_kept_and_nothing_else() {
    let Some(database) = PostgresDatabase::with(
        "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT i, i * 2 FROM generate_series(1, 9) i",
    ) else {
        return;
    };
    let stage = stage!(database).pool(1);
    for id in 1..=9 {
        let (rows, total) = look_up(&stage, "t", json!({ "id": id }));
        assert_eq!(
            (rows, total),
            (vec![json!({ "id": id, "n": id * 2 })], json!(1))
        );
        look_up(&stage, "t", json!({ "n": id }));
        look_up(&stage, "t", json!({ "id": { "$gte": id } }));
    }
    assert_eq!(
        look_up(&stage, "t", json!({ "id": 10 })),
        (vec![], json!(0))
    );
    let kept = kept(&stage.gateway, &stage.source);
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(kept[0].contains("WHERE t.\"id\" = $1 LIMIT $2"), "{kept:?}");
    // Its errors are those of any statement, and it goes on.
    let options = json!({ "where": { "id": "x" }, "limit": 1 });
    let job = stage.gateway.dispatch(&stage.source, "query", "t", options);
    job.wait_for(SOON).expect_error("QUERY_FAILED");
    assert_eq!(look_up(&stage, "t", json!({ "id": 3 })).0.len(), 1);
}

#[test]
fn a_changed_table_is_noticed_at_once() {
    let Some(database) = PostgresDatabase::with(
        "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 7)",
    ) else {
        return;
    };
    let stage = stage!(database).pool(1);
    for _ in 0..3 {
        assert_eq!(
            look_up(&stage, "t", json!({ "id": 1 })).0,
            [json!({ "id": 1, "n": 7 })]
        );
    }
    stage
        .database
        .run("ALTER TABLE t ALTER COLUMN n TYPE bigint");
    assert_eq!(
        look_up(&stage, "t", json!({ "id": 1 })).0,
        [json!({ "id": 1, "n": "7" })]
    );
    stage.database.run("DROP TABLE t; CREATE TABLE t (id text PRIMARY KEY, n text); INSERT INTO t VALUES ('1', 'x')");
    for _ in 0..3 {
        assert_eq!(
            look_up(&stage, "t", json!({ "id": 1 })).0,
            [json!({ "id": "1", "n": "x" })]
        );
    }
}

#[test]
fn tables_that_inherit_have_keys_of_their_own() {
    let Some(database) = PostgresDatabase::with(
        "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE child () INHERITS (t); \
                  INSERT INTO t VALUES (1); INSERT INTO child VALUES (1), (1)",
    ) else {
        return;
    };
    let stage = stage!(database).pool(1);
    for _ in 0..3 {
        assert_eq!(
            look_up(&stage, "t", json!({ "id": 1 })),
            (vec![json!({ "id": 1 })], json!(3))
        );
    }
    assert_eq!(kept(&stage.gateway, &stage.source), Vec::<String>::new());
}

/// A name would mean another client's statement there, sooner or later.
#[test]
fn nothing_is_kept_behind_a_pooler() {
    let Some(url) = databases::pgbouncer() else {
        return;
    };
    let source = source::managed("s", "postgres", json!({ "url": url, "pool": { "max": 1 } }));
    let session = session!();
    let gateway = &session.gateway;
    for id in 1..20 {
        let options = json!({ "where": { "id": id }, "select": ["id"], "limit": 1 });
        let answer = gateway
            .dispatch(&source, "query", "people", options)
            .wait_for(SOON);
        assert_eq!(answer.rows(), [json!({ "id": id })]);
        assert_eq!(kept(gateway, &source), Vec::<String>::new());
    }
}
