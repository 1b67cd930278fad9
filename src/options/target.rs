//! What a job is about: a table, a view, a collection. Its text is read once, by its bridge's own rule, and what
//! came of it is what policy, audit, catalog and statement use.

use std::fmt;

use crate::error::JobError;

/// A target whose text has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    text: String,
    /// The least significant last; never empty.
    parts: Vec<String>,
}

impl Target {
    /// A target called `text`, all of it: a dot in it separates nothing.
    pub fn whole(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            parts: vec![text.to_owned()],
        }
    }

    /// The target that `text` stands for, with its parts: a table, behind its schema, behind its catalog.
    pub fn of_parts<'a>(text: &str, parts: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            text: text.to_owned(),
            parts: parts.into_iter().map(str::to_owned).collect(),
        }
    }

    /// As the job has it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its parts, the table last.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The table, the view, the collection.
    pub fn table(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    /// The schema, or what the database calls so; `None` where the connection decides.
    pub fn schema(&self) -> Option<&str> {
        self.part_before(2)
    }

    /// What is above the schema; `None` where the connection decides. It may name more than there is.
    pub fn catalog(&self) -> Option<&str> {
        self.part_before(3)
    }

    fn part_before(&self, end: usize) -> Option<&str> {
        let place = self.parts.len().checked_sub(end)?;
        self.parts.get(place).map(String::as_str)
    }
}

/// With the schema that the bridge's rule has found: `public.people`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.join("."))
    }
}

/// True for what every database takes for a name without quotes.
pub(crate) fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// `table` or `schema.table`. Without a schema it is in `public`.
///
/// # Errors
/// `INVALID_TARGET`, in the official words.
pub fn schema_and_table(text: &str) -> Result<Target, JobError> {
    let (schema, table) = text.split_once('.').unwrap_or(("public", text));
    if is_identifier(schema) && is_identifier(table) {
        Ok(Target::of_parts(text, [schema, table]))
    } else {
        Err(JobError::invalid_target(text))
    }
}

/// One identifier, quoted whole; a dot in it separates nothing.
///
/// # Errors
/// `INVALID_TARGET`, in the official words.
pub fn whole_name(text: &str) -> Result<Target, JobError> {
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let continues_well = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.');
    if begins_well && continues_well {
        Ok(Target::whole(text))
    } else {
        Err(JobError::invalid_target(text))
    }
}

/// A target of an aggregate: the official bridges check nothing here, so any name will do; a dot always
/// stands between the parts.
///
/// # Errors
/// `INVALID_TARGET` for what no database has in a name.
pub fn parts_of_name(text: &str) -> Result<Target, JobError> {
    if text.is_empty() || text.contains('\0') {
        return Err(JobError::invalid_target(text));
    }
    Ok(Target::of_parts(text, text.split('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_knows_one_schema() {
        assert_eq!(
            schema_and_table("people").unwrap().parts(),
            ["public", "people"]
        );
        assert_eq!(
            schema_and_table("Upper.Case").unwrap().parts(),
            ["Upper", "Case"]
        );
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
            assert_eq!(whole_name(good).unwrap().table(), good);
        }
        for bad in [
            "", ".", ".people", "1people", "peo ple", "people\n", "pëople", "a`", "a\0",
        ] {
            assert!(whole_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_aggregate_takes_any_name() {
        assert_eq!(
            parts_of_name("spaced table").unwrap().parts(),
            ["spaced table"]
        );
        let target = parts_of_name("a.b.c").unwrap();
        assert_eq!(target.table(), "c");
        assert_eq!((target.catalog(), target.schema()), (Some("a"), Some("b")));
        assert_eq!(parts_of_name("c").unwrap().schema(), None);
        assert!(parts_of_name("").is_err());
        assert!(parts_of_name("a\0").is_err());
    }
}
