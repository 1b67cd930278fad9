//! Names of fields, which may lead into documents: `address.city`.

use crate::error::JobError;

/// Refuses what the server would take for something else than a name. Inside a reference to another document
/// `$ref`, `$id` and `$db` are names.
pub fn check_filter_path(name: &str, path: &str) -> Result<(), JobError> {
    let mut parts = name.split('.');
    let first = parts.next().is_some_and(|part| part.starts_with('$'));
    let later = parts.any(|part| part.starts_with('$') && !matches!(part, "$ref" | "$id" | "$db"));
    refuse_if(first || later, name, path)
}

/// As [`check_filter_path`], for names that a pipeline evaluates: no part may be empty either, and none may
/// begin with a dollar.
pub fn check_path(name: &str, path: &str) -> Result<(), JobError> {
    let bad = |part: &str| part.is_empty() || part.starts_with('$');
    refuse_if(name.split('.').any(bad), name, path)
}

fn refuse_if(bad: bool, name: &str, path: &str) -> Result<(), JobError> {
    if bad || name.contains('\0') {
        let problem = format!("\"{}\" is no name of a field", name.escape_debug());
        return Err(JobError::invalid_options(path, problem));
    }
    Ok(())
}

/// The value of a field, in a pipeline.
pub fn value_of(name: &str) -> String {
    format!("${name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dollar_is_no_part_of_a_name() {
        for (name, filter, pipeline) in [
            ("a", true, true),
            ("a.b.0", true, true),
            ("", true, false),
            ("a..b", true, false),
            ("a.", true, false),
            ("$where", false, false),
            ("$$ROOT", false, false),
            ("a.$b", false, false),
            ("a.$id", true, false),
            ("a\0", false, false),
        ] {
            assert_eq!(check_filter_path(name, "p").is_ok(), filter, "{name}");
            assert_eq!(check_path(name, "p").is_ok(), pipeline, "{name}");
        }
    }
}
