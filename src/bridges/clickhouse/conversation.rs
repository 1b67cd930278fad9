//! One conversation with the server: statements one after the other, each of which can be stopped.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use super::config::Settings;
use super::error::{Exception, Failure};
use super::lines::read_lines;
use super::request::{Allowed, Composed, Leave, compose};
use crate::bridges::places::Place;
use crate::bridges::pool::Connector;
use crate::error::{JobError, Retry};
use crate::job::JobControl;
use crate::limits;
use crate::net::http::{Answer, Client, HttpError, Method, Request};
use crate::sql::Statement;

/// What the conversations of one source share.
pub(super) struct Server {
    /// How to reach it.
    pub(super) settings: Settings,
    /// What it lets its user set.
    leave: Leave,
}

impl Server {
    /// A server that nobody has asked anything yet.
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            leave: Leave::default(),
        }
    }
}

/// A connection, which is made when it is first used and kept while the server keeps it.
pub(super) struct Conversation {
    client: Client,
    server: Arc<Server>,
}

/// Makes conversations.
pub(super) struct Conversations(pub(super) Arc<Server>);

impl Connector for Conversations {
    type Connection = Conversation;

    fn connect(&self, job: &Arc<JobControl>, _: &Place) -> Result<Conversation, JobError> {
        job.check()?;
        let Settings { peer, connect, .. } = &self.0.settings;
        Ok(Conversation {
            client: Client::new(peer.clone(), *connect),
            server: Arc::clone(&self.0),
        })
    }

    fn reusable(&self, conversation: &mut Conversation) -> bool {
        !conversation.client.cutter().is_cut()
    }
}

impl Conversation {
    /// True when it is encrypted.
    pub(super) fn encrypted(&self) -> bool {
        self.client.encrypted()
    }

    /// Runs a statement of a job and hands over its rows.
    pub(super) fn ask(
        &mut self,
        job: &JobControl,
        statement: &Statement,
        each: &mut dyn FnMut(&str) -> Result<(), JobError>,
    ) -> Result<(), Failure> {
        loop {
            let allowed = self.server.leave.allowed();
            let asked = self.ask_once(job, statement, allowed, each);
            let less = match &asked {
                Err(Failure::Exception(exception)) => settle_for(allowed, exception),
                _ => None,
            };
            match less {
                // Nothing of an answer has come: settings are looked at first.
                Some(less) => {
                    log::debug!("the server allows less than was asked for: {less:?}");
                    self.server.leave.settle_for(less);
                }
                None => return asked,
            }
        }
    }

    fn ask_once(
        &mut self,
        job: &JobControl,
        statement: &Statement,
        allowed: Allowed,
        each: &mut dyn FnMut(&str) -> Result<(), JobError>,
    ) -> Result<(), Failure> {
        log::trace!("{}", statement.sql);
        let id = new_id();
        let time = job.remaining()?;
        let composed = compose(&self.server.settings, statement, &id, allowed, time);
        let guard = job.stop_with({
            let cutter = self.client.cutter();
            let server = Arc::clone(&self.server);
            move || {
                cutter.cut();
                kill(&server.settings, &id);
            }
        })?;
        let until = job.deadline();
        let asked = send(&mut self.client, &self.server.settings, &composed, until);
        let place = || self.server.settings.place();
        let asked = match asked {
            Err(error) => Err(unanswered(error, &place())),
            Ok(mut answer) => match answer.status() {
                200 => read_lines(&mut answer, job, each),
                status => {
                    let body = answer.whole(limits::EXCEPTION_BYTES)?;
                    Err(located(Failure::refused(status, &body), &place()))
                }
            },
        };
        guard.finish();
        // What ended the job is why its link was cut.
        asked.map_err(|failure| match failure {
            Failure::Job(error) => Failure::Job(job.remaining().err().unwrap_or(error)),
            exception @ Failure::Exception(_) => match job.check() {
                Err(ended) => Failure::Job(ended),
                Ok(()) => exception,
            },
        })
    }
}

fn send<'c>(
    client: &'c mut Client,
    settings: &Settings,
    composed: &Composed,
    until: Instant,
) -> Result<Answer<'c>, HttpError> {
    let credentials = settings.credentials.iter();
    let mut headers: Vec<_> = credentials
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    if let Some(kind) = &composed.content_type {
        headers.push(("Content-Type", kind));
    }
    let request = Request {
        method: composed.method,
        path: &composed.path,
        headers: &headers,
        body: &composed.body,
        repeatable: true,
    };
    client.send(&request, until)
}

/// What to ask for after an exception about a setting.
fn settle_for(allowed: Allowed, exception: &Exception) -> Option<Allowed> {
    match allowed {
        Allowed::Nothing => None,
        _ if exception.is_fixed_setting() => Some(Allowed::Nothing),
        Allowed::Everything if exception.is_unknown_setting() => Some(Allowed::Basics),
        Allowed::Everything | Allowed::Basics => None,
    }
}

/// A request to which nothing was answered. A connection that broke may be replaced.
fn unanswered(error: HttpError, place: &str) -> Failure {
    let again = error.retryable() && !matches!(error, HttpError::Dial(_));
    let error = JobError::unreachable(JobError::from(error).message).at(place);
    Failure::Job(match again {
        true => error.with(Retry::NewConnection),
        false => error,
    })
}

/// Says where, for what the operator of the source has to see to.
fn located(failure: Failure, place: &str) -> Failure {
    let error = JobError::from(match failure {
        Failure::Exception(exception) if !exception.is_no_login() => {
            return Failure::Exception(exception);
        }
        failure => failure,
    });
    Failure::Job(JobError::new(error.code, error.message).at(place))
}

/// Ends a statement from another connection: closing the one it came in on may not end it. A statement that has only
/// just arrived is not known to the server yet, or not begun, and it then says that it is to be told again.
fn kill(settings: &Settings, id: &str) {
    // A GET would be read-only, and in some versions refused.
    let composed = Composed {
        method: Method::Post,
        path: "/".to_owned(),
        content_type: None,
        body: format!("KILL QUERY WHERE query_id = '{id}' ASYNC").into_bytes(),
    };
    let mut client = Client::new(settings.peer.clone(), limits::STOP_BUDGET);
    let until = Instant::now() + limits::STOP_BUDGET;
    for _ in 0..limits::KILL_ATTEMPTS {
        let answer = send(&mut client, settings, &composed, until);
        let killed = answer.and_then(|mut answer| {
            let good = answer.status() == 200;
            let state = answer.whole(limits::EXCEPTION_BYTES)?;
            Ok(!good || state.starts_with(b"waiting") || state.starts_with(b"finished"))
        });
        match killed {
            Ok(false) => thread::sleep(limits::KILL_PAUSE),
            Ok(true) => return,
            Err(error) => return log::debug!("a statement was not killed: {error}"),
        }
    }
}

/// A name that no other statement has. The hashers' seeds are all the randomness that the standard library has.
fn new_id() -> String {
    let half = || RandomState::new().hash_one(std::process::id());
    format!("semilayer-runner-{:016x}{:016x}", half(), half())
}
