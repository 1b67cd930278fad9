//! Single options: numbers, column lists, cursors. `null` counts as absent everywhere.

use serde_json::{Map, Value};

use crate::error::JobError;
use crate::json::number_text;
use crate::limits;
use crate::options::OptionRules;

/// The options of one job, with the path that error messages name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options<'a> {
    members: Option<&'a Map<String, Value>>,
    path: &'a str,
}

impl<'a> Options<'a> {
    /// Takes a job's `options`: an object, or nothing at all.
    pub(crate) fn new(value: &'a Value) -> Result<Self, JobError> {
        match value {
            Value::Null => Ok(Self {
                members: None,
                path: "options",
            }),
            value => Self::at(value, "options"),
        }
    }

    /// Takes an object inside the options, found at `path`.
    pub(crate) fn at(value: &'a Value, path: &'a str) -> Result<Self, JobError> {
        match value {
            Value::Object(members) => Ok(Self {
                members: Some(members),
                path,
            }),
            _ => Err(JobError::invalid_options(path, "must be an object")),
        }
    }

    /// The path of the option called `name`.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    /// An `INVALID_OPTIONS` about the option called `name`.
    pub(crate) fn refuse(&self, name: &str, problem: impl std::fmt::Display) -> JobError {
        JobError::invalid_options(&self.path(name), problem)
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
        whole_number(value)
            .map(Some)
            .ok_or_else(|| self.refuse(name, "must be a whole number, not negative"))
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, JobError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.refuse(name, "must be a string")),
        }
    }

    /// A text that must be there.
    pub(crate) fn required_text(&self, name: &str) -> Result<&'a str, JobError> {
        self.text(name)?
            .ok_or_else(|| self.refuse(name, "must be a string"))
    }

    /// The name of a column.
    pub(crate) fn column(&self, name: &str) -> Result<Option<String>, JobError> {
        match self.text(name)? {
            None => Ok(None),
            Some(column) => {
                check_column(column, &self.path(name))?;
                Ok(Some(column.to_owned()))
            }
        }
    }

    /// The name of a column that must be there.
    pub(crate) fn required_column(&self, name: &str) -> Result<String, JobError> {
        self.column(name)?
            .ok_or_else(|| self.refuse(name, "must be a column name"))
    }

    /// A number. Nothing else will do: it has a place in the text of a statement.
    pub(crate) fn number(&self, name: &str) -> Result<Option<f64>, JobError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => finite(value)
                .map(Some)
                .ok_or_else(|| self.refuse(name, "must be a number")),
        }
    }

    /// The members of a list, none when it is absent.
    pub(crate) fn list(&self, name: &str) -> Result<&'a [Value], JobError> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(items)) => {
                check_length(items.len(), &self.path(name))?;
                Ok(items)
            }
            Some(_) => Err(self.refuse(name, "must be an array")),
        }
    }

    /// As [`Options::list`], for things of which each takes a place in a statement.
    pub(crate) fn parts(&self, name: &str) -> Result<&'a [Value], JobError> {
        let parts = self.list(name)?;
        check_parts(parts.len(), &self.path(name))?;
        Ok(parts)
    }

    /// A list of column names, at least one, each once.
    pub(crate) fn columns(
        &self,
        name: &str,
        rules: &OptionRules,
    ) -> Result<Option<Vec<String>>, JobError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let Value::Array(items) = value else {
            return Err(self.refuse(name, "must be an array of column names"));
        };
        check_length(items.len(), &self.path(name))?;
        let mut columns: Vec<String> = Vec::with_capacity(items.len());
        let mut seen = std::collections::HashSet::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let Value::String(column) = item else {
                return Err(JobError::invalid_options(
                    &format!("{}[{i}]", self.path(name)),
                    "must be a column name",
                ));
            };
            check_column(column, &format!("{}[{i}]", self.path(name)))?;
            if column == "*" && rules.in_memory.is_some() {
                // No field is called so, and an empty row is not what is meant.
                let path = format!("{}[{i}]", self.path(name));
                return Err(JobError::invalid_options(
                    &path,
                    "must be the name of a field",
                ));
            }
            if seen.insert(column.as_str()) {
                columns.push(column.clone());
            } else if !rules.repeated_names {
                return Err(JobError::invalid_options(
                    &format!("{}[{i}]", self.path(name)),
                    format_args!("column \"{column}\" is named twice"),
                ));
            }
        }
        if columns.is_empty() && rules.documents {
            return Ok(None);
        }
        if columns.is_empty() {
            return Err(self.refuse(name, "must name at least one column"));
        }
        Ok(Some(columns))
    }

    /// A text that marks a position. A number counts as its text; what JavaScript takes for false is absent.
    pub(crate) fn position(&self, name: &str) -> Result<Option<String>, JobError> {
        match self.get(name) {
            None | Some(Value::Bool(false)) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|t| !t.is_empty())),
            Some(Value::Number(number)) => Ok(Some(number_text(number)).filter(|t| t != "0")),
            Some(_) => Err(self.refuse(name, "must be a string")),
        }
    }
}

/// A JSON number as a double; JSON has none that is not finite, but may have ones too large.
pub(crate) fn finite(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite())
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

/// Refuses more dimensions, measures and the like than any honest job has.
pub(crate) fn check_parts(count: usize, path: &str) -> Result<(), JobError> {
    if count > limits::MAX_AGGREGATE_PARTS {
        return Err(JobError::invalid_options(
            path,
            format_args!(
                "has {count} members; {} are allowed",
                limits::MAX_AGGREGATE_PARTS
            ),
        ));
    }
    Ok(())
}

/// For how many conditions one on a column of this name counts: a statement repeats the name with each.
pub(super) fn name_weight(column: &str) -> usize {
    1 + column.len() / limits::USUAL_NAME_BYTES
}

/// Refuses the one character that no database has in a name and that some drivers would cut the SQL at, and names
/// longer than any: a statement repeats them.
pub(crate) fn check_column(column: &str, path: &str) -> Result<(), JobError> {
    let most = limits::MAX_NAME_BYTES;
    if column.len() > most {
        let path = path.strip_suffix(column).unwrap_or(path);
        let problem = format_args!("a column name has at most {most} bytes");
        return Err(JobError::invalid_options(
            path.trim_end_matches('.'),
            problem,
        ));
    }
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
    use crate::options::RULES;
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
    fn a_name_has_an_end() {
        let of = |length: usize| check_column(&"c".repeat(length), "options.x");
        assert!(of(limits::MAX_NAME_BYTES).is_ok());
        let error = of(limits::MAX_NAME_BYTES + 1).unwrap_err();
        assert!(
            error.message.starts_with("options.x: a column name"),
            "{error}"
        );
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
        let columns = options.columns("select", &RULES);
        assert_eq!(columns.unwrap().unwrap(), ["id", "name"]);
        let strict = OptionRules {
            repeated_names: false,
            ..RULES
        };
        assert!(options.columns("select", &strict).is_err());
        assert!(options.columns("fields", &RULES).is_err());
        let error = options.columns("bad", &RULES).unwrap_err();
        assert_eq!(error.message, "options.bad[1]: must be a column name");
    }
}
