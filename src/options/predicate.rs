//! A filter (`where`), as a tree. A column that is NULL matches no comparison; it is asked for by itself.

use serde_json::Value;

use crate::options::fields::name_weight;

/// A comparison with one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`; rows where the column is NULL do not match.
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

/// What a string operator looks for; always case-insensitive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// `$ilike`: the pattern as given, with `%`, `_` and backslash escapes.
    Like(String),
    /// `$contains`: the text anywhere, every character literal.
    Contains(String),
    /// `$startsWith`
    StartsWith(String),
    /// `$endsWith`
    EndsWith(String),
}

/// A filter. `All([])` is true, `Any([])` is false.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// Every member holds (AND).
    All(Vec<Predicate>),
    /// At least one member holds (OR).
    Any(Vec<Predicate>),
    /// The whole inner clause is negated.
    Not(Box<Predicate>),
    /// A column against one value.
    Compare {
        /// Column name as the job gave it.
        column: String,
        /// How.
        comparison: Comparison,
        /// A JSON scalar, array or object. Null only where there is an order to ask for: SQL then has no
        /// answer, neither for the comparison nor for its negation. (In)equality with null is `IsNull`.
        value: Value,
    },
    /// `IS NULL`, or `IS NOT NULL`.
    IsNull {
        /// Column name as the job gave it.
        column: String,
        /// True for `IS NOT NULL`.
        negated: bool,
    },
    /// `IN (…)`, or `NOT IN (…)`; never an empty list (that is `Any([])` or `All([])`).
    In {
        /// Column name as the job gave it.
        column: String,
        /// The members, nulls included: SQL's rules apply to them.
        values: Vec<Value>,
        /// True for `NOT IN`.
        negated: bool,
    },
    /// A string operator.
    Matches {
        /// Column name as the job gave it.
        column: String,
        /// What to look for.
        pattern: Pattern,
    },
}

impl Predicate {
    /// The filter that lets every row through.
    pub fn always() -> Self {
        Self::All(Vec::new())
    }

    /// The filter that lets no row through.
    pub fn never() -> Self {
        Self::Any(Vec::new())
    }

    /// The filter that asks for all of these.
    pub(crate) fn all(terms: Vec<Self>) -> Self {
        Self::joined(terms, Self::All)
    }

    /// The filter that asks for one of these at least.
    pub(crate) fn any(terms: Vec<Self>) -> Self {
        Self::joined(terms, Self::Any)
    }

    fn joined(mut terms: Vec<Self>, join: fn(Vec<Self>) -> Self) -> Self {
        match terms.pop() {
            Some(only) if terms.is_empty() => only,
            last => {
                terms.extend(last);
                join(terms)
            }
        }
    }

    /// Calls `each` with every column the filter names.
    pub fn for_each_column(&self, each: &mut dyn FnMut(&str)) {
        match self {
            Self::All(members) | Self::Any(members) => {
                members
                    .iter()
                    .for_each(|member| member.for_each_column(each));
            }
            Self::Not(inner) => inner.for_each_column(each),
            Self::Compare { column, .. }
            | Self::IsNull { column, .. }
            | Self::In { column, .. }
            | Self::Matches { column, .. } => each(column),
        }
    }

    /// How many conditions it has; a long name counts for several, since each repeats it.
    pub(crate) fn conditions(&self) -> usize {
        let mut count = 0;
        self.for_each_column(&mut |column| count += name_weight(column));
        count
    }

    /// Lets `rename` change the name of every column.
    pub(crate) fn rename_columns(&mut self, rename: &mut dyn FnMut(&mut String)) {
        match self {
            Self::All(members) | Self::Any(members) => {
                for member in members {
                    member.rename_columns(rename);
                }
            }
            Self::Not(inner) => inner.rename_columns(rename),
            Self::Compare { column, .. }
            | Self::IsNull { column, .. }
            | Self::In { column, .. }
            | Self::Matches { column, .. } => rename(column),
        }
    }

    /// True when the filter asks for one value of each of these columns.
    pub fn pins(&self, columns: &[String]) -> bool {
        columns.iter().all(|column| self.pins_one(column))
    }

    fn pins_one(&self, name: &str) -> bool {
        match self {
            Self::All(members) => members.iter().any(|member| member.pins_one(name)),
            Self::Compare {
                column, comparison, ..
            } => *comparison == Comparison::Equal && column == name,
            _ => false,
        }
    }

    /// True when the filter cannot reject a row.
    pub fn is_always(&self) -> bool {
        matches!(self, Self::All(members) if members.iter().all(Self::is_always))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_is_pinned_by_equality_with_all_of_it() {
        let compare = |column: &str, comparison| Predicate::Compare {
            column: column.into(),
            comparison,
            value: json!(1),
        };
        let equal = |column| compare(column, Comparison::Equal);
        let key = |names: &[&str]| names.iter().map(|n| n.to_string()).collect::<Vec<_>>();
        let both = Predicate::All(vec![
            equal("a"),
            Predicate::All(vec![equal("b"), equal("c")]),
        ]);
        assert!(both.pins(&key(&["b", "a"])));
        assert!(equal("a").pins(&key(&["a"])));
        assert!(!equal("a").pins(&key(&["a", "b"])));
        assert!(!equal("a").pins(&key(&["A"])));
        assert!(!compare("a", Comparison::LessOrEqual).pins(&key(&["a"])));
        assert!(!Predicate::Any(vec![equal("a")]).pins(&key(&["a"])));
        assert!(!Predicate::Not(Box::new(equal("a"))).pins(&key(&["a"])));
    }
}
