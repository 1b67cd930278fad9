//! After all the faults there are as many threads, open files and database connections as before, and no more
//! memory.

use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::databases::{self, Database, PostgresDatabase, SqliteDatabase};
use runner_testkit::network::{BlackHole, closed_port};
use runner_testkit::{
    FaultProxy, Faults, Gateway, Job, Linked, Runner, runner, session, source, watchdog,
};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);
/// What memory may differ after the load.
const MEMORY: u64 = 4 << 20;
/// A pool is not always full when the files are counted. One file left behind by every end of a kind would be
/// two dozen.
const FILES: u64 = 3;

/// What a process holds.
#[derive(Debug, Clone, Copy)]
struct Holdings {
    threads: u64,
    descriptors: u64,
    memory: u64,
}

fn holdings(runner: &Runner) -> Holdings {
    Holdings {
        threads: runner.threads(),
        descriptors: runner.descriptors(),
        memory: runner.rss(),
    }
}

struct Load<'a> {
    gateway: &'a Gateway,
    postgres: &'a Value,
    sqlite: &'a Value,
    hole: &'a Value,
    refused: &'a Value,
}

impl Load<'_> {
    fn send(&self, source: &Value, target: &str, deadline: u64) -> Job {
        self.gateway
            .dispatch_with(source, "batchRead", target, json!({}), deadline, true)
    }

    /// Every kind of end a job can have, side by side.
    fn everything(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        for _ in 0..6 {
            jobs.push(self.send(self.postgres, "large", 30_000));
            jobs.push(self.send(self.sqlite, "large", 30_000));
            jobs.push(self.send(self.postgres, "sleeper", 300));
            jobs.push(self.send(self.sqlite, "endless", 300));
            jobs.push(self.send(self.hole, "t", 300));
            jobs.push(self.send(self.refused, "t", 5000));
            jobs.push(self.send(self.postgres, "no_such_table", 5000));
            let cancelled = self.send(self.postgres, "sleeper", 30_000);
            self.gateway.cancel(&cancelled);
            jobs.push(cancelled);
        }
        for _ in 0..200 {
            jobs.push(self.send(self.postgres, "one", 30_000));
            jobs.push(self.send(self.sqlite, "one", 30_000));
        }
        jobs
    }
}

#[test]
fn nothing_is_left_behind() {
    let _turn = crate::alone();
    let _watchdog = watchdog(Duration::from_secs(240));
    let Some(server) = databases::postgres() else {
        return;
    };
    let database = PostgresDatabase::create(
        &server,
        "CREATE TABLE one AS SELECT 1 AS id;
         CREATE VIEW sleeper AS SELECT 1 AS id, pg_sleep(5)::text AS slept;
         CREATE VIEW large AS SELECT generate_series(1, 5000) AS id, repeat('x', 1000) AS filler",
    );
    let file = SqliteDatabase::create(
        "CREATE TABLE one (id INTEGER PRIMARY KEY); INSERT INTO one VALUES (1);
         CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
           SELECT count(*) AS i FROM n;
         CREATE VIEW large AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
           SELECT i, printf('%01000d', i) AS filler FROM n;",
    );
    let silent = BlackHole::start();
    let to_database = FaultProxy::start(databases::address(&database.url));
    let url = databases::with_address(&database.url, to_database.address);
    let postgres = source::managed("p", "postgres", json!({ "url": url }));
    let sqlite = file.source();
    let hole = format!("postgres://u:p@{}/d", silent.address);
    let hole = source::managed("h", "postgres", json!({ "url": hole }));
    let refused = format!("postgres://u:p@127.0.0.1:{}/d", closed_port());
    let refused = source::managed("r", "postgres", json!({ "url": refused }));
    let linked = Linked::encrypted();
    let Linked { gateway, link, .. } = &linked;
    let Some(runner) = linked.trusted(runner!(linked)).release() else {
        return;
    };
    // glibc keeps an arena of freed memory for each of the 16 workers and a growing threshold for giving it
    // back; musl, which is what is shipped, has neither. With both off, what is left is what is held.
    let runner = runner
        .env("MALLOC_ARENA_MAX", "1")
        .env("MALLOC_MMAP_THRESHOLD_", "65536")
        .start();
    runner.wait_stdout("  → connected, awaiting jobs\n", SOON);
    let load = Load {
        gateway,
        postgres: &postgres,
        sqlite: &sqlite,
        hole: &hole,
        refused: &refused,
    };
    let settle = || {
        // Three of each fill the pools; idle ones are kept for a minute, which is no leak.
        let jobs: Vec<_> = (0..12)
            .map(|n| {
                load.send(
                    if n % 2 == 0 { &postgres } else { &sqlite },
                    "large",
                    30_000,
                )
            })
            .collect();
        jobs.iter()
            .for_each(|job| drop(job.wait().expect_done().clone()));
        thread::sleep(Duration::from_millis(500));
        (holdings(&runner), database.connections())
    };
    // Once everything has been used.
    load.everything().iter().for_each(|job| drop(job.wait()));
    let (before, connections) = settle();
    for round in 0..4 {
        let jobs = load.everything();
        match round {
            0 => {}
            // The session is lost with all of them under way, by a close frame, a cut, a reset.
            1 => gateway.connection().close(1012, "restart"),
            2 => link.reset(),
            // The database goes away and comes back.
            _ => {
                to_database.set(Faults::stalled(), Faults::stalled());
                thread::sleep(Duration::from_millis(300));
                to_database.heal();
                to_database.reset();
            }
        }
        jobs.iter().for_each(|job| drop(job.wait()));
        let sessions = if round == 0 || round == 3 { 0 } else { 1 };
        let expected = gateway.state().closed.len() + 1;
        gateway.wait("the next session", SOON, |state| {
            (state.hellos.len() >= expected).then_some(())
        });
        assert!(expected > sessions);
        runner.wait_stdout_times("  → connected, awaiting jobs\n", expected, SOON);
    }
    // Statements that were stopped, and threads that stopped them, take their moment. A statement whose
    // connection was reset goes on in the database for the five seconds that it lasts.
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let (after, connections_after) = settle();
        let same = after.threads <= before.threads
            && after.descriptors <= before.descriptors + FILES
            && after.memory <= before.memory + MEMORY
            && connections_after <= connections;
        if same {
            println!("before {before:?}, after {after:?}, {connections_after} connections");
            break;
        }
        assert!(
            Instant::now() < until,
            "before {before:?} and {connections} connections, after {after:?} and {connections_after}"
        );
    }
}

/// A MySQL server that takes connections and says nothing cannot be left by its driver: the threads that wait
/// there are limited to two for each connection of the pool, however many jobs come.
#[cfg(feature = "mysql")]
#[test]
fn waiting_threads_are_limited() {
    let _turn = crate::alone();
    let silent = BlackHole::start();
    let hole = format!("mysql://u:p@{}/d", silent.address);
    let hole = source::managed("h", "mysql", json!({ "url": hole, "pool": { "max": 2 } }));
    let session = session!();
    let gateway = &session.gateway;
    let runner = &session.runner;
    let before = runner.threads();
    for _ in 0..20 {
        let jobs: Vec<_> = (0..3)
            .map(|_| gateway.dispatch_with(&hole, "count", "t", json!({}), 100, false))
            .collect();
        jobs.iter()
            .for_each(|job| assert!(job.wait().result("count").is_err()));
    }
    thread::sleep(Duration::from_millis(200));
    let after = runner.threads();
    assert!(
        after <= before + 8,
        "{before} threads before, {after} after"
    );
}
