//! What one operator says of one column.

use serde_json::Value;

use crate::error::JobError;
use crate::options::fields::check_length;
use crate::options::{Comparison, Pattern, Predicate};

pub(super) fn equality(column: &str, value: &Value, negated: bool) -> Predicate {
    if value.is_null() {
        return Predicate::IsNull {
            column: column.to_owned(),
            negated,
        };
    }
    let comparison = if negated {
        Comparison::NotEqual
    } else {
        Comparison::Equal
    };
    compare(column, comparison, value)
}

pub(super) fn compare(column: &str, comparison: Comparison, value: &Value) -> Predicate {
    Predicate::Compare {
        column: column.to_owned(),
        comparison,
        value: value.clone(),
    }
}

/// Nothing is in what is no list, and everything is outside it.
pub(super) fn membership(
    column: &str,
    value: &Value,
    path: &str,
    negated: bool,
) -> Result<Predicate, JobError> {
    match value {
        Value::Array(values) if !values.is_empty() => {
            check_length(values.len(), path)?;
            Ok(Predicate::In {
                column: column.to_owned(),
                values: values.clone(),
                negated,
            })
        }
        _ if negated => Ok(Predicate::always()),
        _ => Ok(Predicate::never()),
    }
}

/// No text is like what is no text.
pub(super) fn matches(column: &str, value: &Value, pattern: fn(String) -> Pattern) -> Predicate {
    match value {
        Value::String(text) => Predicate::Matches {
            column: column.to_owned(),
            pattern: pattern(text.clone()),
        },
        _ => Predicate::never(),
    }
}
