//! A PostgreSQL database of one test. What a runner does in it is told apart from everything else on the
//! server by its name.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ::postgres::{Client, NoTls};

use serde_json::{Value, json};

use super::{Database, ServerDatabase, with_database};
use crate::source;

/// A database, dropped with everybody still in it.
pub struct PostgresDatabase {
    /// Its URL.
    pub url: String,
    name: String,
    server: String,
}

impl PostgresDatabase {
    /// A database with what `sql` makes. `None`, and why, where there is no server.
    pub fn with(sql: &str) -> Option<Self> {
        Some(Self::create(&super::postgres()?, sql))
    }

    /// A database with `one`, `sleeper` and `nap`.
    pub fn usual() -> Option<Self> {
        Self::with(
            "CREATE TABLE one (id integer PRIMARY KEY); INSERT INTO one VALUES (1);
             CREATE VIEW sleeper AS SELECT 1 AS id, pg_sleep(60)::text AS slept;
             CREATE VIEW nap AS SELECT 1 AS id, pg_sleep(2)::text AS slept;",
        )
    }

    /// Creates a database on a server and runs `sql` in it.
    pub fn create(server: &str, sql: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        connect(server)
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0"))
            .expect("a new database");
        let database = Self {
            url: with_database(server, &name),
            name,
            server: server.to_owned(),
        };
        database.run(sql);
        database
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements in it.
    pub fn run(&self, sql: &str) {
        connect(&self.url)
            .batch_execute(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// Statements that are running in it now.
    pub fn active(&self) -> Vec<String> {
        self.active_on(&mut connect(&self.server))
    }

    fn active_on(&self, client: &mut Client) -> Vec<String> {
        let sql = "SELECT query FROM pg_stat_activity WHERE datname = $1 AND state = 'active'";
        let rows = client.query(sql, &[&self.name]);
        let rows = rows.expect("pg_stat_activity");
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Waits until so many statements are running; panics after `limit`, tells how long it took.
    #[track_caller]
    pub fn wait_active(&self, count: usize, limit: Duration) -> Duration {
        // Logging in takes its time; only what the statement takes counts.
        let mut client = connect(&self.server);
        let start = Instant::now();
        loop {
            let active = self.active_on(&mut client);
            if active.len() == count {
                return start.elapsed();
            }
            assert!(
                start.elapsed() < limit,
                "not {count} running after {limit:?} but {active:#?}"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Locks a table against everybody else until the value is dropped.
    pub fn lock_table(&self, table: &str) -> TableLock {
        let mut holder = connect(&self.url);
        let sql = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        holder.batch_execute(&sql).expect("a lock");
        TableLock { _holder: holder }
    }

    /// Connections to it.
    pub fn connections(&self) -> usize {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1";
        let row = connect(&self.server)
            .query_one(sql, &[&self.name])
            .expect("pg_stat_activity");
        row.get::<_, i64>(0) as usize
    }

    /// Ends every connection there is to it, as an administrator or a fail-over does. A runner may be back
    /// already when this returns.
    pub fn terminate_all(&self) {
        let mut client = connect(&self.server);
        // In two steps: the planner may well evaluate a condition that terminates before one that selects.
        let sql = "SELECT pid FROM pg_stat_activity WHERE datname = $1";
        let rows = client.query(sql, &[&self.name]).expect("pg_stat_activity");
        let pids: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
        let sql = "SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) pid";
        client.query(sql, &[&pids]).expect("terminated backends");
        let start = Instant::now();
        // Asked to wait itself, the server looks ten times a second, at one backend after the other.
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1)";
        while client
            .query_one(sql, &[&pids])
            .expect("pg_stat_activity")
            .get::<_, i64>(0)
            > 0
        {
            assert!(
                start.elapsed() < Duration::from_secs(5),
                "backends outlive their end"
            );
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Database for PostgresDatabase {
    fn source(&self) -> Value {
        source::managed("s", "postgres", json!({ "url": self.url }))
    }
}

impl ServerDatabase for PostgresDatabase {
    fn wait_active(&self, count: usize, limit: Duration) -> Duration {
        self.wait_active(count, limit)
    }
}

/// A connection that holds a table locked.
pub struct TableLock {
    _holder: Client,
}

fn connect(url: &str) -> Client {
    Client::connect(url, NoTls).expect("a Postgres connection")
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        if let Ok(mut client) = Client::connect(&self.server, NoTls) {
            let _ = client.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}
