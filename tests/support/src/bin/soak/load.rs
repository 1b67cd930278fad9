//! The jobs of a soak run, and what became of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use runner_testkit::databases::{self, MysqlDatabase, PostgresDatabase, SqliteDatabase};
use runner_testkit::network::closed_port;
use runner_testkit::{FaultProxy, Gateway, Job, Terminal, source};
use serde_json::{Value, json};

use crate::random::Random;

/// Rows of the large result.
const ROWS: u64 = 5_000;
/// A job that has not ended so long after its deadline is lost.
const PATIENCE: Duration = Duration::from_secs(60);
/// Jobs of a burst: more than may wait.
const BURST: u64 = 1_500;

/// One database with its source.
pub struct Database {
    /// As a job names it.
    pub source: Value,
    /// The way to it, where there is one.
    pub link: Option<FaultProxy>,
    prefix: String,
    engine: Engine,
}

enum Engine {
    Postgres(PostgresDatabase),
    Mysql(MysqlDatabase),
    Sqlite(#[expect(dead_code, reason = "keeps the file")] SqliteDatabase),
    Nowhere,
}

impl Database {
    /// Ends every connection to it, as an administrator does.
    pub fn kill_everything(&self) {
        match &self.engine {
            // Not all at once: under load new ones keep coming.
            Engine::Postgres(database) => database.run(&format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()",
                database.name()
            )),
            Engine::Mysql(database) => database.kill(&database.active()),
            Engine::Sqlite(_) | Engine::Nowhere => {}
        }
    }
}

/// Every engine that is there, and a source that is not.
pub fn databases() -> Vec<Database> {
    let mut found = Vec::new();
    if let Some(server) = databases::postgres() {
        let database = PostgresDatabase::create(
            &server,
            &format!(
                "CREATE TABLE people (id integer PRIMARY KEY, name text); INSERT INTO people SELECT i, 'n' || i FROM generate_series(1, 100) i;
                 CREATE TABLE large AS SELECT i AS id, repeat('x', 300) AS filler FROM generate_series(1, {ROWS}) i;
                 CREATE VIEW slow AS SELECT 1 AS id, pg_sleep(30)::text AS slept"
            ),
        );
        let (source, link) = linked("postgres", &database.url);
        let engine = Engine::Postgres(database);
        found.push(Database {
            source,
            link: Some(link),
            prefix: String::new(),
            engine,
        });
    }
    for (bridge, server) in [
        ("mariadb", databases::mariadb()),
        ("mysql", databases::mysql9()),
    ] {
        let Some(server) = server else { continue };
        let database = MysqlDatabase::create(
            &server,
            "CREATE TABLE {}d (d INT); INSERT INTO {}d VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9);
             CREATE TABLE {}people (id INT PRIMARY KEY, name TEXT); INSERT INTO {}people SELECT a.d + 10 * b.d + 1, 'n' FROM {}d a, {}d b;
             CREATE TABLE {}large AS SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 1 AS id, REPEAT('x', 300) AS filler
               FROM {}d a, {}d b, {}d c, {}d e WHERE e.d < 5;
             CREATE VIEW {}slow AS SELECT d AS id, SLEEP(30) AS slept FROM {}d WHERE d = 1",
        );
        let (source, link) = linked(bridge, &database.url);
        let prefix = database.target("");
        let engine = Engine::Mysql(database);
        found.push(Database {
            source,
            link: Some(link),
            prefix,
            engine,
        });
    }
    let database = SqliteDatabase::create(&format!(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO people SELECT i, 'n' FROM n;
         CREATE TABLE large (id INTEGER PRIMARY KEY, filler TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) INSERT INTO large SELECT i, printf('%0300d', i) FROM n;
         CREATE VIEW slow AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS id FROM n"
    ));
    let file = source::managed("file", "sqlite", json!({ "path": database.path() }));
    let engine = Engine::Sqlite(database);
    found.push(Database {
        source: file,
        link: None,
        prefix: String::new(),
        engine,
    });
    let url = format!("postgres://u:p@127.0.0.1:{}/d", closed_port());
    let nowhere = source::managed("nowhere", "postgres", json!({ "url": url }));
    found.push(Database {
        source: nowhere,
        link: None,
        prefix: String::new(),
        engine: Engine::Nowhere,
    });
    found
}

fn linked(bridge: &str, url: &str) -> (Value, FaultProxy) {
    let link = FaultProxy::start(databases::address(url));
    let url = databases::with_address(url, link.address);
    (source::managed(bridge, bridge, json!({ "url": url })), link)
}

/// What became of the jobs.
#[derive(Default)]
pub struct Tally {
    sent: AtomicU64,
    done: AtomicU64,
    rows: AtomicU64,
    /// Ended with the session they came in on.
    orphaned: AtomicU64,
    /// Without any end.
    pub lost: AtomicU64,
    errors: Mutex<BTreeMap<String, u64>>,
}

