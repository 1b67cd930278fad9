//! Opening the file.

use std::path::Path;
use std::sync::{Arc, Weak};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::error::{failure, opening_failure};
use crate::bridges::places::Place;
use crate::bridges::pool::{Connector, connect_budget};
use crate::error::{ErrorCode, JobError, Retry};
use crate::job::JobControl;
use crate::limits;

/// The name of a database that is nowhere but in the connection's own memory.
const MEMORY: &str = ":memory:";

/// Opens one database file, as often as the pool asks.
pub(super) struct DatabaseFile {
    path: String,
}

/// One open database.
pub(super) struct Database {
    connection: Connection,
    path: String,
    /// Which file was opened; `None` in memory, or where the system does not tell.
    file: Option<FileId>,
}

/// Device and inode.
type FileId = (u64, u64);

impl DatabaseFile {
    pub(super) fn new(path: &str) -> Self {
        // This build of SQLite reads "file:…" as a URI with options. A path is only a path.
        let path = if path.starts_with("file:") {
            format!("./{path}")
        } else {
            path.to_owned()
        };
        Self { path }
    }
}

impl Connector for DatabaseFile {
    type Connection = Database;

    /// The file, its log, the index of that, and temporary ones.
    const DESCRIPTORS: usize = 5;

    fn connect(&self, job: &Arc<JobControl>, _: &Place) -> Result<Database, JobError> {
        job.remaining()?;
        let file = if self.path == MEMORY {
            None
        } else {
            Some(file_id(&self.path)?)
        };
        // No mutex of SQLite's own: a connection is used by one thread at a time.
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags(&self.path, flags)?;
            // An unknown column is an error, never a text.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
            // The first is of the connection, the others of the process: a row has many values.
            let most = i32::try_from(job.large_rows().most_received()).unwrap_or(i32::MAX);
            connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, most)?;
            // Definitions of tables as well, which every connection keeps in parts.
            let text = i32::try_from(2 * limits::STATEMENT_BYTES).unwrap_or(i32::MAX);
            connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, text)?;
            let memory = i64::from(most) + limits::SQLITE_MEMORY;
            connection.pragma_update(None, "soft_heap_limit", memory / 2)?;
            connection.pragma_update(None, "hard_heap_limit", memory)?;
            Ok(connection)
        };
        let connection = open().map_err(|error| opening_failure(&self.path, &error))?;
        Ok(Database {
            connection,
            path: self.path.clone(),
            file: file.flatten(),
        })
    }

    fn reusable(&self, database: &mut Database) -> bool {
        // False while a read transaction is open: it would keep showing the past, and keep writers waiting.
        database.connection.is_autocommit()
    }
}

impl Database {
    /// Makes the connection ready for a job. SQLite looks every few thousand steps whether the job has ended;
    /// `sqlite3_interrupt` instead would be lost when it comes just before a statement begins.
    pub(super) fn begin(&mut self, job: &Arc<JobControl>) -> Result<&mut Connection, JobError> {
        if self.file.is_some() && file_id(&self.path)? != self.file {
            let problem = "the database file was replaced";
            return Err(JobError::unreachable(problem).with(Retry::NewConnection));
        }
        job.take_wanted_turn(limits::SQLITE_MEMORY_PAUSE)?;
        let patience = connect_budget(job, limits::SQLITE_BUSY)?;
        let watched: Weak<JobControl> = Arc::downgrade(job);
        self.connection
            .busy_timeout(patience)
            .and_then(|()| {
                let ended = move || watched.upgrade().is_none_or(|job| job.is_aborted());
                self.connection
                    .progress_handler(limits::SQLITE_STEPS, Some(ended))
            })
            .map_err(|error| failure(job, &error))?;
        Ok(&mut self.connection)
    }
}

/// The file behind a path, which must exist: SQLite would say no more than that it cannot open it.
fn file_id(path: &str) -> Result<Option<FileId>, JobError> {
    let metadata = Path::new(path).metadata().map_err(|error| {
        JobError::unreachable(format!(
            "cannot open the SQLite database \"{path}\": {error}"
        ))
    })?;
    // Opening a pipe would wait for its other end.
    if !metadata.is_file() {
        let what = match metadata.is_dir() {
            true => "it is a directory",
            false => "it is no regular file",
        };
        return Err(JobError::new(
            ErrorCode::SourceConfig,
            format!("cannot open the SQLite database \"{path}\": {what}"),
        ));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        Ok(Some((metadata.dev(), metadata.ino())))
    }
    #[cfg(not(unix))]
    Ok(None)
}
