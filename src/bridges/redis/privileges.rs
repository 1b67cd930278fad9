//! What a user may do beyond reading. The rules of a user are for administrators to see, but every command that
//! is queued in a transaction is checked against them at once, and a transaction that is discarded has done
//! nothing.

use super::error;
use crate::bridges::keyvalue::{Command, Reply, Store, Trouble};
use crate::error::JobError;
use crate::job::Privileges;
use crate::limits;

/// Commands that a reader needs none of, and what they do.
const BEYOND: &[(&str, &[&str])] = &[
    ("write keys", &["SET", "semilayer-runner", ""]),
    ("delete keys", &["DEL", "semilayer-runner"]),
    ("run scripts", &["EVAL", "return 1", "0"]),
    ("empty databases", &["FLUSHALL"]),
    (
        "change the server's settings",
        &["CONFIG", "SET", "timeout", "0"],
    ),
    ("change users", &["ACL", "SETUSER", "semilayer-runner"]),
];

/// Asks for the rights of the connection's user.
pub(super) fn ask(session: &mut dyn Store) -> Result<Privileges, JobError> {
    let command = |parts: &[&str]| {
        let mut parts = parts.iter();
        let name = parts.next().copied().unwrap_or_default();
        parts.fold(Command::new(name), |command, part| command.arg(*part))
    };
    let replies = session.ask(
        &[command(&["ACL", "WHOAMI"]), command(&["MULTI"])],
        limits::STORE_REPLY_BYTES,
    );
    let replies = replies.map_err(job_error)?;
    let [who, multi] = replies.as_slice() else {
        return Ok(Privileges::default());
    };
    let role = match who {
        Reply::Bytes(name) => String::from_utf8_lossy(name).into_owned(),
        _ => String::new(),
    };
    let mut beyond_reading = Vec::new();
    // Outside of a transaction the commands would be run.
    if !matches!(multi, Reply::Error(_)) {
        let commands: Vec<_> = BEYOND
            .iter()
            .map(|(_, parts)| command(parts))
            .chain([command(&["DISCARD"])])
            .collect();
        let replies = session
            .ask(&commands, limits::STORE_REPLY_BYTES)
            .map_err(job_error)?;
        let allowed = BEYOND.iter().zip(&replies);
        beyond_reading = allowed
            .filter(|(_, reply)| matches!(reply, Reply::Status(word) if word == "QUEUED"))
            .map(|((phrase, _), _)| (*phrase).to_owned())
            .collect();
    }
    Ok(Privileges {
        role,
        beyond_reading,
    })
}

fn job_error(trouble: Trouble) -> JobError {
    match trouble {
        Trouble::Job(error) => error,
        Trouble::TooLarge => error::refused("ERR the answer is longer than it may be"),
    }
}
