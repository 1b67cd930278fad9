//! One open session with a server, and the commands of a job on it. Every job's commands carry the session's number,
//! so that they can be ended from another connection.

use std::sync::Arc;
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

use super::bson::{Bson, Document, Fields, Value, fields, list};
use super::config::{Address, ReadMode, Settings};
use super::error::{connecting, executing};
use super::greet::greet;
use super::round::Met;
use super::topology::{Greeting, Role};
use super::wire::{Connection, Failure};
use crate::error::{ErrorCode, JobError};
use crate::job::JobControl;
use crate::limits;
use crate::net::{Budget, Cutter};

/// An open session.
pub struct Session {
    settings: Arc<Settings>,
    address: Address,
    connection: Connection,
    greeting: Greeting,
    /// The session's number; `None` where there are no sessions.
    number: Option<Bson>,
}

impl Session {
    /// Logs in with a server that was met.
    pub fn open(settings: &Arc<Settings>, met: Met) -> Result<Self, JobError> {
        let Met {
            address,
            mut connection,
            greeting,
            ..
        } = met;
        log_in(settings, &address, &mut connection, &greeting)?;
        let number = if greeting.sessions {
            Some(new_number()?)
        } else {
            None
        };
        Ok(Self {
            settings: Arc::clone(settings),
            address,
            connection,
            greeting,
            number,
        })
    }

    /// Runs the commands of one job; they can be stopped meanwhile.
    pub fn job<T>(
        &mut self,
        job: &JobControl,
        work: impl FnOnce(&mut Operation<'_>) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let guard = job.stop_with(self.stopper())?;
        // Whoever ends the job at its deadline does so before this wait is over, and ends it on the server as well.
        self.connection.until(job.deadline() + limits::STOP_BUDGET);
        let result = work(&mut Operation { session: self, job });
        self.connection.shrink();
        if guard.finish() {
            // Whoever stopped the job has ended it; the connection is cut.
            job.check()?;
        }
        result
    }

    /// False when the connection must be closed.
    pub fn reusable(&self) -> bool {
        self.connection.usable()
    }

    /// Bytes of memory that it keeps while it is idle.
    pub fn kept(&self) -> usize {
        self.connection.kept()
    }

    /// Cuts the connection, then ends on the server whatever the session runs there. A server notices a closed
    /// connection by itself, but not at once, and not behind a proxy.
    fn stopper(&self) -> impl FnOnce() + Send + 'static {
        let cutter = self.connection.cutter();
        let settings = Arc::clone(&self.settings);
        let (address, number) = (self.address.clone(), self.number.clone());
        move || {
            cutter.cut();
            if let Some(number) = number
                && let Err(error) = kill(&settings, &address, number)
            {
                log::warn!("an operation could not be ended: {}", error.message);
            }
        }
    }
}

/// Ends what a session of the same user runs, from another connection.
fn kill(settings: &Settings, address: &Address, number: Bson) -> Result<(), JobError> {
    let budget = Budget::new(limits::STOP_BUDGET);
    let (mut connection, greeting) = greet(settings, address, budget, Cutter::default())?;
    log_in(settings, address, &mut connection, &greeting)?;
    let command = fields! { "killSessions": list![fields! { "id": number }], "$db": "admin" };
    let failed = |failure| connecting(failure, &address.to_string());
    connection.command(&command).map(drop).map_err(failed)
}

fn log_in(
    settings: &Settings,
    address: &Address,
    connection: &mut Connection,
    greeting: &Greeting,
) -> Result<(), JobError> {
    match &settings.credentials {
        // Whose only task is to vote has no users to know.
        Some(credentials) if greeting.role != Role::Other => credentials
            .log_in(connection, &greeting.mechanisms)
            .map_err(|failure| connecting(failure, &address.to_string())),
        _ => Ok(()),
    }
}

/// A random UUID.
fn new_number() -> Result<Bson, JobError> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| JobError::new(ErrorCode::Internal, "the system has no random numbers"))?;
    Ok(Bson::Binary(4, bytes.to_vec()))
}

/// The commands of one job.
pub struct Operation<'a> {
    session: &'a mut Session,
    job: &'a JobControl,
}

