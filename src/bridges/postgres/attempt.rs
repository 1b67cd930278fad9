//! One attempt to open a session.

use std::sync::Arc;
use std::time::Instant;

use postgres::SimpleQueryMessage;

use super::connection::Connection;
use super::error;
use super::hook::{Encryption, LinkTls, can_be_driven};
use super::link::Link;
use super::options::{Scope, set_texts};
use super::standing::Standing;
use crate::error::JobError;
use crate::job::{JobControl, Phase};

/// What is asked of whom, and for how long.
pub(super) struct Attempt<'a> {
    /// For whom; its end ends the attempt.
    pub(super) job: &'a Arc<JobControl>,
    /// The server, for people.
    pub(super) place: &'a str,
    /// What it must be.
    pub(super) wanted: Standing,
    /// When it is over.
    pub(super) give_up: Instant,
}

/// How a session is to be kept from writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It is read-only from its start, by startup options.
    Session,
    /// Its transactions are.
    Transactions,
}

/// Every new session is asked, whatever was asked of it. By the simple protocol, which every pooler knows.
fn is_read_only(client: &mut postgres::Client) -> Result<bool, postgres::Error> {
    let answer = client.simple_query("SHOW transaction_read_only")?;
    let is_read_only = answer.iter().any(|message| match message {
        SimpleQueryMessage::Row(row) => row.try_get(0).is_ok_and(|value| value == Some("on")),
        _ => false,
    });
    // Otherwise the session may be a pooler's, and others would meet what is set in it.
    if is_read_only {
        client.batch_execute(&set_texts(Scope::Session))?;
    }
    Ok(is_read_only)
}

/// Why there is no session.
pub(super) enum Failure {
    /// The server refused the session, perhaps for its options.
    Refused(JobError),
    /// The server offers TLS, which is not insisted on, and no handshake came about.
    NoHandshake(JobError),
    /// Anything else.
    Job(JobError),
}

impl Attempt<'_> {
    /// Opens the session, with the server and the login of `config`.
    pub(super) fn with(
        &self,
        config: &postgres::Config,
        way: Way,
        encryption: &Encryption,
    ) -> Result<Connection, Failure> {
        let place = self.place;
        can_be_driven().map_err(|error| {
            let problem = format!("{place}: {error}");
            Failure::Job(JobError::unreachable(problem))
        })?;
        let link = Arc::new(Link::default());
        link.serve(Some(self.job));
        let budget = self.give_up.saturating_duration_since(Instant::now());
        let tls = LinkTls {
            link: Arc::clone(&link),
            encryption: encryption.clone(),
            budget,
        };
        let cut = Arc::clone(&link);
        let guard = self
            .job
            .stop_with(move || cut.cut())
            .map_err(Failure::Job)?;
        // It may be stopped like a statement, but it is none.
        self.job.enter(Phase::Connecting);
        let connected = config.connect(tls.clone()).and_then(|mut client| {
            let read_only = match way {
                Way::Session => is_read_only(&mut client)?,
                Way::Transactions => false,
            };
            let fits = self.wanted.fits(&mut client)?;
            Ok((client, read_only, fits))
        });
        drop(guard);
        link.serve(None);
        let error = match connected {
            Ok((_, _, false)) => {
                let problem = format!(
                    "{place}: the server is no {}, which target_session_attrs asks for",
                    self.wanted
                );
                let error = JobError::unreachable(problem);
                return Err(Failure::Job(error));
            }
            Ok((client, read_only, true)) => {
                link.opened();
                return Ok(Connection::new(client, tls, read_only));
            }
            Err(error) => error,
        };
        self.job.check().map_err(Failure::Job)?;
        if let Some(problem) = link.problem() {
            return Err(Failure::Job(problem.at(place)));
        }
        let failure = error::connecting(&error, place);
        if link.has_no_handshake() && matches!(encryption, Encryption::IfOffered(_)) {
            return Err(Failure::NoHandshake(failure));
        }
        match way == Way::Session && may_be_about_options(&error) {
            true => Err(Failure::Refused(failure)),
            false => Err(Failure::Job(failure)),
        }
    }
}

/// Any refusal of a session may be one of its options, but for those that say what else it is about: the password
/// (which must not be tried twice), the database, a server that is full, starts or stops.
fn may_be_about_options(error: &postgres::Error) -> bool {
    error.as_db_error().is_some_and(|db| {
        let state = db.code().code();
        !state.starts_with("28")
            && !state.starts_with("53")
            && !state.starts_with("57")
            && state != "3D000"
    })
}
