//! Ending the connection of a job from another one.

use std::thread;
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;

use super::config::Settings;
use super::dial::{Patience, dial};
use super::error::connecting;
use super::guard::Guard;
use crate::error::JobError;
use crate::limits;

/// `ER_NO_SUCH_THREAD`.
const NO_SUCH_THREAD: u16 = 1094;
/// Between two looks whether a connection is gone.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Ends connection `id` on the server, from a second one, and looks whether it went. Ending its statement would not
/// be enough: one that waits for somebody to read its rows waits on, with its locks.
pub(super) fn kill(settings: &Settings, id: u32) -> Result<(), JobError> {
    let patience = Patience {
        connect: limits::STOP_BUDGET,
        silence: limits::STOP_BUDGET,
    };
    let place = settings.address.to_string();
    let until = Instant::now() + limits::STOP_BUDGET;
    let guard = Guard::new(settings.tls(), None);
    let (mut conn, _) = dial(settings, patience, &guard)?;
    match conn.query_drop(format!("KILL CONNECTION {id}")) {
        Ok(()) => {}
        // The server has noticed that the socket is closed: there is no such connection any more.
        Err(mysql::Error::MySqlError(gone)) if gone.code == NO_SUCH_THREAD => return Ok(()),
        Err(error) => return Err(connecting(&error, &place)),
    }
    let sql = format!("SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = {id}");
    loop {
        match conn.query_first::<u8, _>(sql.as_str()) {
            Ok(None) => return Ok(()),
            Ok(Some(_)) if Instant::now() < until => thread::sleep(LOOK_AGAIN),
            Ok(Some(_)) => {
                return Err(JobError::unreachable(format!(
                    "{place}: connection {id} was killed and is still there"
                )));
            }
            Err(error) => return Err(connecting(&error, &place)),
        }
    }
}
