//! What the user may do beyond reading, as its grants say.

use super::statements::{ClickHouseSession, plain};
use crate::bridges::grants::phrase;
use crate::error::JobError;
use crate::job::Privileges;

/// The version of the server, and the level at which the session is read-only.
pub(super) const SERVER: &str =
    "SELECT version() AS v, (SELECT value FROM system.settings WHERE name = 'readonly') AS r";

/// Rights that read, or that show what there is.
const READING: [&str; 10] = [
    "SELECT",
    "SHOW",
    "SHOW DATABASES",
    "SHOW TABLES",
    "SHOW COLUMNS",
    "SHOW DICTIONARIES",
    "SHOW ACCESS",
    "dictGet",
    "KILL QUERY",
    "USAGE",
];

/// Asks the server about the user of this session.
pub(super) fn ask(session: &mut ClickHouseSession<'_>) -> Result<Privileges, JobError> {
    let mut privileges = Privileges::default();
    session.each_row(&plain("SELECT currentUser() AS u"), 1, &mut |row| {
        privileges.role = row.string(0)?;
        Ok(())
    })?;
    session.each_row(&plain("SHOW GRANTS"), 1, &mut |row| {
        privileges
            .beyond_reading
            .extend(phrase(&row.string(0)?, &READING));
        Ok(())
    })?;
    Ok(privileges)
}
