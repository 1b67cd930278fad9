//! Opening a connection, read-only from the start.

use mysql::prelude::Queryable;

use super::config::Settings;
use super::connection::Connection;
use super::dial::{Patience, dial};
use super::error::{connecting, ends_the_session};
use super::guard::Guard;
use crate::error::JobError;

/// Connects and sets the session up, within the time that `patience` gives, while `guard` looks on.
pub(super) fn open(
    settings: &Settings,
    patience: Patience,
    guard: Guard,
) -> Result<Connection, JobError> {
    let place = settings.address.to_string();
    let opened = dial(settings, patience, &guard).and_then(|(conn, encrypted)| {
        let mut connection = Connection {
            id: conn.connection_id(),
            conn,
            encrypted,
            read_only: false,
            described: 0,
            sent: 0,
            spent: false,
            long: Vec::new(),
            guard: guard.clone(),
        };
        set_up(&mut connection, &place)?;
        Ok(connection)
    });
    let connection = opened.map_err(|error| match guard.problem() {
        Some(problem) => problem.at(&place),
        None => error,
    })?;
    guard.opened(patience.silence);
    Ok(connection)
}

/// Makes the session read-only and asks whether it is, because a pooler may take the statement and do nothing.
fn set_up(connection: &mut Connection, place: &str) -> Result<(), JobError> {
    for (sql, what) in RELIED_ON {
        match connection.conn.query_drop(sql) {
            Ok(()) => {}
            Err(mysql::Error::MySqlError(refused)) if !ends_the_session(refused.code) => {
                log::warn!("{place} refuses {what}: {}", refused.message);
            }
            Err(error) => return Err(connecting(&error, place)),
        }
    }
    // MariaDB learned MySQL's name of it late.
    for sql in [
        "SELECT @@SESSION.transaction_read_only",
        "SELECT @@SESSION.tx_read_only",
    ] {
        match connection.conn.query_first::<u8, _>(sql) {
            Ok(answer) => {
                connection.read_only = answer == Some(1);
                break;
            }
            Err(mysql::Error::MySqlError(_)) => {}
            Err(error) => return Err(connecting(&error, place)),
        }
    }
    if !connection.read_only {
        log::info!(
            "{place}: the session is not read-only; every job runs in a read-only transaction"
        );
    }
    Ok(())
}

/// What sessions rely on, whatever the server's defaults are, and what it is called.
const RELIED_ON: [(&str, &str); 3] = [
    ("SET SESSION TRANSACTION READ ONLY", "a read-only session"),
    // TIMESTAMP is shown in the session's time zone and everything we show is UTC.
    ("SET SESSION time_zone = '+00:00'", "the time zone UTC"),
    // A transaction that nobody began shows the past and holds its tables; a limit nobody asked for hides rows; for
    // Microsoft's sake `IS NULL` may find the row inserted last; a ROLLBACK may begin a transaction or end the session.
    (
        "SET SESSION autocommit = 1, sql_select_limit = 18446744073709551615, sql_auto_is_null = 0, \
         completion_type = 'NO_CHAIN'",
        "a usual session",
    ),
];
