//! What there is to know about a variable of the environment.

/// What a variable is about; the help shows those of one topic together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Who the runner is.
    Identity,
    /// The gateway and the way to it.
    Gateway,
    /// The databases.
    Sources,
    /// What jobs may touch, and what is kept of them.
    Oversight,
    /// How much is done at a time.
    Work,
    /// Log, standard output, health listener.
    Watching,
}

impl Topic {
    /// In the order of the help.
    pub const ALL: [Self; 6] = [
        Self::Identity,
        Self::Gateway,
        Self::Sources,
        Self::Oversight,
        Self::Work,
        Self::Watching,
    ];

    /// As a heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Identity => "Who the runner is",
            Self::Gateway => "The gateway",
            Self::Sources => "Sources",
            Self::Oversight => "Policy and audit",
            Self::Work => "Jobs",
            Self::Watching => "Watching it",
        }
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
