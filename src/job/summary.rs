//! What a job has to say besides its rows.

use crate::job::Privileges;
use crate::words::words;

words! {
    /// What keeps a source from being written to, beside the grants of its role.
    KeptBy {
        /// The session is read-only from its start to its end.
        Session = "session",
        /// It is not, because of a pooler usually; every job runs in a read-only transaction of its own.
        Transaction = "transaction",
        /// The database file was opened for reading.
        File = "file",
        /// Nothing: such a database has no read-only sessions, so the role is all there is.
        Role = "role",
    }
}

/// What a bridge tells about the server after `test`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// The server's own version text, such as `PostgreSQL 15.18`.
    pub version: String,
    /// True when the connection is encrypted.
    pub tls: bool,
    /// True when it cannot write.
    pub read_only: bool,
    /// By what.
    pub kept_by: KeptBy,
}

/// What a finished job says besides its rows; becomes `done.meta`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows that match regardless of limit and offset (`query`), or all rows of the target (`read`).
    pub total: Option<u64>,
    /// Where the next page begins (`read`); `None` on the last one.
    pub next_cursor: Option<String>,
    /// Facts about the server (`test`).
    pub server: Option<ServerFacts>,
    /// What the role may do beyond reading; never part of `done.meta`.
    pub privileges: Option<Privileges>,
}
