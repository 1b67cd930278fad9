//! A job's deadline counts wherever the job is, and ends its statement in the database.

use std::time::Duration;

use runner_testkit::databases::{
    Database, MongodbDatabase, MysqlDatabase, PostgresDatabase, ServerDatabase, SqliteDatabase,
};
use runner_testkit::network::BlackHole;
use runner_testkit::{Answer, Stage, source, stage};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(10);
/// Deadline of the jobs here.
const DEADLINE: Duration = Duration::from_millis(700);

fn expect_exceeded(answer: &Answer) {
    answer.expect_error("DEADLINE_EXCEEDED");
    assert!(
        answer.elapsed >= DEADLINE - Duration::from_millis(50),
        "early: {:?}",
        answer.elapsed
    );
    assert!(
        answer.elapsed <= DEADLINE + Duration::from_secs(1),
        "late: {:?}",
        answer.elapsed
    );
}

/// Again and again, and what comes next is not disturbed. `check` looks at the database after each.
fn ends_the_statement<D: Database>(stage: &Stage<D>, check: impl Fn(&D)) {
    for _ in 0..3 {
        expect_exceeded(&stage.rows_within("sleeper", DEADLINE).wait_for(SOON));
        check(&stage.database);
        stage.expect_one();
    }
}

fn nothing_runs(database: &impl ServerDatabase) {
    database.wait_active(0, Duration::from_secs(1));
}

#[cfg(feature = "postgres")]
#[test]
fn ends_the_statement_in_postgres() {
    let Some(database) = PostgresDatabase::usual() else {
        return;
    };
    let stage = stage!(database).pool(2);
    ends_the_statement(&stage, nothing_runs);
    // Two run, six wait for a connection: the deadline counts for all of them.
    let jobs: Vec<_> = (0..8)
        .map(|_| stage.rows_within("sleeper", DEADLINE))
        .collect();
    for job in jobs {
        expect_exceeded(&job.wait_for(SOON));
    }
    nothing_runs(&stage.database);
    stage.expect_one();
}

#[cfg(feature = "postgres")]
#[test]
fn ends_a_locked_statement() {
    let Some(database) = PostgresDatabase::usual() else {
        return;
    };
    let stage = stage!(database);
    let holder = stage.database.lock_table("one");
    expect_exceeded(&stage.rows_within("one", DEADLINE).wait_for(SOON));
    drop(holder);
    stage.expect_one();
}

#[cfg(feature = "mysql")]
#[test]
fn ends_the_statement_in_mariadb() {
    if let Some(database) = MysqlDatabase::mariadb(MysqlDatabase::USUAL) {
        ends_the_statement(&stage!(database), nothing_runs);
    }
}

#[cfg(feature = "mysql")]
#[test]
fn ends_the_statement_in_mysql() {
    if let Some(database) = MysqlDatabase::mysql9(MysqlDatabase::USUAL) {
        ends_the_statement(&stage!(database), nothing_runs);
    }
}

#[cfg(feature = "mongodb")]
#[test]
fn ends_the_operation_in_mongodb() {
    if let Some(database) = MongodbDatabase::usual() {
        ends_the_statement(&stage!(database), nothing_runs);
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn ends_the_statement_in_sqlite() {
    ends_the_statement(&stage!(SqliteDatabase::usual()), |_| ());
}

/// A job's time counts everywhere, and its end tells where the job was.
#[cfg(all(feature = "postgres", feature = "sqlite"))]
#[test]
fn the_message_says_where_the_job_was() {
    let database = SqliteDatabase::usual();
    database.run(
        "CREATE VIEW large AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
           SELECT i, printf('%01000d', i) AS filler FROM n;",
    );
    let silent = BlackHole::start();
    let single =
        json!({ "url": format!("postgres://u:p@{}/d", silent.address), "pool": { "max": 1 } });
    let remote = source::managed("hole", "postgres", single);
    let stage = stage!(database);
    let (gateway, local) = (&stage.gateway, &stage.source);
    let dispatch = |source: &Value, target: &str, deadline: u64| {
        gateway.dispatch_with(source, "batchRead", target, json!({}), deadline, true)
    };
    let told = |job: &runner_testkit::Job| {
        let answer = job.wait_for(SOON);
        answer.expect_error("DEADLINE_EXCEEDED").to_owned()
    };
    let connecting = dispatch(&remote, "t", 900);
    let queued = dispatch(&remote, "t", 700);
    let executing = dispatch(local, "sleeper", 2000);
    assert!(told(&queued).contains("waiting for a free connection of its source"));
    // Its time and the time to connect end together; either may be the first to say so.
    let (_, message) = connecting
        .wait_for(SOON)
        .result("batchRead")
        .expect_err("nothing answers there");
    assert!(
        message.contains("connecting to the database") || message.contains("does not answer"),
        "{message}"
    );
    assert!(told(&executing).contains("running in the database"));
    // The gateway does not read, so the rows do not go away.
    let sending = dispatch(local, "large", 3000);
    gateway.wait_chunks(&sending, 1, SOON);
    gateway.connection().stall(true);
    assert!(sending.poll(Duration::from_millis(3300)).is_none());
    gateway.connection().stall(false);
    assert!(told(&sending).contains("waiting for the gateway to read its rows"));
    stage.expect_one();
}

/// No time at all, or far too much of it.
#[cfg(feature = "sqlite")]
#[test]
fn absurd_deadlines_are_bounded() {
    let stage = stage!(SqliteDatabase::usual());
    let (gateway, source) = (&stage.gateway, &stage.source);
    let ask = |deadline| gateway.dispatch_with(source, "count", "one", json!({}), deadline, false);
    for _ in 0..20 {
        // It may have been faster than its own end.
        if let Err((code, _)) = ask(1).wait_for(SOON).result("count") {
            assert_eq!(code, "DEADLINE_EXCEEDED");
        }
    }
    assert_eq!(ask(u64::MAX).wait_for(SOON).result("count"), Ok(json!(1)));
    for deadline in ["0", "-5", "1e300", "\"soon\"", "null", "[]"] {
        let id = format!("deadline {deadline}").replace('"', "'");
        let job = gateway.expect_job(&id);
        gateway.connection().text(format!(
            r#"{{"id":"{id}","type":"job","deadlineMs":{deadline},"params":{{"source":{source},"job":{{"kind":"count","target":"one"}}}}}}"#
        ));
        if let Err((code, message)) = job.wait_for(SOON).result("count") {
            assert_ne!(code, "INTERNAL", "{deadline}: {message}");
        }
    }
}
