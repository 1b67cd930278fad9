//! Single options: numbers, column lists, cursors. `null` counts as absent everywhere.

use serde_json::{Map, Value};

use crate::error::JobError;
use crate::json::number_text;
use crate::limits;

/// The options of one job, with the path that error messages name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options<'a> {
    members: Option<&'a Map<String, Value>>,
}

impl<'a> Options<'a> {
    /// Takes a job's `options`: an object, or nothing at all.
    pub(crate) fn new(value: &'a Value) -> Result<Self, JobError> {
        match value {
            Value::Null => Ok(Self { members: None }),
            Value::Object(members) => Ok(Self {
                members: Some(members),
            }),
            _ => Err(JobError::invalid_options("options", "must be an object")),
        }
    }

    /// The option called `name`, unless it is absent or null.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.members?.get(name).filter(|value| !value.is_null())
    }

    /// A row count: a whole number that is not negative.
    pub(crate) fn count(&self, name: &str) -> Result<Option<u64>, JobError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        whole_number(value).map(Some).ok_or_else(|| {
            JobError::invalid_options(&path(name), "must be a whole number, not negative")
        })
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, JobError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(JobError::invalid_options(&path(name), "must be a string")),
        }
    }

    /// A list of column names, at least one, each once. The official mariadb driver is alone in refusing a
    /// repeated name; elsewhere the repetition has no effect.
    pub(crate) fn columns(
        &self,
        name: &str,
        bridge: &str,
    ) -> Result<Option<Vec<String>>, JobError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let Value::Array(items) = value else {
            return Err(JobError::invalid_options(
                &path(name),
                "must be an array of column names",
            ));
        };
        check_length(items.len(), &path(name))?;
        let mut columns: Vec<String> = Vec::with_capacity(items.len());
        let mut seen = std::collections::HashSet::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let Value::String(column) = item else {
                return Err(JobError::invalid_options(
                    &format!("options.{name}[{i}]"),
                    "must be a column name",
                ));
            };
            check_column(column, &format!("options.{name}[{i}]"))?;
            if seen.insert(column.as_str()) {
                columns.push(column.clone());
            } else if bridge == "@semilayer/bridge-mariadb" {
                return Err(JobError::invalid_options(
                    &format!("options.{name}[{i}]"),
                    format_args!("column \"{column}\" is named twice"),
                ));
            }
        }
        if columns.is_empty() {
            return Err(JobError::invalid_options(
                &path(name),
                "must name at least one column",
            ));
        }
        Ok(Some(columns))
    }

    /// A text that marks a position. A number counts as its text; what JavaScript takes for false is absent.
    pub(crate) fn position(&self, name: &str) -> Result<Option<String>, JobError> {
        match self.get(name) {
            None | Some(Value::Bool(false)) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|t| !t.is_empty())),
            Some(Value::Number(number)) => Ok(Some(number_text(number)).filter(|t| t != "0")),
            Some(_) => Err(JobError::invalid_options(&path(name), "must be a string")),
        }
    }
}

fn path(name: &str) -> String {
    format!("options.{name}")
}

/// Refuses lists longer than any honest job has.
pub(crate) fn check_length(length: usize, path: &str) -> Result<(), JobError> {
    if length > limits::MAX_LIST {
        return Err(JobError::invalid_options(
            path,
            format_args!("has {length} members; {} are allowed", limits::MAX_LIST),
        ));
    }
    Ok(())
}

/// Refuses the one character that no database has in a name and that some drivers would cut the SQL at.
pub(crate) fn check_column(column: &str, path: &str) -> Result<(), JobError> {
    if column.contains('\0') {
        return Err(JobError::invalid_options(
            path,
            "a column name cannot hold a NUL character",
        ));
    }
    Ok(())
}

/// A JSON number without fraction and sign; `5.0` and `1e3` are whole too.
fn whole_number(value: &Value) -> Option<u64> {
    if let Some(whole) = value.as_u64() {
        return Some(whole);
    }
    let float = value.as_f64()?;
    // 2^64 as a double; a float below it converts exactly because it has no fraction.
    (float.fract() == 0.0 && (0.0..18_446_744_073_709_551_616.0).contains(&float))
        .then_some(float as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn counts_are_whole_and_not_negative() {
        for (value, want) in [
            (json!({"limit": 0}), Some(Some(0))),
            (json!({"limit": 5.0}), Some(Some(5))),
            (json!({"limit": -0.0}), Some(Some(0))),
            (json!({"limit": i64::MAX}), Some(Some(i64::MAX as u64))),
            (json!({"limit": null}), Some(None)),
            (json!({}), Some(None)),
            (json!({"limit": -1}), None),
            (json!({"limit": 2.5}), None),
            (json!({"limit": 1e300}), None),
            (json!({"limit": "5"}), None),
            (json!({"limit": [5]}), None),
            (json!({"limit": true}), None),
        ] {
            let got = Options::new(&value).unwrap().count("limit");
            assert_eq!(got.ok(), want, "{value}");
        }
    }

    #[test]
    fn positions_follow_javascript() {
        for (value, want) in [
            (json!("5"), Some(Some("5"))),
            (json!("0"), Some(Some("0"))),
            (json!(5), Some(Some("5"))),
            (json!(9007199254740993u64), Some(Some("9007199254740993"))),
            (json!(1e21), Some(Some("1e+21"))),
            (json!(0), Some(None)),
            (json!(0.0), Some(None)),
            (json!(""), Some(None)),
            (json!(false), Some(None)),
            (json!(null), Some(None)),
            (json!(true), None),
            (json!(["5"]), None),
        ] {
            let options = json!({"cursor": value});
            let got = Options::new(&options).unwrap().position("cursor");
            assert_eq!(got.ok(), want.map(|w| w.map(str::to_owned)), "{value}");
        }
    }

    #[test]
    fn a_column_named_twice_is_shown_once() {
        let options = json!({"select": ["id", "name", "id"], "fields": [], "bad": ["id", 1]});
        let options = Options::new(&options).unwrap();
        let columns = options.columns("select", "@semilayer/bridge-mysql");
        assert_eq!(columns.unwrap().unwrap(), ["id", "name"]);
        assert!(
            options
                .columns("select", "@semilayer/bridge-mariadb")
                .is_err()
        );
        assert!(options.columns("fields", "").is_err());
        let error = options.columns("bad", "").unwrap_err();
        assert_eq!(error.message, "options.bad[1]: must be a column name");
    }
}
