//! Jobs on a PostgreSQL that is reached over TLS, which is how most are: cancels, deadlines and faults of the network
//! do what they do in the clear. (The MySQL of the other tests offers TLS, and the runner takes it.)

use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::databases::{Database, PostgresDatabase, PrivateServer};
use runner_testkit::temp::TempDir;
use runner_testkit::{Faults, Stage, TestCa, source, stage, watchdog};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);
/// Of the table `large`, 200 bytes each.
const ROWS: u64 = 5000;

/// A database whose source insists on TLS and knows the authority.
struct Encrypted {
    database: PostgresDatabase,
    parameters: String,
}

impl Database for Encrypted {
    fn source(&self) -> Value {
        let url = format!("{}?{}", self.database.url, self.parameters);
        source::managed("s", "postgres", json!({ "url": url }))
    }
}

#[track_caller]
fn expect_whole(stage: &Stage<Encrypted>) {
    let answer = stage.rows("large").wait_for(SOON);
    answer.expect_done();
    assert_eq!(answer.rows_counted, ROWS);
}

#[test]
fn everything_holds_over_tls() {
    let _watchdog = watchdog(Duration::from_secs(180));
    let Some(server) = PrivateServer::postgres() else {
        return;
    };
    let ca = TestCa::new("database root");
    server.encrypt(&ca);
    let folder = TempDir::new();
    let roots = folder.write("ca.pem", ca.pem());
    let database = PostgresDatabase::create(
        &server.url,
        &format!(
            "CREATE TABLE one (id integer PRIMARY KEY); INSERT INTO one VALUES (1);
             CREATE TABLE large AS SELECT generate_series(1, {ROWS}) AS id, repeat('x', 200) AS filler;
             CREATE VIEW sleeper AS SELECT 1 AS id, pg_sleep(60)::text AS slept"
        ),
    );
    let mut stage = stage!(Encrypted {
        database,
        parameters: format!("sslmode=verify-full&sslrootcert={}", roots.display()),
    });
    let test = stage.start("test", "").wait_for(SOON);
    assert_eq!(test.expect_done()["tls"], true);

    cancels_and_deadlines(&stage);
    broken_and_slow_answers(&mut stage);
    restarts(&server, &stage);
}

/// The request to cancel is a connection of its own, encrypted as well.
fn cancels_and_deadlines(stage: &Stage<Encrypted>) {
    let database = &stage.database.database;
    for _ in 0..4 {
        let job = stage.rows("sleeper");
        database.wait_active(1, SOON);
        stage.gateway.cancel(&job);
        database.wait_active(0, Duration::from_secs(1));
        job.wait_for(SOON).expect_error("CANCELLED");
        stage.expect_one();
        let job = stage.rows_within("sleeper", Duration::from_millis(500));
        job.wait_for(SOON).expect_error("DEADLINE_EXCEEDED");
        database.wait_active(0, Duration::from_secs(1));
        stage.expect_one();
    }
}

/// An end at any point of the handshake, the log-in or the rows is an error and no half answer.
fn broken_and_slow_answers(stage: &mut Stage<Encrypted>) {
    for bytes in [0, 1, 500, 1_500, 3_000, 20_000, 400_000] {
        let link = stage.relay();
        link.set(Faults::default(), Faults::cut_after(bytes));
        let answer = stage.rows("large").wait_for(SOON);
        let (code, message) = answer.result("batchRead").expect_err("a broken answer");
        assert!(
            matches!(code.as_str(), "SOURCE_UNREACHABLE" | "QUERY_FAILED"),
            "after {bytes}: {code} {message}"
        );
        // No link to a manual of the TLS library.
        assert!(!message.contains("http"), "after {bytes}: {message}");
        link.heal();
        expect_whole(stage);
    }
    let link = stage.relay();
    let pieces = Faults {
        slice: Some(13),
        ..Faults::default()
    };
    link.set(Faults::single_bytes(), pieces);
    expect_whole(stage);
    // Idle connections that were reset cost no job.
    link.heal();
    link.reset();
    expect_whole(stage);
    // Noise in place of records: what was under way fails, what comes next does not.
    let job = stage.rows("sleeper");
    let until = Instant::now() + SOON;
    // It is tried once more.
    let answer = loop {
        link.inject(&[0x17; 4000]);
        if let Some(answer) = job.poll(Duration::from_millis(100)) {
            break answer;
        }
        assert!(Instant::now() < until, "the job goes on");
    };
    assert!(answer.result("batchRead").is_err());
    expect_whole(stage);
    // Silence in the middle.
    link.set(Faults::stalled(), Faults::stalled());
    let job = stage.rows_within("large", Duration::from_millis(1500));
    let answer = job.wait_for(SOON);
    answer.expect_error("DEADLINE_EXCEEDED");
    assert!(
        answer.elapsed < Duration::from_secs(4),
        "{:?}",
        answer.elapsed
    );
    link.heal();
    link.cut();
    expect_whole(stage);
}

/// A crash of the server: the jobs of that moment fail, soon, and those after it work.
fn restarts(server: &PrivateServer, stage: &Stage<Encrypted>) {
    // Statements whose connection broke go on until they want to write.
    stage.database.database.terminate_all();
    let job = stage.rows("sleeper");
    stage.database.database.wait_active(1, SOON);
    thread::scope(|scope| {
        scope.spawn(|| server.restart());
        assert!(job.wait_for(SOON).result("batchRead").is_err());
    });
    let until = Instant::now() + SOON;
    while stage
        .rows("one")
        .wait_for(SOON)
        .result("batchRead")
        .is_err()
    {
        assert!(Instant::now() < until, "the source does not come back");
        thread::sleep(Duration::from_millis(50));
    }
    expect_whole(stage);
    assert_eq!(stage.gateway.state().hellos.len(), 1);
}
