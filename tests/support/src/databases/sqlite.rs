//! A SQLite database of one test.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Database;
use crate::source;
use crate::temp::TempDir;

/// A database file, removed afterwards.
pub struct SqliteDatabase {
    folder: TempDir,
}

impl SqliteDatabase {
    /// Runs `sql` on a new database.
    pub fn create(sql: &str) -> Self {
        let database = Self {
            folder: TempDir::new(),
        };
        database.run(sql);
        database
    }

    /// Runs statements in it.
    pub fn run(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.path()).expect("a SQLite database");
        connection
            .execute_batch(sql)
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// A database with `one` and `sleeper`, which computes for ever.
    pub fn usual() -> Self {
        Self::create(
            "CREATE TABLE one (id INTEGER PRIMARY KEY); INSERT INTO one VALUES (1);
             CREATE VIEW sleeper AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
               SELECT count(*) AS i FROM n;",
        )
    }

    /// Runs the script in this file on a new database.
    pub fn load(script: &Path) -> Self {
        let sql = fs::read_to_string(script);
        Self::create(&sql.unwrap_or_else(|error| panic!("{}: {error}", script.display())))
    }

    /// Where the database is.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("database.sqlite")
    }
}

impl Database for SqliteDatabase {
    fn source(&self) -> Value {
        source::managed("s", "sqlite", json!({ "path": self.path() }))
    }
}
