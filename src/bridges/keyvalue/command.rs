//! What a store is asked, and what it says.

use crate::bridges::keyvalue::Reading;
use crate::error::JobError;
use crate::job::{Privileges, ServerFacts};
use crate::limits;

/// A command: its name and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command(pub Vec<Vec<u8>>);

impl Command {
    /// A command without arguments yet.
    pub fn new(name: &str) -> Self {
        Self(vec![name.as_bytes().to_vec()])
    }

    /// With one more argument.
    pub fn arg(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.0.push(argument.into());
        self
    }
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Nothing.
    Nil,
    /// A word such as `OK`.
    Status(String),
    /// A number.
    Int(i64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Reply>),
    /// The command was refused: a word in capitals, then a sentence.
    Error(String),
}

impl Reply {
    /// The members of a list; none of anything else.
    pub fn into_list(self) -> Vec<Reply> {
        match self {
            Self::List(members) => members,
            _ => Vec::new(),
        }
    }

    /// The bytes, also of a word or a number.
    pub fn into_bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Status(word) => Some(word.into_bytes()),
            Self::Int(number) => Some(number.to_string().into_bytes()),
            Self::Nil | Self::List(_) | Self::Error(_) => None,
        }
    }
}

/// Why there are no replies.
#[derive(Debug)]
pub enum Trouble {
    /// They are longer than what was allowed. Asked for less, the store may do better.
    TooLarge,
    /// The job has ended with this.
    Job(JobError),
}

impl From<JobError> for Trouble {
    fn from(error: JobError) -> Self {
        Self::Job(error)
    }
}

/// A connection to a store.
pub trait Store {
    /// Runs commands in one round trip and returns as many replies, of so many bytes together at most.
    fn ask(&mut self, commands: &[Command], most: usize) -> Result<Vec<Reply>, Trouble>;

    /// The job's error for a command that was refused.
    fn refused(&self, error: &str) -> JobError;

    /// What the server says of itself.
    fn facts(&mut self) -> Result<ServerFacts, JobError>;

    /// What the user may do beyond reading.
    fn privileges(&mut self) -> Result<Privileges, JobError>;

    /// How its values are read.
    fn reading(&self) -> Reading;

    /// False for a key that it cannot be asked about.
    fn can_name(&self, _key: &[u8]) -> bool {
        true
    }

    /// The largest value it is asked for.
    fn largest(&self) -> usize {
        limits::VALUE_BYTES
    }

    /// Runs one command whose reply is short, and takes no refusal.
    fn ask_one(&mut self, command: Command, most: usize) -> Result<Reply, Trouble> {
        let replies = self.ask(&[command], most)?;
        match replies.into_iter().next() {
            Some(Reply::Error(error)) => Err(self.refused(&error).into()),
            Some(reply) => Ok(reply),
            None => Ok(Reply::Nil),
        }
    }
}
