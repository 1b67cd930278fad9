//! One open connection and the commands of a job on it.

use std::io::{self, BufReader, Write};
use std::time::Instant;

use super::error;
use super::privileges;
use super::resp::{Allowance, read_reply, write_command};
use crate::bridges::keyvalue::{Command, Reading, Reply, Store, Trouble};
use crate::error::JobError;
use crate::job::{JobControl, KeptBy, Privileges, ServerFacts};
use crate::limits;
use crate::net::{Cutter, Link};

/// An open connection.
pub struct Session {
    stream: BufReader<Link>,
    cutter: Cutter,
    /// What the server said of itself when it was connected to.
    pub version: String,
    /// Replies are still to come. Whoever asks next would hear them.
    pending: bool,
}

impl Session {
    /// Takes over a new connection.
    pub fn new(link: Link, cutter: Cutter) -> Self {
        Self {
            stream: BufReader::with_capacity(limits::HTTP_BUFFER, link),
            cutter,
            version: String::new(),
            pending: false,
        }
    }

    /// Runs the commands of one job: its end cuts the connection.
    pub fn job<T>(
        &mut self,
        job: &JobControl,
        work: impl FnOnce(&mut Asking<'_>) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let cutter = self.cutter.clone();
        let guard = job.stop_with(move || cutter.cut())?;
        // Whoever ends the job at its deadline does so before this wait is over.
        self.until(job.deadline() + limits::STOP_BUDGET);
        let result = work(&mut Asking { session: self, job });
        if guard.finish() {
            job.check()?;
        }
        result
    }

    /// Everything must be over by then.
    pub fn until(&mut self, at: Instant) {
        self.stream.get_mut().until(at);
    }

    /// True when the connection is encrypted.
    pub fn encrypted(&self) -> bool {
        self.stream.get_ref().encrypted()
    }

    /// False when the connection must be closed.
    pub fn reusable(&self) -> bool {
        !self.pending && !self.cutter.is_cut() && self.stream.buffer().is_empty()
    }

    /// Sends commands and reads their replies.
    ///
    /// # Errors
    /// Of the connection. A refusal is a reply.
    pub fn exchange(
        &mut self,
        commands: &[Command],
        allowance: &mut Allowance<'_>,
    ) -> io::Result<Vec<Reply>> {
        let mut text = Vec::new();
        for command in commands {
            write_command(&mut text, command);
        }
        self.pending = true;
        let link = self.stream.get_mut();
        link.write_all(&text)?;
        link.flush()?;
        let mut replies = Vec::with_capacity(commands.len());
        for _ in commands {
            replies.push(read_reply(&mut self.stream, allowance)?);
        }
        self.pending = false;
        Ok(replies)
    }
}

/// A session during one job.
pub struct Asking<'s> {
    session: &'s mut Session,
    job: &'s JobControl,
}

impl Store for Asking<'_> {
    fn ask(&mut self, commands: &[Command], most: usize) -> Result<Vec<Reply>, Trouble> {
        let mut allowance = Allowance::of(self.job, most);
        let replies = self.session.exchange(commands, &mut allowance);
        let replies = replies.map_err(|error| error::broken(&error))?;
        if allowance.exceeded {
            return Err(Trouble::TooLarge);
        }
        Ok(replies)
    }

    fn refused(&self, error: &str) -> JobError {
        error::refused(error)
    }

    fn facts(&mut self) -> Result<ServerFacts, JobError> {
        let version = match self.session.version.as_str() {
            "" => "Redis",
            version => version,
        };
        Ok(ServerFacts {
            version: version.to_owned(),
            tls: self.session.encrypted(),
            read_only: privileges::ask(self)?.beyond_reading.is_empty(),
            kept_by: KeptBy::Role,
        })
    }

    fn privileges(&mut self) -> Result<Privileges, JobError> {
        privileges::ask(self)
    }

    fn reading(&self) -> Reading {
        Reading::Once
    }
}
