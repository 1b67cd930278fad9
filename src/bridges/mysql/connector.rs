//! How the pool gets its connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crossbeam_channel::{after, bounded, select};

use super::config::Settings;
use super::connect::{self, Patience};
use super::connection::Connection;
use super::stranger;
use crate::bridges::pool::{Connector, connect_budget};
use crate::error::{ErrorCode, JobError};
use crate::job::JobControl;
use crate::limits;

/// Opens the connections of one source.
pub(super) struct MySqlConnector {
    settings: Arc<Settings>,
    attempts: Arc<AtomicUsize>,
}

impl MySqlConnector {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            attempts: Arc::default(),
        }
    }

    /// The driver panicked.
    fn nonsense(&self) -> JobError {
        JobError::new(
            ErrorCode::SourceUnreachable,
            format!(
                "{}: the server does not speak MySQL's protocol",
                self.settings.address
            ),
        )
    }

    fn late(&self) -> JobError {
        JobError::new(
            ErrorCode::SourceUnreachable,
            format!(
                "{}: connected to no MySQL server in time",
                self.settings.address
            ),
        )
    }
}

/// Counts one attempt while it lasts.
struct Attempt(Arc<AtomicUsize>);

impl Drop for Attempt {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connector for MySqlConnector {
    type Connection = Connection;

    /// The driver cannot be made to give up on a server that accepts a connection and then says nothing, so
    /// it connects on a thread of its own. When time is up that thread is left behind until the silence has
    /// been long enough; a source for which too many of them are left gets no more.
    fn connect(&self, job: &Arc<JobControl>) -> Result<Connection, JobError> {
        let budget = connect_budget(job, self.settings.connect)?;
        let before = self.attempts.fetch_add(1, Ordering::Relaxed);
        let attempt = Attempt(Arc::clone(&self.attempts));
        if before >= self.settings.pool * 2 {
            return Err(self.late());
        }
        let settings = Arc::clone(&self.settings);
        let (answer, answers) = bounded(1);
        thread::Builder::new()
            .name("mysql-connect".into())
            .spawn(move || {
                let _attempt = attempt;
                let patience = Patience {
                    connect: budget,
                    silence: limits::SOURCE_SILENCE,
                };
                // Nobody waits any more when the job has ended: the session is closed right here.
                let _ = answer.send(connect::open(&settings, patience));
            })
            .map_err(|error| {
                JobError::new(
                    ErrorCode::Overloaded,
                    format!("no thread to connect on: {error}"),
                )
            })?;
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
}
