//! The members of an `$in`.

use serde_json::Value;

use super::place::Typed;
use crate::limits;

/// Values of one type that travel together.
pub(super) struct List {
    pub(super) kind: String,
    pub(super) texts: Vec<Value>,
    bytes: usize,
}

impl List {
    pub(super) fn of(first: Typed) -> Self {
        let mut list = Self {
            kind: first.kind.clone(),
            texts: Vec::new(),
            bytes: 0,
        };
        list.push(first);
        list
    }

    pub(super) fn takes(&self, typed: &Typed) -> bool {
        self.kind == typed.kind && self.bytes + typed.text.len() < limits::HTTP_FIELD
    }

    pub(super) fn push(&mut self, typed: Typed) {
        // Quotes, a comma, and as many escapes as one may expect.
        self.bytes += typed.text.len() + 4;
        self.texts.push(typed.text.into());
    }
}
