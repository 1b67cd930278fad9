//! Whether a row passes a filter.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::Value;

use crate::json::{Raw, RawKind};
use crate::options::{Comparison, Predicate};
use crate::reducer::Row;
use crate::reducer::operand::Operand;
use crate::reducer::pattern::Matcher;

/// How values are compared by `$gt` and its like. Equality is JavaScript's `===` in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// As the filters of `query` on key-value stores: JavaScript's `<`, where null is zero.
    JavaScript,
    /// As the reducer's own: numbers with numbers, texts with texts, everything else counts as equal.
    Reducer,
}

/// A filter, prepared for many rows.
pub struct Filter {
    language: Language,
    clause: Clause,
}

enum Clause {
    All(Vec<Clause>),
    Any(Vec<Clause>),
    Not(Box<Clause>),
    Compare(String, Comparison, Operand),
    In(String, Members, bool),
    Matches(String, Matcher),
}

/// The members of a list, found at once however many there are.
#[derive(Default)]
struct Members {
    null: bool,
    truth: [bool; 2],
    numbers: HashSet<u64>,
    texts: HashSet<String>,
}

impl Filter {
    /// Prepares a filter.
    pub fn new(predicate: &Predicate, language: Language) -> Self {
        Self {
            language,
            clause: Clause::new(predicate),
        }
    }

    /// True when the row passes.
    pub fn passes(&self, row: &impl Row) -> bool {
        self.clause.holds(row, self.language)
    }
}

impl Clause {
    fn new(predicate: &Predicate) -> Self {
        let all = |members: &[Predicate]| members.iter().map(Self::new).collect();
        match predicate {
            Predicate::All(members) => Self::All(all(members)),
            Predicate::Any(members) => Self::Any(all(members)),
            Predicate::Not(inner) => Self::Not(Box::new(Self::new(inner))),
            Predicate::Compare {
                column,
                comparison,
                value,
            } => Self::Compare(column.clone(), *comparison, Operand::new(value)),
            Predicate::IsNull { column, negated } => {
                let comparison = if *negated {
                    Comparison::NotEqual
                } else {
                    Comparison::Equal
                };
                Self::Compare(column.clone(), comparison, Operand::Null)
            }
            Predicate::In {
                column,
                values,
                negated,
            } => Self::In(column.clone(), Members::new(values), *negated),
            Predicate::Matches { column, pattern } => {
                Self::Matches(column.clone(), Matcher::new(pattern))
            }
        }
    }

    fn holds(&self, row: &impl Row, language: Language) -> bool {
        match self {
            Self::All(members) => members.iter().all(|member| member.holds(row, language)),
            Self::Any(members) => members.iter().any(|member| member.holds(row, language)),
            Self::Not(inner) => !inner.holds(row, language),
            Self::Compare(column, comparison, operand) => {
                let value = row.field(column);
                let equal = || value.is_some_and(|value| operand.equals(value));
                let order = || match language {
                    Language::JavaScript => operand.javascript_order(value?),
                    Language::Reducer => Some(operand.reducer_order(value)),
                };
                match comparison {
                    Comparison::Equal => equal(),
                    Comparison::NotEqual => !equal(),
                    Comparison::Greater => order().is_some_and(Ordering::is_gt),
                    Comparison::GreaterOrEqual => order().is_some_and(Ordering::is_ge),
                    Comparison::Less => order().is_some_and(Ordering::is_lt),
                    Comparison::LessOrEqual => order().is_some_and(Ordering::is_le),
                }
            }
            Self::In(column, members, negated) => {
                row.field(column).is_some_and(|value| members.has(value)) != *negated
            }
            Self::Matches(column, matcher) => row
                .field(column)
                .and_then(Raw::text)
                .is_some_and(|text| matcher.matches(&text)),
        }
    }
}

impl Members {
    fn new(values: &[Value]) -> Self {
        let mut members = Self::default();
        for value in values {
            match Operand::new(value) {
                Operand::Null => members.null = true,
                Operand::Bool(truth) => {
                    let [no, yes] = &mut members.truth;
                    *if truth { yes } else { no } = true;
                }
                Operand::Number(number) => {
                    members.numbers.insert(bits(number));
                }
                Operand::Text(text) => {
                    members.texts.insert(text);
                }
                Operand::Composite(_) => {}
            }
        }
        members
    }

    fn has(&self, value: Raw<'_>) -> bool {
        let [no, yes] = self.truth;
        match value.kind() {
            RawKind::Null => self.null,
            RawKind::Bool(truth) => {
                if truth {
                    yes
                } else {
                    no
                }
            }
            RawKind::Number => value
                .number()
                .is_some_and(|number| self.numbers.contains(&bits(number))),
            RawKind::Text => value
                .text()
                .is_some_and(|text| self.texts.contains(text.as_ref())),
            RawKind::List | RawKind::Object => false,
        }
    }
}

/// Equal numbers have equal bits, both zeros included.
fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}
