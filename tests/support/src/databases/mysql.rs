//! Objects of one test on a MariaDB or MySQL. Their names hold the process id, so that tests that run twice
//! at once do not meet.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use mysql::{Conn, Opts};

use serde_json::{Value, json};

use super::{Database, ServerDatabase, with_database};
use crate::source;

/// Views and tables in the database `workload`, dropped afterwards.
pub struct MysqlDatabase {
    /// URL of the database they are in.
    pub url: String,
    bridge: &'static str,
    prefix: String,
}

impl MysqlDatabase {
    /// The same on MariaDB. `None`, and why, where there is no server.
    pub fn mariadb(sql: &str) -> Option<Self> {
        let mut database = Self::create(&super::mariadb()?, sql);
        database.bridge = "mariadb";
        Some(database)
    }

    /// The same on MySQL 9.
    pub fn mysql9(sql: &str) -> Option<Self> {
        Some(Self::create(&super::mysql9()?, sql))
    }

    /// Makes `one`, `sleeper` and `nap`. A view of `SLEEP` alone would be folded away.
    pub const USUAL: &str = "CREATE TABLE {}one (id INT PRIMARY KEY); INSERT INTO {}one VALUES (1);
         CREATE VIEW {}sleeper AS SELECT id, SLEEP(60) AS slept FROM {}one;
         CREATE VIEW {}nap AS SELECT id, SLEEP(2) AS slept FROM {}one";

    /// Runs statements, separated by `;`, in which `{}` stands for the prefix of every name.
    pub fn create(server: &str, sql: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let database = Self {
            url: with_database(server, "workload"),
            bridge: "mysql",
            prefix: format!("t{}_{number}_", std::process::id()),
        };
        database.run(sql);
        database
    }

    /// A view or table as a job's target.
    pub fn target(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Runs statements the same way.
    pub fn run(&self, sql: &str) {
        let mut client = connect(&self.url);
        for statement in sql
            .split(';')
            .filter(|statement| !statement.trim().is_empty())
        {
            let statement = statement.replace("{}", &self.prefix);
            client
                .query_drop(&statement)
                .unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }

    /// Ids of the connections that run a statement about this test's objects.
    pub fn active(&self) -> Vec<u64> {
        self.active_on(&mut connect(&self.url))
    }

    fn active_on(&self, client: &mut Conn) -> Vec<u64> {
        let sql = format!(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE '%{}%' AND ID <> CONNECTION_ID()",
            self.prefix.replace('_', "\\_")
        );
        client.query(sql).expect("the process list")
    }

    /// Waits until so many statements are running; panics after `limit`, tells how long it took.
    #[track_caller]
    pub fn wait_active(&self, count: usize, limit: Duration) -> Duration {
        // Logging in takes its time; only what the statement takes counts.
        let mut client = connect(&self.url);
        let start = Instant::now();
        loop {
            let active = self.active_on(&mut client).len();
            if active == count {
                return start.elapsed();
            }
            assert!(
                start.elapsed() < limit,
                "not {count} running after {limit:?} but {active}"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills these connections, where they still are.
    pub fn kill(&self, ids: &[u64]) {
        let mut client = connect(&self.url);
        for id in ids {
            let _ = client.query_drop(format!("KILL {id}"));
        }
    }
}

impl Database for MysqlDatabase {
    fn source(&self) -> Value {
        source::managed("s", self.bridge, json!({ "url": self.url }))
    }

    fn target(&self, name: &str) -> String {
        self.target(name)
    }
}

impl ServerDatabase for MysqlDatabase {
    fn wait_active(&self, count: usize, limit: Duration) -> Duration {
        self.wait_active(count, limit)
    }
}

fn connect(url: &str) -> Conn {
    Conn::new(Opts::from_url(url).expect("a MySQL URL")).expect("a MySQL connection")
}

impl Drop for MysqlDatabase {
    fn drop(&mut self) {
        let Ok(mut client) = Conn::new(Opts::from_url(&self.url).expect("a MySQL URL")) else {
            return;
        };
        // A test that failed may have left a statement that holds the table.
        let _ = client.query_drop("SET lock_wait_timeout = 2");
        let sql = "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()";
        let tables: Vec<(String, String)> = client.query(sql).unwrap_or_default();
        for (name, kind) in tables
            .iter()
            .filter(|(name, _)| name.starts_with(&self.prefix))
        {
            let kind = if kind == "VIEW" { "VIEW" } else { "TABLE" };
            let _ = client.query_drop(format!("DROP {kind} `{name}`"));
        }
    }
}
