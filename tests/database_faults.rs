//! What can become of a database under a runner: every job gets its answer, and the next ones work.
#![cfg(all(feature = "postgres", feature = "mysql"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::HashSet;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::databases::{self, MysqlDatabase, PostgresDatabase, PrivateServer};
use runner_testkit::temp::TempDir;
use runner_testkit::{Answer, FaultProxy, Faults, Gateway, Job, runner, source, watchdog};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

/// A table of 5,000 rows of 200 bytes, on each engine there is, with its bridge.
struct Fixture {
    bridge: &'static str,
    url: String,
    large: String,
    _postgres: Option<PostgresDatabase>,
    _mysql: Option<MysqlDatabase>,
}

const ROWS: u64 = 5000;

fn fixtures() -> Vec<Fixture> {
    let mut fixtures = Vec::new();
    if let Some(server) = databases::postgres() {
        let database = PostgresDatabase::create(
            &server,
            &format!(
                "CREATE TABLE large AS SELECT generate_series(1, {ROWS}) AS id, repeat('x', 200) AS filler"
            ),
        );
        fixtures.push(Fixture {
            bridge: "postgres",
            url: database.url.clone(),
            large: "large".into(),
            _postgres: Some(database),
            _mysql: None,
        });
    }
    let servers = [
        ("mariadb", databases::mariadb()),
        ("mysql", databases::mysql9()),
    ];
    for (bridge, server) in servers {
        let Some(server) = server else {
            continue;
        };
        let database = MysqlDatabase::create(
            &server,
            "CREATE TABLE {}digit (d INT); INSERT INTO {}digit VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9);
             CREATE TABLE {}large AS SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 1 AS id, REPEAT('x', 200) AS filler
               FROM {}digit a, {}digit b, {}digit c, {}digit e WHERE e.d < 5",
        );
        fixtures.push(Fixture {
            bridge,
            url: database.url.clone(),
            large: database.target("large"),
            _postgres: None,
            _mysql: Some(database),
        });
    }
    fixtures
}

impl Fixture {
    /// The same database behind a proxy.
    fn behind_proxy(&self) -> (FaultProxy, Value) {
        let proxy = FaultProxy::start(databases::address(&self.url));
        let url = databases::with_address(&self.url, proxy.address);
        (
            proxy,
            source::managed(self.bridge, self.bridge, json!({ "url": url })),
        )
    }

    fn read(&self, gateway: &Gateway, source: &Value, deadline: u64) -> Job {
        gateway.dispatch_with(source, "batchRead", &self.large, json!({}), deadline, false)
    }
}

fn expect_whole(answer: &Answer, bridge: &str) {
    assert_eq!(answer.expect_done()["count"], ROWS, "{bridge}");
    let ids: HashSet<_> = answer
        .rows()
        .iter()
        .map(|row| row["id"].to_string())
        .collect();
    assert_eq!(
        (answer.rows_counted, ids.len() as u64),
        (ROWS, ROWS),
        "{bridge}"
    );
}

/// However the network cuts the answers apart, and however slowly they come.
#[test]
fn answers_in_pieces_are_the_same_answers() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    for fixture in fixtures() {
        let (proxy, source) = fixture.behind_proxy();
        let pieces = Faults {
            slice: Some(3),
            ..Faults::default()
        };
        proxy.set(Faults::single_bytes(), pieces);
        expect_whole(
            &fixture.read(&gateway, &source, 30_000).wait(),
            fixture.bridge,
        );
        let slow = Faults {
            rate: Some(2_000_000),
            delay: Duration::from_millis(2),
            ..Faults::default()
        };
        proxy.set(slow, slow);
        expect_whole(
            &fixture.read(&gateway, &source, 30_000).wait(),
            fixture.bridge,
        );
    }
}

