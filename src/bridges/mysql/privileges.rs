//! What the account may do beyond reading, as its grants say.

use super::connection::{Connection, text};
use crate::bridges::grants::phrase;
use crate::error::JobError;
use crate::job::Privileges;

/// Rights that read, or that show what there is.
const READING: [&str; 8] = [
    "USAGE",
    "SELECT",
    "SHOW VIEW",
    "SHOW DATABASES",
    "SHOW CREATE ROUTINE",
    "SHOW_ROUTINE",
    "PROCESS",
    "REPLICATION CLIENT",
];

/// Asks the server about the account of this connection.
pub(super) fn ask(connection: &mut Connection) -> Result<Privileges, JobError> {
    let mut privileges = Privileges::default();
    connection.table("SELECT CURRENT_USER()", Vec::new(), |row| {
        privileges.role = text(row, 0);
        Ok(())
    })?;
    connection.table("SHOW GRANTS", Vec::new(), |row| {
        privileges
            .beyond_reading
            .extend(phrase(&text(row, 0), &READING));
        Ok(())
    })?;
    Ok(privileges)
}
