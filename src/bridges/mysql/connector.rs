//! How the pool gets its connections.

use std::sync::Arc;

use crossbeam_channel::{after, bounded, select};

use super::config::Settings;
use super::connect;
use super::connection::Connection;
use super::dial::Patience;
use super::guard::Guard;
use super::stranger;
use crate::bridges::places::Place;
use crate::bridges::pool::{Connector, connect_budget};
use crate::error::{ErrorCode, JobError};
use crate::job::JobControl;
use crate::limits;
use crate::locks::Seats;
use crate::shortage;

/// Opens the connections of one source.
pub(super) struct MySqlConnector {
    /// How to reach it.
    pub(super) settings: Arc<Settings>,
}

impl MySqlConnector {
    /// The driver panicked.
    fn nonsense(&self) -> JobError {
        JobError::unreachable(format!(
            "{}: the server does not speak MySQL's protocol",
            self.settings.address
        ))
    }

    fn late(&self) -> JobError {
        JobError::unreachable(format!(
            "{}: connected to no MySQL server in time",
            self.settings.address
        ))
    }
}

/// Attempts of all sources.
static ATTEMPTS: Seats = Seats::new();

/// Cuts an attempt that nobody waits for; one that has come to its end is not touched.
struct Cut(Guard);

impl Drop for Cut {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

impl Connector for MySqlConnector {
    type Connection = Connection;

    /// The driver resolves, connects and logs in without a look at the job, so it does on a thread of its own, whose
    /// socket is cut when nobody waits any more. Only while it waits for an address to take the connection it cannot
    /// be; there are so few such threads that they do not matter, over all sources together.
    fn connect(&self, job: &Arc<JobControl>, place: &Place) -> Result<Connection, JobError> {
        let budget = connect_budget(job, self.settings.connect)?;
        let Some(attempt) = ATTEMPTS.take(limits::MYSQL_ATTEMPTS) else {
            return Err(JobError::new(
                ErrorCode::Overloaded,
                "too many connections are being opened to MySQL servers that do not answer",
            ));
        };
        let settings = Arc::clone(&self.settings);
        let guard = Guard::new(settings.tls(), Some(job));
        let watched = guard.clone();
        let (answer, answers) = bounded(1);
        let place = place.clone();
        shortage::spawn("mysql-connect", move || {
            let _held = (attempt, place);
            let patience = Patience {
                connect: budget,
                silence: limits::SOURCE_SILENCE,
            };
            // Nobody waits any more when the job has ended: the session is closed right here.
            let _ = answer.send(connect::open(&settings, patience, guard));
        })
        .map_err(|error| JobError::new(ErrorCode::Overloaded, error.to_string()))?;
        let _cut = Cut(watched);
        let over = after(budget);
        let patience = limits::MYSQL_GREETING.min(budget);
        select! {
            recv(answers) -> connection => return connection.unwrap_or_else(|_| Err(self.nonsense())),
            recv(job.aborted()) -> _ => return Err(job.check().err().unwrap_or_else(|| self.late())),
            recv(after(patience)) -> _ => {}
        }
        // The server speaks first in this protocol. One that is silent may be waiting for us to speak first.
        let address = &self.settings.address;
        if let Some(stranger) = stranger::at(address, budget.saturating_sub(patience)) {
            let message =
                format!("{address}: a {stranger} server listens there, which is no MySQL");
            return Err(JobError::new(ErrorCode::SourceConfig, message));
        }
        select! {
            recv(answers) -> connection => connection.unwrap_or_else(|_| Err(self.nonsense())),
            recv(job.aborted()) -> _ => Err(job.check().err().unwrap_or_else(|| self.late())),
            recv(over) -> _ => Err(self.late()),
        }
    }

    fn reusable(&self, connection: &mut Connection) -> bool {
        !connection.spent
    }

    fn kept(&self, connection: &mut Connection) -> usize {
        connection.kept()
    }
}