/// A connection that breaks in the middle of an answer is one error and no half answer that looks whole.
#[test]
fn a_broken_answer_is_an_error() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    for fixture in fixtures() {
        // While it connects, logs in, prepares, and at several points of its rows.
        for bytes in [0, 1, 60, 300, 500, 1_000, 10_000, 150_000, 400_000, 900_000] {
            let (proxy, source) = fixture.behind_proxy();
            proxy.set(Faults::default(), Faults::cut_after(bytes));
            let answer = fixture.read(&gateway, &source, 20_000).wait();
            let what = format!("{} after {bytes}", fixture.bridge);
            match answer.result("batchRead") {
                Ok(_) => panic!("{what}: done"),
                Err((code, message)) => {
                    assert!(
                        matches!(code.as_str(), "SOURCE_UNREACHABLE" | "QUERY_FAILED"),
                        "{what}: {code} {message}"
                    );
                    assert!(!message.contains("runner:runner"), "{what}: {message}");
                }
            }
            assert!(
                answer.elapsed < Duration::from_secs(10),
                "{what}: {:?}",
                answer.elapsed
            );
            proxy.heal();
            expect_whole(&fixture.read(&gateway, &source, 20_000).wait(), &what);
        }
    }
}

/// Idle connections that were reset, as firewalls do after a while, cost no job.
#[test]
fn reset_connections_are_replaced() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    for fixture in fixtures() {
        let (proxy, source) = fixture.behind_proxy();
        for round in 0..4 {
            let jobs: Vec<_> = (0..3)
                .map(|_| fixture.read(&gateway, &source, 20_000))
                .collect();
            for job in jobs {
                expect_whole(&job.wait(), fixture.bridge);
            }
            if round % 2 == 0 {
                proxy.reset()
            } else {
                proxy.cut()
            }
        }
    }
}

/// A database that falls silent in the middle of its rows ends with the job's time, and holds up nobody after
/// it is back.
#[test]
fn silence_in_the_middle_ends_with_the_deadline() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let gateway = Gateway::start();
    let runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    for fixture in fixtures() {
        let (proxy, source) = fixture.behind_proxy();
        expect_whole(
            &fixture.read(&gateway, &source, 20_000).wait(),
            fixture.bridge,
        );
        // A little of the answer comes, and then nothing.
        let trickle = Faults {
            rate: Some(20_000),
            slice: Some(1000),
            ..Faults::default()
        };
        proxy.set(Faults::default(), trickle);
        let jobs: Vec<_> = (0..3)
            .map(|_| fixture.read(&gateway, &source, 1500))
            .collect();
        thread::sleep(Duration::from_millis(500));
        proxy.set(Faults::stalled(), Faults::stalled());
        for job in jobs {
            let answer = job.wait_for(SOON);
            answer.expect_error("DEADLINE_EXCEEDED");
            assert!(
                answer.elapsed < Duration::from_secs(4),
                "{:?}",
                answer.elapsed
            );
        }
        proxy.heal();
        proxy.cut();
        expect_whole(
            &fixture.read(&gateway, &source, 20_000).wait(),
            fixture.bridge,
        );
    }
    assert!(runner.is_running());
}

/// An administrator ends a statement: its job fails with the database's own words. Ends its connection: the
/// job is tried once more, and then fails.
#[test]
fn a_killed_postgres_statement_is_an_error() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(server) = databases::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(
        &server,
        "CREATE TABLE one AS SELECT 1 AS id; CREATE VIEW sleeper AS SELECT 1 AS id, pg_sleep(60)::text AS slept",
    );
    let source = source::managed("s", "postgres", json!({ "url": database.url }));
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    let job = gateway.dispatch(&source, "batchRead", "sleeper", json!({}));
    database.wait_active(1, SOON);
    database.run(&format!(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND query LIKE '%sleeper%' AND pid <> pg_backend_pid()",
        database.name()
    ));
    let answer = job.wait_for(SOON);
    assert!(answer.expect_error("QUERY_FAILED").contains("57014"));
    // The connection is as good as before.
    gateway
        .dispatch(&source, "batchRead", "one", json!({}))
        .wait()
        .expect_done();
    let job = gateway.dispatch(&source, "batchRead", "sleeper", json!({}));
    for _ in 0..2 {
        database.wait_active(1, SOON);
        database.terminate_all();
    }
    let (code, message) = job.wait_for(SOON).result("batchRead").unwrap_err();
    assert!(
        matches!(code.as_str(), "QUERY_FAILED" | "SOURCE_UNREACHABLE"),
        "{code}: {message}"
    );
    gateway
        .dispatch(&source, "batchRead", "one", json!({}))
        .wait()
        .expect_done();
}

