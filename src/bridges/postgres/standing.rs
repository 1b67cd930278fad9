//! Which of several servers will do (`target_session_attrs`). The driver would ask whether a session can write, which
//! none of ours can; what is meant is whether the server is one that others follow.

use std::fmt;

use postgres::SimpleQueryMessage;

/// A server among those that follow each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Standing {
    /// Any.
    #[default]
    Any,
    /// One that others follow.
    Primary,
    /// One that follows.
    Standby,
    /// One that follows if there is one, else any.
    StandbyFirst,
}

impl Standing {
    /// libpq's words. Every session of ours only reads, so `read-only` leaves the choice to us.
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "any" => Self::Any,
            "primary" | "read-write" => Self::Primary,
            "standby" => Self::Standby,
            "prefer-standby" | "read-only" => Self::StandbyFirst,
            _ => return None,
        })
    }

    /// What to look for, in turn.
    pub fn turns(self) -> &'static [Self] {
        match self {
            Self::Any => &[Self::Any],
            Self::Primary => &[Self::Primary],
            Self::Standby => &[Self::Standby],
            Self::StandbyFirst => &[Self::Standby, Self::Any],
        }
    }

    /// Whether this session's server will do. By the simple protocol, which every pooler knows.
    pub fn fits(self, client: &mut postgres::Client) -> Result<bool, postgres::Error> {
        let follows = match self {
            Self::Any | Self::StandbyFirst => return Ok(true),
            Self::Primary => "f",
            Self::Standby => "t",
        };
        let answer = client.simple_query("SELECT pg_catalog.pg_is_in_recovery()")?;
        Ok(answer.iter().any(|message| match message {
            SimpleQueryMessage::Row(row) => {
                row.try_get(0).is_ok_and(|value| value == Some(follows))
            }
            _ => false,
        }))
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "server",
            Self::Primary => "primary",
            Self::Standby | Self::StandbyFirst => "standby",
        })
    }
}