impl Operation<'_> {
    /// The newest form of the protocol that the server speaks, which tells its version.
    pub fn wire(&self) -> i64 {
        self.session.greeting.wire
    }

    /// True when the connection is encrypted.
    pub fn encrypted(&self) -> bool {
        self.session.connection.encrypted()
    }

    /// Runs a command on the job's database.
    pub fn run(&mut self, command: Fields) -> Result<Document<'_>, JobError> {
        let command = self.with_session(command);
        self.send(&command)
    }

    /// Runs a command that answers with a cursor, and hands over its documents as they come. Never more than one
    /// batch is held, and batches are cut by bytes, so that a reader that stalls holds little.
    pub fn documents(
        &mut self,
        collection: &str,
        command: Fields,
        each: &mut dyn FnMut(Document<'_>) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let mut command = self.reading(command)?;
        let mut place = "firstBatch";
        loop {
            let answer = self.send(&command)?;
            let batch = hand_over(answer, place, each);
            let (cursor, size) = match batch {
                Ok((0, _)) => return Ok(()),
                Ok(batch) => batch,
                Err((cursor, error)) => {
                    self.give_up(collection, cursor);
                    return Err(error);
                }
            };
            place = "nextBatch";
            command = self.with_session(fields! {
                "getMore": cursor, "collection": collection, "batchSize": size,
            });
        }
    }

    /// Closes a cursor that was not read to its end. Of a job that was ended elsewhere the whole session is
    /// ended, and the connection closed.
    fn give_up(&mut self, collection: &str, cursor: i64) {
        if cursor != 0 && self.session.connection.usable() && !self.job.is_aborted() {
            let command = fields! { "killCursors": collection, "cursors": list![cursor] };
            if let Err(error) = self.run(command) {
                log::debug!("a cursor could not be closed: {}", error.message);
            }
        }
    }

    fn send(&mut self, command: &Fields) -> Result<Document<'_>, JobError> {
        let job = self.job;
        let connection = &mut self.session.connection;
        connection.command_of(job, command).map_err(|failure| {
            // What was broken off because the job is over has no error of its own.
            job.remaining().err().unwrap_or_else(|| executing(failure))
        })
    }

    fn with_session(&self, mut command: Fields) -> Fields {
        let session = &self.session;
        if let Some(number) = &session.number {
            command.push("lsid", fields! { "id": number.clone() });
        }
        command.with("$db", session.settings.database.as_str())
    }

    fn reading(&self, mut command: Fields) -> Result<Fields, JobError> {
        let settings = &self.session.settings;
        // At least 1: 0 means no limit.
        let left = self.job.remaining()?.max(Duration::from_millis(1));
        command.push(
            "maxTimeMS",
            i64::try_from(left.as_millis())
                .unwrap_or(i64::MAX)
                .min(i32::MAX.into()),
        );
        if let Some(level) = &settings.read_concern {
            command.push("readConcern", fields! { "level": level.as_str() });
        }
        let mut command = self.with_session(command);
        if let Some(preference) = read_preference(settings, self.session.greeting.role) {
            command.push("$readPreference", preference);
        }
        Ok(command)
    }
}

/// What a member that is not the primary must be told so that it answers, and a router so that it knows whom to ask.
fn read_preference(settings: &Settings, role: Role) -> Option<Fields> {
    let read = &settings.read;
    match role {
        Role::Standalone => None,
        // Exactly this one was asked for.
        Role::Primary | Role::Secondary | Role::Other if settings.direct => {
            Some(fields! { "mode": "primaryPreferred" })
        }
        _ if read.mode == ReadMode::Primary => None,
        _ => {
            let mut preference = fields! { "mode": read.mode.as_str() };
            if !read.tags.is_empty() {
                let sets = read.tags.iter().map(|tags| {
                    let tags = tags
                        .iter()
                        .map(|(name, value)| (name.clone(), value.as_str().into()));
                    Fields(tags.collect())
                });
                preference.push("tags", sets.collect::<Vec<_>>());
            }
            if let Some(most) = read.max_staleness {
                preference.push("maxStalenessSeconds", most.as_secs());
            }
            Some(preference)
        }
    }
}

/// Hands over the documents of a batch. Tells the cursor's number, 0 when it is at its end, and how many documents
/// the next batch should have.
fn hand_over(
    answer: Document<'_>,
    place: &str,
    each: &mut dyn FnMut(Document<'_>) -> Result<(), JobError>,
) -> Result<(i64, u64), (i64, JobError)> {
    let malformed = |cursor| move |_| (cursor, executing(Failure::Malformed));
    let cursor = answer.document("cursor").map_err(malformed(0))?;
    let cursor = cursor.ok_or_else(|| (0, executing(Failure::Malformed)))?;
    let number = cursor.whole("id").map_err(malformed(0))?.unwrap_or(0);
    let mut count = 0;
    let Some(batch) = cursor.document(place).map_err(malformed(number))? else {
        return Err((number, executing(Failure::Malformed)));
    };
    for element in batch.elements() {
        match element
            .and_then(|element| element.value())
            .map_err(malformed(number))?
        {
            Value::Document(document) => each(document).map_err(|error| (number, error))?,
            _ => return Err((number, executing(Failure::Malformed))),
        }
        count += 1;
    }
    let size = (batch.bytes().len() / count.max(1)).max(1);
    let next = (limits::MONGODB_BATCH / size).clamp(1, limits::MONGODB_BATCH_DOCUMENTS);
    Ok((number, u64::try_from(next).unwrap_or(1)))
}