#[test]
fn a_killed_mysql_connection_is_an_error() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let servers = [
        ("mariadb", databases::mariadb()),
        ("mysql", databases::mysql9()),
    ];
    for (bridge, server) in servers {
        let Some(server) = server else { continue };
        let database = MysqlDatabase::create(
            &server,
            "CREATE TABLE {}one (id INT PRIMARY KEY); INSERT INTO {}one VALUES (1);
             CREATE VIEW {}sleeper AS SELECT id, SLEEP(60) AS slept FROM {}one",
        );
        let source = source::managed("s", bridge, json!({ "url": database.url }));
        let gateway = Gateway::start();
        let _runner = runner!(gateway).start();
        gateway.wait_hello(1, SOON);
        let target = database.target("sleeper");
        let job = gateway.dispatch(&source, "batchRead", &target, json!({}));
        let until = Instant::now() + SOON;
        // It may be tried once more.
        let answer = loop {
            let active = database.active();
            database.kill(&active);
            if let Some(answer) = job.poll(Duration::from_millis(100)) {
                break answer;
            }
            assert!(Instant::now() < until, "{bridge}: the job goes on");
        };
        let (code, message) = answer.result("batchRead").unwrap_err();
        assert!(
            matches!(code.as_str(), "QUERY_FAILED" | "SOURCE_UNREACHABLE"),
            "{code}: {message}"
        );
        let one = database.target("one");
        gateway
            .dispatch(&source, "batchRead", &one, json!({}))
            .wait()
            .expect_done();
    }
}

/// A crash and a restart under load: the jobs of that moment end, soon, and those after it work.
fn survives_a_restart(server: &PrivateServer, bridge: &str) {
    let source = source::managed(
        "s",
        bridge,
        json!({ "url": server.url, "pool": { "max": 4 } }),
    );
    let gateway = Gateway::start();
    let runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    let ask = || gateway.dispatch(&source, "count", "people", json!({}));
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
                if let Err((code, message)) = answer.result("count") {
                    failed += 1;
                    assert!(
                        matches!(code.as_str(), "QUERY_FAILED" | "SOURCE_UNREACHABLE"),
                        "{code}: {message}"
                    );
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
    assert_eq!(gateway.state().hellos.len(), 1);
    assert!(runner.is_running());
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
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
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
    let _watchdog = watchdog(Duration::from_secs(60));
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
    let gateway = Gateway::start();
    let runner = runner!(gateway)
        .env("SEMILAYER_SOURCE_CRM_HOST", address.ip().to_string())
        .env("SEMILAYER_SOURCE_CRM_PORT", address.port().to_string())
        .env("SEMILAYER_SOURCE_CRM_DATABASE", database.name())
        .env("SEMILAYER_SOURCE_CRM_USER", &role)
        .env(
            "SEMILAYER_SOURCE_CRM_PASSWORD_FILE",
            file.display().to_string(),
        )
        .start();
    gateway.wait_hello(1, SOON);
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

/// The server turns read-only and back, as it does when a replica takes over: nothing that a runner does
/// depends on it, and its sessions stay read-only when the server is not.
#[test]
fn a_server_that_turns_read_only_makes_no_difference() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(server) = databases::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(&server, "CREATE TABLE one AS SELECT 1 AS id");
    let source = source::managed("s", "postgres", json!({ "url": database.url }));
    let gateway = Gateway::start();
    let _runner = runner!(gateway).start();
    gateway.wait_hello(1, SOON);
    for mode in ["on", "off", "on"] {
        let name = database.name();
        database.run(&format!(
            "BEGIN READ WRITE; ALTER DATABASE {name} SET default_transaction_read_only = {mode}; COMMIT"
        ));
        for terminate in [false, true] {
            if terminate {
                database.terminate_all();
            }
            let test = gateway
                .dispatch(&source, "test", "", json!({}))
                .wait_for(SOON);
            assert_eq!(test.expect_done()["readOnly"], true, "{mode}");
            gateway
                .dispatch(&source, "count", "one", json!({}))
                .wait_for(SOON)
                .expect_done();
        }
    }
}
