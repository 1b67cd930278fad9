//! What the role may do beyond reading.

use super::connection::Connection;
use super::error;
use crate::error::JobError;
use crate::job::Privileges;

/// The role's own attributes, and how many of the tables it can see it may change.
const RIGHTS: &str = "WITH tables AS ( \
     SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema') \
     SELECT current_user::text, \
     r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls, \
     pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), \
     (SELECT pg_catalog.count(*) FROM tables WHERE pg_catalog.has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE') \
      OR pg_catalog.has_any_column_privilege(oid, 'INSERT, UPDATE')), \
     (SELECT pg_catalog.count(*) FROM tables), \
     (SELECT pg_catalog.count(*) FROM pg_catalog.pg_namespace WHERE nspname NOT LIKE 'pg\\_%' \
      AND nspname <> 'information_schema' AND pg_catalog.has_schema_privilege(oid, 'CREATE')), \
     (SELECT pg_catalog.count(*) FROM pg_catalog.pg_roles g WHERE g.rolname IN \
      ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program') \
      AND pg_catalog.pg_has_role(g.oid, 'USAGE')) \
     FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";

/// Asks the server about the role of this connection.
pub fn ask(connection: &mut Connection) -> Result<Privileges, JobError> {
    let mut privileges = Privileges::default();
    connection.rows(RIGHTS, &[], |row| {
        let get = |e: postgres::Error| error::executing(&e);
        let flag = |i: usize| row.try_get::<_, Option<bool>>(i).map_err(get);
        let number = |i: usize| row.try_get::<_, i64>(i).map_err(get);
        let rights = Rights {
            superuser: flag(1)? == Some(true),
            create_roles: flag(2)? == Some(true),
            create_databases: flag(3)? == Some(true),
            replicate: flag(4)? == Some(true),
            bypass_row_security: flag(5)? == Some(true),
            create_schemas: flag(6)? == Some(true),
            writable: number(7)?,
            tables: number(8)?,
            schemas: number(9)?,
            server_roles: number(10)?,
        };
        privileges = Privileges {
            role: row.try_get(0).map_err(get)?,
            beyond_reading: rights.phrases(),
        };
        Ok(())
    })?;
    Ok(privileges)
}

#[derive(Default)]
struct Rights {
    superuser: bool,
    create_roles: bool,
    create_databases: bool,
    replicate: bool,
    bypass_row_security: bool,
    create_schemas: bool,
    writable: i64,
    tables: i64,
    schemas: i64,
    server_roles: i64,
}

impl Rights {
    fn phrases(&self) -> Vec<String> {
        if self.superuser {
            // Nothing that follows would add to that.
            return vec!["do anything (superuser)".to_owned()];
        }
        let mut phrases = Vec::new();
        if self.writable > 0 {
            phrases.push(format!(
                "write to {} of {} tables",
                self.writable, self.tables
            ));
        }
        if self.schemas > 0 {
            phrases.push(format!("create objects in {} schemas", self.schemas));
        }
        for (may, what) in [
            (self.create_schemas, "create schemas"),
            (self.create_roles, "create roles"),
            (self.create_databases, "create databases"),
            (self.replicate, "replicate the whole server"),
            (self.bypass_row_security, "bypass row security"),
            (
                self.server_roles > 0,
                "act as a pg_write_… or pg_execute_server_program role",
            ),
        ] {
            if may {
                phrases.push(what.to_owned());
            }
        }
        phrases
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_that_only_reads_has_nothing_to_tell() {
        let reader = Rights {
            tables: 7,
            ..Rights::default()
        };
        assert!(reader.phrases().is_empty());
    }

    #[test]
    fn a_superuser_is_told_in_one_phrase() {
        let superuser = Rights {
            superuser: true,
            create_roles: true,
            writable: 7,
            ..Rights::default()
        };
        assert_eq!(superuser.phrases(), ["do anything (superuser)"]);
        let writer = Rights {
            writable: 2,
            tables: 7,
            create_databases: true,
            ..Rights::default()
        };
        assert_eq!(
            writer.phrases(),
            ["write to 2 of 7 tables", "create databases"]
        );
    }
}
