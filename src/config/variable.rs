//! What there is to know about a variable of the environment.

use crate::words::words;

words! {
    /// What a variable is about; the help shows those of one topic together.
    Topic {
        /// Who the runner is.
        Identity = "Who the runner is",
        /// The gateway and the way to it.
        Gateway = "The gateway",
        /// The databases.
        Sources = "Sources",
        /// What jobs may touch, and what is kept of them.
        Oversight = "Policy and audit",
        /// How much is done at a time.
        Work = "Jobs",
        /// Log, standard output, health listener.
        Watching = "Watching it",
    }
}

/// How much of a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// All of it.
    Open,
    /// A URL, without user, password and query.
    Address,
    /// A token: its beginning and its end.
    Token,
    /// Nothing but whether it is set.
    Secret,
}

/// A variable.
#[derive(Debug)]
pub struct Variable {
    /// Its name; `<…>` stands for what the reader puts there.
    pub name: &'static str,
    /// What it is about.
    pub topic: Topic,
    /// What it is when it is not set; empty where there is nothing to say.
    pub default: &'static str,
    /// What it says, in a line.
    pub meaning: &'static str,
    /// How much of it may be shown.
    pub privacy: Privacy,
}