impl Tally {
    /// Forgets everything so far.
    pub fn reset(&self) {
        for counter in [
            &self.sent,
            &self.done,
            &self.rows,
            &self.orphaned,
            &self.lost,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
        self.errors.lock().expect("the errors").clear();
    }

    fn count(&self, job: &Job, deadline: Duration) {
        let Some(answer) = job.poll(deadline + PATIENCE) else {
            eprintln!("{} was never answered", job.id);
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        };
        self.rows.fetch_add(answer.rows_counted, Ordering::Relaxed);
        match answer.terminal {
            Terminal::Done(_) => drop(self.done.fetch_add(1, Ordering::Relaxed)),
            Terminal::Disconnected => drop(self.orphaned.fetch_add(1, Ordering::Relaxed)),
            Terminal::Error { code, .. } => {
                *self
                    .errors
                    .lock()
                    .expect("the errors")
                    .entry(code)
                    .or_default() += 1;
            }
        }
    }

    /// For people who wait.
    pub fn line(&self) -> String {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (sent, done, lost) = (get(&self.sent), get(&self.done), get(&self.lost));
        format!("{sent} jobs sent, {done} done, {lost} lost")
    }

    /// For people.
    pub fn table(&self) -> String {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let errors = self.errors.lock().expect("the errors");
        let mut text = String::new();
        let _ = writeln!(text, "jobs sent               {}", get(&self.sent));
        let _ = writeln!(
            text,
            "answered with done      {} ({} rows)",
            get(&self.done),
            get(&self.rows)
        );
        let _ = writeln!(
            text,
            "answered with an error  {}",
            errors.values().sum::<u64>()
        );
        for (code, count) in &*errors {
            let _ = writeln!(text, "  {code:<22}{count}");
        }
        let _ = writeln!(text, "ended with their session {}", get(&self.orphaned));
        let _ = write!(text, "lost                    {}", get(&self.lost));
        text
    }
}

/// Sends jobs.
pub struct Load<'a> {
    gateway: &'a Gateway,
    databases: &'a [Database],
    tally: &'a Tally,
}

impl<'a> Load<'a> {
    /// To every database.
    pub fn new(gateway: &'a Gateway, databases: &'a [Database], tally: &'a Tally) -> Self {
        Self {
            gateway,
            databases,
            tally,
        }
    }

    fn send(
        &self,
        database: &Database,
        kind: &str,
        target: &str,
        options: Value,
        deadline: Duration,
    ) -> Option<Job> {
        let target = format!("{}{target}", database.prefix);
        let deadline = deadline.as_millis() as u64;
        let job =
            self.gateway
                .try_dispatch(&database.source, kind, &target, options, deadline, true);
        match &job {
            Some(_) => drop(self.tally.sent.fetch_add(1, Ordering::Relaxed)),
            // Nobody is connected.
            None => thread::sleep(Duration::from_millis(50)),
        }
        job
    }

    /// One job, or a burst of them, to its end.
    pub fn one(&self, random: &mut Random) {
        const USUAL: Duration = Duration::from_secs(10);
        let database = random.of(self.databases);
        let send = |kind: &str, target: &str, options, deadline| {
            let job = self.send(database, kind, target, options, deadline);
            job.inspect(|job| self.tally.count(job, deadline));
        };
        match random.below(1000) {
            0..400 => send("count", "people", json!({}), USUAL),
            400..600 => send(
                "query",
                "people",
                json!({ "limit": 10, "orderBy": { "field": "id" } }),
                USUAL,
            ),
            600..750 => send("read", "people", json!({ "limit": 30 }), USUAL),
            750..850 => send("batchRead", "large", json!({}), USUAL),
            850..880 => send("listTargets", "", json!({}), USUAL),
            880..900 => send("introspectTarget", "people", json!({}), USUAL),
            900..920 => send("test", "", json!({}), USUAL),
            920..940 => send("count", "no_such_table", json!({}), USUAL),
            940..970 => send("batchRead", "slow", json!({}), random.millis(50, 800)),
            970..999 => {
                let target = *random.of(&["slow", "large", "people"]);
                let after = random.millis(0, 300);
                if let Some(job) = self.send(database, "batchRead", target, json!({}), USUAL) {
                    thread::sleep(after);
                    if self.gateway.state().connected() {
                        let cancel = json!({ "id": job.id, "type": "cancel" });
                        let current = self.gateway.state().current();
                        current.inspect(|connection| connection.text(cancel.to_string()));
                    }
                    self.tally.count(&job, USUAL);
                }
            }
            _ => {
                let jobs: Vec<_> = (0..BURST)
                    .map_while(|_| self.send(database, "count", "people", json!({}), USUAL))
                    .collect();
                jobs.iter().for_each(|job| self.tally.count(job, USUAL));
            }
        }
    }
}
