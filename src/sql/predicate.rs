//! Filters as SQL.

use serde_json::Value;

use crate::options::{Comparison, Predicate};
use crate::sql::Builder;

impl Comparison {
    /// The operator, with spaces around it.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Equal => " = ",
            Self::NotEqual => " <> ",
            Self::Greater => " > ",
            Self::GreaterOrEqual => " >= ",
            Self::Less => " < ",
            Self::LessOrEqual => " <= ",
        }
    }
}

impl Builder<'_> {
    /// Appends ` WHERE …`, or nothing when every row passes.
    pub fn filter(&mut self, predicate: &Predicate) -> &mut Self {
        if !predicate.is_always() {
            self.push(" WHERE ").predicate(predicate);
        }
        self
    }

    /// Appends a condition that can stand between `AND`s. Recursion is bounded by the parser's depth.
    pub fn predicate(&mut self, predicate: &Predicate) -> &mut Self {
        match predicate {
            Predicate::All(terms) => self.joined(terms, " AND ", "1 = 1"),
            Predicate::Any(terms) => self.joined(terms, " OR ", "1 = 0"),
            Predicate::Not(inner) => {
                self.push("NOT (").predicate(inner).push(")");
                self
            }
            Predicate::Compare {
                column,
                comparison,
                value,
            } => match value {
                Value::Null => self.column(column).push(comparison.sql()).push("NULL"),
                value => {
                    let dialect = self.dialect;
                    dialect.compare(self, column, *comparison, value);
                    self
                }
            },
            Predicate::IsNull { column, negated } => {
                self.column(column)
                    .push(if *negated { " IS NOT NULL" } else { " IS NULL" })
            }
            Predicate::In {
                column,
                values,
                negated,
            } => {
                let dialect = self.dialect;
                dialect.membership(self, column, values, *negated);
                self
            }
            Predicate::Matches { column, pattern } => {
                let dialect = self.dialect;
                dialect.like(self, column, pattern);
                self
            }
        }
    }

    fn joined(&mut self, terms: &[Predicate], between: &str, empty: &str) -> &mut Self {
        match terms {
            [] => self.push(empty),
            [only] => self.predicate(only),
            terms if terms.len() > self.dialect.most_joined() => {
                let (first, second) = terms.split_at(terms.len() / 2);
                self.push("(").joined(first, between, empty);
                self.push(between).joined(second, between, empty).push(")")
            }
            terms => {
                self.push("(");
                for (i, term) in terms.iter().enumerate() {
                    if i > 0 {
                        self.push(between);
                    }
                    self.predicate(term);
                }
                self.push(")")
            }
        }
    }
}
