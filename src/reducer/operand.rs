//! The value of a condition, prepared for being compared with many.

use std::cmp::Ordering;

use serde_json::Value;

use crate::json::{Raw, RawKind, js_number_of, js_string, utf16_order};

/// A value that a job compares with.
pub(super) enum Operand {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// A list or an object, which equals nothing: two of them are never the same one. As a text, when a
    /// comparison makes one of it.
    Composite(String),
}

impl Operand {
    pub(super) fn new(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(_) | Value::Object(_) => Self::Composite(js_string(value)),
        }
    }

    /// JavaScript's `===`.
    pub(super) fn equals(&self, value: Raw<'_>) -> bool {
        match (self, value.kind()) {
            (Self::Null, RawKind::Null) => true,
            (Self::Bool(a), RawKind::Bool(b)) => *a == b,
            (Self::Number(a), RawKind::Number) => value.number() == Some(*a),
            (Self::Text(a), RawKind::Text) => value.text().is_some_and(|b| *a == b),
            _ => false,
        }
    }

    /// How a value stands to this one by JavaScript's `<`: texts by their code units, everything else as
    /// numbers; `None` for what is no number.
    pub(super) fn javascript_order(&self, value: Raw<'_>) -> Option<Ordering> {
        let text = match value.kind() {
            RawKind::Text | RawKind::List | RawKind::Object => Some(value.js_string()),
            _ => None,
        };
        let number = match self {
            Self::Text(own) | Self::Composite(own) => match text {
                Some(text) => return Some(utf16_order(text.as_bytes(), own.as_bytes())),
                None => js_number_of(own),
            },
            Self::Null | Self::Bool(false) => 0.0,
            Self::Bool(true) => 1.0,
            Self::Number(number) => *number,
        };
        match text {
            Some(text) => js_number_of(&text),
            None => value.js_number(),
        }
        .partial_cmp(&number)
    }

    /// How a value stands to this one in the reducer: numbers and texts among themselves, and everything else
    /// counts as equal, the official way.
    pub(super) fn reducer_order(&self, value: Option<Raw<'_>>) -> Ordering {
        let Some(value) = value else {
            return Ordering::Equal;
        };
        match (self, value.kind()) {
            (Self::Number(own), RawKind::Number) => value
                .number()
                .and_then(|number| number.partial_cmp(own))
                .unwrap_or(Ordering::Equal),
            (Self::Text(own), RawKind::Text) => {
                utf16_order(value.text().unwrap_or_default().as_bytes(), own.as_bytes())
            }
            _ => Ordering::Equal,
        }
    }
}
