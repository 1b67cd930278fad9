//! The statements of one job, and their rows.

use std::ops::Range;

use serde_json::Value;

use super::catalog::Catalog;
use super::conversation::Conversation;
use super::dialect::ClickHouse;
use super::error::Failure;
use super::row::{JsonRow, find_values};
use crate::error::JobError;
use crate::job::JobControl;
use crate::options::Target;
use crate::sql::{Dialect, Statement};

/// A conversation as one job has it.
pub(super) struct ClickHouseSession<'s> {
    pub(super) conversation: &'s mut Conversation,
    pub(super) job: &'s JobControl,
    pub(super) catalog: &'s Catalog,
    pub(super) dialect: ClickHouse,
}

impl ClickHouseSession<'_> {
    /// A target as it stands in a statement.
    pub(super) fn from(&self, target: &Target) -> String {
        let language: &dyn Dialect = &self.dialect;
        language.target(target)
    }

    /// Runs a statement and hands over its rows, with the places of their first `most` values.
    pub(super) fn each_row(
        &mut self,
        statement: &Statement,
        most: usize,
        each: &mut dyn FnMut(&JsonRow<'_>) -> Result<(), JobError>,
    ) -> Result<(), Failure> {
        let mut values = Vec::new();
        self.conversation.ask(self.job, statement, &mut |line| {
            find_values(line, most, &mut values);
            each(&JsonRow::new(line, &values))
        })
    }
}

/// A statement without parameters.
pub(super) fn plain(sql: impl Into<String>) -> Statement {
    Statement {
        sql: sql.into(),
        params: Vec::new(),
    }
}

/// The places of a row's values.
pub(super) type Places = Vec<Range<usize>>;

/// The texts of values, each a string or null.
pub(super) fn texts(line: &str, places: &[Range<usize>]) -> Vec<Option<String>> {
    let text = |place: &Range<usize>| {
        let text = line.get(place.clone())?;
        match serde_json::from_str(text) {
            Ok(Value::String(text)) => Some(text),
            Ok(Value::Null) | Err(_) => None,
            Ok(other) => Some(other.to_string()),
        }
    };
    places.iter().map(text).collect()
}
