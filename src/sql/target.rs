//! Names of targets. Both rules are the official ones; what they reject never reaches the database.

use crate::error::JobError;
use crate::options::is_identifier;

/// A target of bridge-postgres: `table` or `schema.table`. Without a schema it is in `public`.
pub fn schema_and_table(target: &str) -> Result<(&str, &str), JobError> {
    let (schema, table) = target.split_once('.').unwrap_or(("public", target));
    if is_identifier(schema) && is_identifier(table) {
        Ok((schema, table))
    } else {
        Err(JobError::invalid_target(target))
    }
}

/// A target of the other bridges: one identifier, quoted whole; a dot in it separates nothing.
pub fn whole_name(target: &str) -> Result<&str, JobError> {
    let begins_well = target.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let continues_well = target
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.');
    if begins_well && continues_well {
        Ok(target)
    } else {
        Err(JobError::invalid_target(target))
    }
}

/// A target of an aggregate: the official bridges check nothing here, so any name will do; a dot always
/// stands between the parts. Fails for what no database has in a name.
pub fn parts_of_name(target: &str) -> Result<Vec<&str>, JobError> {
    if target.is_empty() || target.contains('\0') {
        return Err(JobError::invalid_target(target));
    }
    Ok(target.split('.').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_knows_one_schema() {
        assert_eq!(schema_and_table("people").unwrap(), ("public", "people"));
        assert_eq!(schema_and_table("Upper.Case").unwrap(), ("Upper", "Case"));
        for bad in [
            "",
            ".",
            "a.b.c",
            "people.",
            ".people",
            "1people",
            "peo-ple",
            "spaced table",
            "people\n",
            "pëople",
            "\"app\".\"widgets\"",
            "*",
            "people--",
            "a\0",
        ] {
            let error = schema_and_table(bad).unwrap_err();
            assert_eq!(error.message, format!("Invalid table name: \"{bad}\""));
        }
    }

    #[test]
    fn elsewhere_a_dot_is_part_of_the_name() {
        for good in ["people", "_x", "a.b.c", "people.", "dotted.name"] {
            assert_eq!(whole_name(good).unwrap(), good);
        }
        for bad in [
            "", ".", ".people", "1people", "peo ple", "people\n", "pëople", "a`", "a\0",
        ] {
            assert!(whole_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_aggregate_takes_any_name() {
        assert_eq!(parts_of_name("spaced table").unwrap(), ["spaced table"]);
        assert_eq!(parts_of_name("a.b.c").unwrap(), ["a", "b", "c"]);
        assert!(parts_of_name("").is_err());
        assert!(parts_of_name("a\0").is_err());
    }
}
