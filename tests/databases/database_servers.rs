//! What administrators do to a database server under a runner: every job gets its answer, and the next ones
//! work.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::databases::{self, MysqlDatabase, PostgresDatabase, PrivateServer};
use runner_testkit::temp::TempDir;
use runner_testkit::{Answer, session, source, stage, watchdog};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

/// What an ended connection may be told as.
#[track_caller]
fn expect_ended(answer: &Answer, kind: &str) {
    let (code, message) = answer.result(kind).unwrap_err();
    assert!(
        matches!(code.as_str(), "QUERY_FAILED" | "SOURCE_UNREACHABLE"),
        "{code}: {message}"
    );
}

/// An administrator ends a statement: its job fails with the database's own words. Ends its connection: the
/// job is tried once more, and then fails.
#[test]
fn a_killed_postgres_statement_is_an_error() {
    let Some(database) = PostgresDatabase::usual() else {
        return;
    };
    let stage = stage!(database);
    let database = &stage.database;
    let job = stage.rows("sleeper");
    database.wait_active(1, SOON);
    database.run(&format!(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND query LIKE '%sleeper%' AND pid <> pg_backend_pid()",
        database.name()
    ));
    let answer = job.wait_for(SOON);
    assert!(answer.expect_error("QUERY_FAILED").contains("57014"));
    // The connection is as good as before.
    stage.expect_one();
    let job = stage.rows("sleeper");
    for _ in 0..2 {
        database.wait_active(1, SOON);
        database.terminate_all();
    }
    expect_ended(&job.wait_for(SOON), "batchRead");
    stage.expect_one();
}

#[test]
fn a_killed_mysql_connection_is_an_error() {
    let databases = [
        MysqlDatabase::mariadb(MysqlDatabase::USUAL),
        MysqlDatabase::mysql9(MysqlDatabase::USUAL),
    ];
    for database in databases.into_iter().flatten() {
        let stage = stage!(database);
        let job = stage.rows("sleeper");
        let until = Instant::now() + SOON;
        // It may be tried once more.
        let answer = loop {
            let active = stage.database.active();
            stage.database.kill(&active);
            if let Some(answer) = job.poll(Duration::from_millis(100)) {
                break answer;
            }
            assert!(Instant::now() < until, "the job goes on");
        };
        expect_ended(&answer, "batchRead");
        stage.expect_one();
    }
}

/// A crash and a restart under load: the jobs of that moment end, soon, and those after it work.
fn survives_a_restart(server: &PrivateServer, bridge: &str) {
    let source = source::managed("s", bridge, json!({ "url": server.url }));
    let stage = stage!(source).pool(4);
    let ask = || stage.start("count", "people");
    ask().wait().expect_done();
    let mut failed = 0;
    for _ in 0..2 {
        thread::scope(|scope| {
            let restart = scope.spawn(|| server.restart());
            let mut jobs = Vec::new();
            while !restart.is_finished() {
                jobs.extend((0..4).map(|_| ask()));
                thread::sleep(Duration::from_millis(20));
            }
            for job in jobs {
                let answer = job.wait_for(SOON);
                if answer.result("count").is_err() {
                    failed += 1;
                    expect_ended(&answer, "count");
                    assert!(
                        answer.elapsed < Duration::from_secs(11),
                        "{:?}",
                        answer.elapsed
                    );
                }
            }
        });
        for _ in 0..8 {
            ask().wait().expect_done();
        }
    }
    println!("{bridge}: {failed} jobs failed while the server was away");
    assert!(failed > 0, "the server was never away");
    assert_eq!(stage.gateway.state().hellos.len(), 1);
    assert!(stage.runner.is_running());
}

#[test]
fn postgres_restarts_and_runs_out_of_connections() {
    let _watchdog = watchdog(Duration::from_secs(180));
    let Some(server) = PrivateServer::postgres() else {
        return;
    };
    survives_a_restart(&server, "postgres");
    // No connection left, for anybody but the administrator.
    server.administrate("CREATE ROLE guest LOGIN PASSWORD 's3cret' CONNECTION LIMIT 1; GRANT SELECT ON people TO guest");
    out_of_connections(&server, "postgres", "53300");
}

#[test]
fn mariadb_restarts_and_runs_out_of_connections() {
    let _watchdog = watchdog(Duration::from_secs(180));
    let Some(server) = PrivateServer::mariadb() else {
        return;
    };
    survives_a_restart(&server, "mariadb");
    server.administrate("CREATE USER guest IDENTIFIED BY 's3cret' WITH MAX_USER_CONNECTIONS 1; GRANT SELECT ON conformance.people TO guest");
    out_of_connections(&server, "mariadb", "max_user_connections");
}

