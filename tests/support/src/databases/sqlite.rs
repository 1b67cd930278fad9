//! A SQLite database of one test.

use std::fs;
use std::path::{Path, PathBuf};

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
        let connection = rusqlite::Connection::open(database.path()).expect("a SQLite database");
        connection
            .execute_batch(sql)
            .unwrap_or_else(|error| panic!("{error}"));
        database
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
