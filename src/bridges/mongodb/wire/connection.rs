//! Commands and their answers, one after the other.

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::Instant;

use super::message::{read_message, receive, unreadable, write_message};
use crate::bridges::mongodb::bson::{Document, Fields, Malformed};
use crate::job::JobControl;
use crate::limits;
use crate::net::{Cutter, Link};

/// Why a command has no answer.
#[derive(Debug)]
pub enum Failure {
    /// The connection broke; it is of no more use.
    Io(io::Error),
    /// The answer is not what the protocol says; the connection is of no more use.
    Malformed,
    /// The command is larger than any server takes.
    TooLarge,
    /// The server refuses or broke off the command.
    Server {
        /// Its number for that.
        code: i64,
        /// Its name for that; may be empty.
        name: String,
        /// Its words.
        message: String,
    },
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Malformed> for Failure {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// A connection to one server.
pub struct Connection {
    link: Link,
    cutter: Cutter,
    number: i32,
    buffer: Vec<u8>,
    broken: bool,
}

impl Connection {
    /// Takes over an open link, which `cutter` cuts.
    pub fn new(link: Link, cutter: Cutter) -> Self {
        Self {
            link,
            cutter,
            number: 0,
            buffer: Vec::new(),
            broken: false,
        }
    }

    /// From now on an answer must be there at this point in time.
    pub fn until(&mut self, at: Instant) {
        self.link.until(at);
    }

    /// True when what travels is encrypted.
    pub fn encrypted(&self) -> bool {
        self.link.encrypted()
    }

    /// False once an answer is missing.
    pub fn usable(&self) -> bool {
        !self.broken
    }

    /// What cuts this connection.
    pub fn cutter(&self) -> Cutter {
        self.cutter.clone()
    }

    /// Sends a command and waits for its answer, which says "ok" and is short.
    pub fn command(&mut self, command: &Fields) -> Result<Document<'_>, Failure> {
        self.ask(command, || Err(unreadable()))
    }

    /// The same for a job, whose answers may be large and take turns then.
    pub fn command_of(
        &mut self,
        job: &JobControl,
        command: &Fields,
    ) -> Result<Document<'_>, Failure> {
        self.ask(command, || job.receive_large().map_err(io::Error::other))
    }

    fn ask(
        &mut self,
        command: &Fields,
        may_be_large: impl FnOnce() -> io::Result<()>,
    ) -> Result<Document<'_>, Failure> {
        self.number = self.number.wrapping_add(1);
        write_message(&mut self.buffer, self.number, command);
        if self.buffer.len() > limits::MONGODB_COMMAND {
            return Err(Failure::TooLarge);
        }
        self.broken = true;
        self.link.write_all(&self.buffer)?;
        self.link.flush()?;
        receive(&mut self.link, &mut self.buffer, self.number, may_be_large)?;
        self.broken = false;
        let (_, answer) = read_message(&self.buffer).ok_or(Failure::Malformed)?;
        if answer.flag("ok")? {
            return Ok(answer);
        }
        let text = |name| -> Result<String, Malformed> {
            Ok(answer.text(name)?.map(Cow::into_owned).unwrap_or_default())
        };
        Err(Failure::Server {
            code: answer.whole("code")?.unwrap_or(0),
            name: text("codeName")?,
            message: text("errmsg")?,
        })
    }

    /// Bytes of memory that the last answers have left.
    pub fn kept(&self) -> usize {
        self.buffer.capacity()
    }

    /// Gives the memory of a large answer back.
    pub fn shrink(&mut self) {
        if self.buffer.capacity() > limits::LARGE_ROW {
            self.buffer = Vec::new();
        }
    }
}