/// More connections wanted than the server gives: what gets none fails with the server's reason, and the
/// source goes on with what it has.
fn out_of_connections(server: &PrivateServer, bridge: &str, reason: &str) {
    let url = databases::with_credentials(&server.url, "guest", "s3cret");
    let session = session!();
    let gateway = &session.gateway;
    let source = |id: &str| source::managed(id, bridge, json!({ "url": url }));
    let ask = |source: &Value| {
        gateway
            .dispatch(source, "count", "people", json!({}))
            .wait_for(SOON)
    };
    let (first, second) = (source("first"), source("second"));
    ask(&first).expect_done();
    // The first one's pool holds the only connection.
    for _ in 0..3 {
        let answer = ask(&second);
        let message = answer.expect_error("SOURCE_UNREACHABLE");
        assert!(message.contains(reason), "{message}");
        assert!(!message.contains("s3cret"), "{message}");
        assert!(
            answer.elapsed < Duration::from_secs(5),
            "{:?}",
            answer.elapsed
        );
        ask(&first).expect_done();
    }
    // It leaves the list, and with it goes its pool.
    gateway.send(&json!({ "type": "assignments-changed", "assignedSources": [second] }));
    let until = Instant::now() + SOON;
    while ask(&second).result("count").is_err() {
        assert!(
            Instant::now() < until,
            "the connection was never given back"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

/// A changed password is told as such, and used as soon as it is known, without a restart.
#[test]
fn a_changed_password_is_noticed() {
    let Some(server) = databases::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(&server, "CREATE TABLE one AS SELECT 1 AS id");
    let role = format!("role_{}", database.name());
    database.run(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'old-s3cret'; GRANT SELECT ON one TO {role}"
    ));
    let folder = TempDir::new();
    let file = folder.write("password", "old-s3cret\n");
    let address = databases::address(&database.url);
    let session = session!(|runner| runner
        .env("SEMILAYER_SOURCE_CRM_HOST", address.ip().to_string())
        .env("SEMILAYER_SOURCE_CRM_PORT", address.port().to_string())
        .env("SEMILAYER_SOURCE_CRM_DATABASE", database.name())
        .env("SEMILAYER_SOURCE_CRM_USER", &role)
        .env(
            "SEMILAYER_SOURCE_CRM_PASSWORD_FILE",
            file.display().to_string(),
        ));
    let gateway = &session.gateway;
    let runner = &session.runner;
    let local = source::runner_local("local", "crm", "postgres");
    let old_url = databases::with_credentials(&database.url, &role, "old-s3cret");
    let managed = source::managed("managed", "postgres", json!({ "url": old_url }));
    let ask = |source: &Value| {
        gateway
            .dispatch(source, "count", "one", json!({}))
            .wait_for(SOON)
    };
    ask(&local).expect_done();
    ask(&managed).expect_done();
    database.run(&format!("ALTER ROLE {role} PASSWORD 'new-s3cret'"));
    // Connections that are there stay; new ones need the new password.
    ask(&managed).expect_done();
    database.terminate_all();
    for source in [&local, &managed] {
        let answer = ask(source);
        let message = answer.expect_error("SOURCE_AUTH_FAILED");
        assert!(!message.contains("s3cret"), "{message}");
    }
    fs::write(&file, "new-s3cret\n").unwrap();
    ask(&local).expect_done();
    let new_url = databases::with_credentials(&database.url, &role, "new-s3cret");
    let renewed = source::managed("managed", "postgres", json!({ "url": new_url }));
    ask(&renewed).expect_done();
    ask(&managed).expect_error("SOURCE_AUTH_FAILED");
    assert!(!runner.stderr().contains("s3cret"), "{}", runner.stderr());
    database.terminate_all();
    database.run(&format!("REVOKE ALL ON one FROM {role}; DROP ROLE {role}"));
}

/// The database turns read-only and back: nothing that a runner does depends on it, and its sessions stay
/// read-only when the database is not. (A real fail-over is in `replica_promotion.rs`.)
#[test]
fn a_server_that_turns_read_only_makes_no_difference() {
    let Some(database) = PostgresDatabase::usual() else {
        return;
    };
    let stage = stage!(database);
    let database = &stage.database;
    for mode in ["on", "off", "on"] {
        let name = database.name();
        database.run(&format!(
            "BEGIN READ WRITE; ALTER DATABASE {name} SET default_transaction_read_only = {mode}; COMMIT"
        ));
        for terminate in [false, true] {
            if terminate {
                database.terminate_all();
            }
            let test = stage.start("test", "").wait_for(SOON);
            let facts = test.expect_done();
            assert_eq!(facts["readOnly"], true, "{mode}");
            assert_eq!(facts["readOnlyBy"], "session", "{mode}");
            stage.expect_one();
        }
    }
}
