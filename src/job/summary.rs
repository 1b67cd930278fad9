//! What a job has to say besides its rows.

use crate::job::Privileges;

/// What a bridge tells about the server after `test`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// The server's own version text, such as `PostgreSQL 15.18`.
    pub version: String,
    /// True when the connection is encrypted.
    pub tls: bool,
    /// True when the session cannot write.
    pub read_only: bool,
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
