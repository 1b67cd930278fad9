//! Parses `where` into a [`Predicate`]: fields and clauses side by side must all match. Where the official
//! bridges build broken or surprising SQL (`$not` over two fields, empty clauses beside others) the plain
//! meaning holds.

use std::cell::Cell;

use serde_json::{Map, Value};

use crate::error::{ErrorCode, JobError};
use crate::limits;
use crate::options::condition::{compare, equality, matches, membership};
use crate::options::fields::{check_column, check_length, name_weight};
use crate::options::{Comparison, Pattern, Predicate, RequestContext};

/// What a filter is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FilterOf {
    /// Of the rows of a target.
    Rows,
    /// Of rows that are only counted. `{age: {}}`, which says nothing, is refused beside another condition: the
    /// official `count` fails on that form and the recorded answers keep its error, while those of `query` want
    /// it ignored. Not so where rows are documents.
    Count,
    /// Of what an aggregate looks at after that: rows of one measure, buckets.
    Aggregate,
}

/// The operators of bridges that filter in the runner.
const FEW: [&str; 6] = ["$eq", "$gt", "$gte", "$lt", "$lte", "$in"];

/// Parses the filter found at `path`; absent, null and `{}` let every row through.
pub(crate) fn parse_filter(
    value: Option<&Value>,
    path: &str,
    context: RequestContext<'_>,
    of: FilterOf,
) -> Result<Predicate, JobError> {
    let Some(value) = value else {
        return Ok(Predicate::always());
    };
    let parser = Parser {
        context,
        of,
        conditions: Cell::new(0),
    };
    let clause = parser.clause(value, path, 0)?;
    Ok(clause.unwrap_or_else(Predicate::always))
}

/// Parses what stands beside the name of a column; nothing at all is true.
pub(crate) fn parse_condition(
    column: &str,
    value: &Value,
    path: &str,
    context: RequestContext<'_>,
) -> Result<Predicate, JobError> {
    let parser = Parser {
        context,
        of: FilterOf::Aggregate,
        conditions: Cell::new(0),
    };
    let condition = parser.field(column, value, path)?;
    Ok(condition.unwrap_or_else(Predicate::always))
}

struct Parser<'a> {
    context: RequestContext<'a>,
    of: FilterOf,
    conditions: Cell<usize>,
}

impl Parser<'_> {
    /// Rows are filtered here, not by a database: nothing is passed over that a row could be tested by.
    fn in_memory(&self) -> bool {
        self.context.rules.in_memory.is_some()
    }

    /// The filter goes by the few operators of the official bridges that filter by themselves.
    fn has_few(&self) -> bool {
        self.in_memory() && self.of != FilterOf::Aggregate
    }

    /// One clause object. `None` when it says nothing: such a clause is true, also under `$not`. In memory
    /// it is an ordinary condition that holds.
    fn clause(
        &self,
        value: &Value,
        path: &str,
        depth: usize,
    ) -> Result<Option<Predicate>, JobError> {
        if depth > limits::MAX_NESTING {
            return Err(JobError::invalid_options(path, "is nested too deeply"));
        }
        let Value::Object(members) = value else {
            return Err(JobError::invalid_options(path, "must be an object"));
        };
        self.count(members.len(), path)?;
        let mut terms = Vec::with_capacity(members.len());
        let mut empty_operators = None;
        for (key, value) in members {
            let path = format!("{path}.{key}");
            let term = match key.as_str() {
                "$and" | "$or" | "$not" if self.has_few() => return Err(self.unsupported(key)),
                "$and" => self.members(value, &path, depth)?.map(|terms| {
                    let spoken: Vec<_> = terms.into_iter().flatten().collect();
                    if spoken.is_empty() {
                        return None;
                    }
                    Some(Predicate::all(spoken))
                }),
                "$or" => self.members(value, &path, depth)?.map(|terms| {
                    if !self.in_memory() && terms.iter().all(Option::is_none) {
                        return None;
                    }
                    let terms = terms.into_iter();
                    Some(Predicate::any(
                        terms
                            .map(|term| term.unwrap_or_else(Predicate::always))
                            .collect(),
                    ))
                }),
                "$not" => {
                    let inner = self.clause(value, &path, depth + 1)?;
                    let said = || self.context.rules.documents.then(Predicate::always);
                    let inner = inner.or_else(said);
                    Some(inner.map(|inner| Predicate::Not(Box::new(inner))))
                }
                column => {
                    check_column(column, &path)?;
                    self.count(weight(column, value) - 1, &path)?;
                    let term = self.field(column, value, &path)?;
                    if term.is_none() {
                        empty_operators = Some(path);
                    }
                    Some(term)
                }
            };
            terms.extend(term.flatten());
        }
        if self.of == FilterOf::Count
            && !self.context.rules.documents
            && let Some(path) = empty_operators
            && !terms.is_empty()
        {
            return Err(JobError::invalid_options(
                &path,
                "names no operator beside another condition",
            ));
        }
        Ok((self.in_memory() || !terms.is_empty()).then(|| Predicate::all(terms)))
    }

    /// Counts conditions and clauses, which a statement repeats word by word.
    fn count(&self, more: usize, path: &str) -> Result<(), JobError> {
        let all = self.conditions.get() + more;
        self.conditions.set(all);
        if all <= limits::MAX_CONDITIONS {
            return Ok(());
        }
        let most = limits::MAX_CONDITIONS;
        Err(JobError::invalid_options(
            path,
            format_args!("makes more than {most} conditions"),
        ))
    }

    /// The members of `$and` or `$or`; `None` when the value is no list, or an empty one, and so says nothing.
    fn members(
        &self,
        value: &Value,
        path: &str,
        depth: usize,
    ) -> Result<Option<Vec<Option<Predicate>>>, JobError> {
        let Value::Array(items) = value else {
            return match self.in_memory() {
                true => Err(JobError::invalid_options(path, "must be an array")),
                false => Ok(None),
            };
        };
        check_length(items.len(), path)?;
        self.count(items.len(), path)?;
        items
            .iter()
            .enumerate()
            .map(|(i, item)| self.clause(item, &format!("{path}[{i}]"), depth + 1))
            .collect::<Result<Vec<_>, _>>()
            .map(|terms| Some(terms).filter(|terms| self.in_memory() || !terms.is_empty()))
    }

    /// The conditions on one column; `None` for `{}`.
    fn field(
        &self,
        column: &str,
        value: &Value,
        path: &str,
    ) -> Result<Option<Predicate>, JobError> {
        match value {
            Value::Object(operators) => self.operators(column, operators, path),
            Value::Array(_) if !self.context.rules.documents => {
                membership(column, value, path, false).map(Some)
            }
            scalar => Ok(Some(equality(column, scalar, false))),
        }
    }

    fn operators(
        &self,
        column: &str,
        operators: &Map<String, Value>,
        path: &str,
    ) -> Result<Option<Predicate>, JobError> {
        let mut terms = Vec::with_capacity(operators.len());
        for (operator, value) in operators {
            let path = format!("{path}.{operator}");
            if self.has_few() && !FEW.contains(&operator.as_str()) {
                return Err(self.unsupported(operator));
            }
            let strict = self.in_memory() || self.context.rules.documents;
            terms.push(match operator.as_str() {
                "$eq" => equality(column, value, false),
                "$ne" => equality(column, value, true),
                "$gt" => compare(column, Comparison::Greater, value),
                "$gte" => compare(column, Comparison::GreaterOrEqual, value),
                "$lt" => compare(column, Comparison::Less, value),
                "$lte" => compare(column, Comparison::LessOrEqual, value),
                "$in" | "$nin" if strict && !value.is_array() => {
                    return Err(JobError::invalid_options(&path, "must be an array"));
                }
                "$in" => membership(column, value, &path, false)?,
                "$nin" => membership(column, value, &path, true)?,
                "$ilike" => matches(column, value, Pattern::Like),
                "$contains" => matches(column, value, Pattern::Contains),
                "$startsWith" => matches(column, value, Pattern::StartsWith),
                "$endsWith" => matches(column, value, Pattern::EndsWith),
                unknown => return Err(self.unsupported(unknown)),
            });
        }
        Ok((self.in_memory() || !terms.is_empty()).then(|| Predicate::all(terms)))
    }

    fn unsupported(&self, operator: &str) -> JobError {
        JobError::new(
            ErrorCode::UnsupportedOperator,
            format!(
                "Bridge does not support where operator \"${}\" on target \"{}\" ({})",
                operator.strip_prefix('$').unwrap_or(operator),
                self.context.target,
                self.context.rules.package
            ),
        )
    }
}

/// How many conditions the value beside a column's name counts for: each operator is one, and each repeats the name.
fn weight(column: &str, value: &Value) -> usize {
    let operators = value
        .as_object()
        .map_or(1, |operators| operators.len().max(1));
    operators * name_weight(column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::RULES;
    use serde_json::json;

    fn parse_as(value: Value, of: FilterOf) -> Result<Predicate, JobError> {
        let context = RequestContext {
            rules: &RULES,
            target: "people",
        };
        parse_filter(Some(&value), "options.where", context, of)
    }

    fn parse(value: Value) -> Predicate {
        parse_as(value, FilterOf::Rows).unwrap()
    }

    fn eq(column: &str, value: i64) -> Predicate {
        compare(column, Comparison::Equal, &json!(value))
    }

    #[test]
    fn members_of_a_clause_are_all_required() {
        assert_eq!(
            parse(json!({"a": 1, "b": {"$gt": 1, "$lte": 2}})),
            Predicate::All(vec![
                eq("a", 1),
                Predicate::All(vec![
                    compare("b", Comparison::Greater, &json!(1)),
                    compare("b", Comparison::LessOrEqual, &json!(2)),
                ])
            ])
        );
    }

    #[test]
    fn operators_and_long_names_count() {
        let two = json!({"$gt": 1, "$lt": 2});
        let of = |count: usize, length: usize| {
            let names = (0..count).map(|n| (format!("{n:0>length$}"), two.clone()));
            parse_as(Value::Object(names.collect()), FilterOf::Rows)
        };
        let most = limits::MAX_CONDITIONS / 2;
        assert!(of(most, 5).is_ok());
        assert!(of(most + 1, 5).is_err());
        assert!(of(most / 2, limits::USUAL_NAME_BYTES).is_ok());
        assert!(of(most / 2 + 1, limits::USUAL_NAME_BYTES).is_err());
    }

    #[test]
    fn not_covers_the_whole_clause() {
        assert_eq!(
            parse(json!({"$not": {"a": 1, "b": 2}})),
            Predicate::Not(Box::new(Predicate::All(vec![eq("a", 1), eq("b", 2)])))
        );
    }

    #[test]
    fn what_says_nothing_is_true() {
        for value in [
            json!({}),
            json!({"a": {}}),
            json!({"$and": []}),
            json!({"$or": []}),
            json!({"$or": {"a": 1}}),
            json!({"$and": "x"}),
            json!({"$or": [{}, {}]}),
            json!({"$not": {}}),
            json!({"$not": {"$and": [{}]}}),
            json!({"$nin": {"$nin": []}}),
        ] {
            assert!(parse(value.clone()).is_always(), "{value}");
        }
        assert_eq!(parse(json!({"a": {}, "b": 1})), eq("b", 1));
        assert_eq!(
            parse(json!({"$or": [{}, {"a": 1}]})),
            Predicate::Any(vec![Predicate::always(), eq("a", 1)])
        );
        // Said, and true of every row: its negation holds for none.
        assert_eq!(
            parse(json!({"$not": {"a": {"$nin": []}}})),
            Predicate::Not(Box::new(Predicate::always()))
        );
    }

    #[test]
    fn nulls_are_asked_for_by_is_null() {
        let is_null = |negated| Predicate::IsNull {
            column: "a".to_owned(),
            negated,
        };
        assert_eq!(parse(json!({"a": null})), is_null(false));
        assert_eq!(parse(json!({"a": {"$eq": null}})), is_null(false));
        assert_eq!(parse(json!({"a": {"$ne": null}})), is_null(true));
        // No order with NULL, so neither the comparison nor its negation holds: SQL decides.
        assert_eq!(
            parse(json!({"a": {"$gt": null}})),
            compare("a", Comparison::Greater, &Value::Null)
        );
    }

    #[test]
    fn lists_and_patterns_of_the_wrong_type_match_nothing() {
        for value in [
            json!({"a": []}),
            json!({"a": {"$in": []}}),
            json!({"a": {"$in": 5}}),
            json!({"a": {"$in": null}}),
            json!({"a": {"$ilike": 5}}),
            json!({"a": {"$contains": null}}),
            json!({"a": {"$endsWith": {"a": 1}}}),
        ] {
            assert_eq!(parse(value.clone()), Predicate::never(), "{value}");
        }
        assert!(parse(json!({"a": {"$nin": 5}})).is_always());
        assert_eq!(
            parse(json!({"a": [1, null]})),
            Predicate::In {
                column: "a".to_owned(),
                values: vec![json!(1), Value::Null],
                negated: false
            }
        );
    }

    #[test]
    fn unknown_operators_are_named_in_the_official_words() {
        for operator in ["$regex", "regex"] {
            let error = parse_as(json!({"age": {operator: 1}}), FilterOf::Rows);
            let error = error.unwrap_err();
            assert_eq!(error.code, ErrorCode::UnsupportedOperator);
            assert_eq!(
                error.message,
                "Bridge does not support where operator \"$regex\" on target \"people\" (bridge-of-a-test)"
            );
        }
    }

    #[test]
    fn ill_typed_clauses_are_refused_by_their_path() {
        for (value, path) in [
            (json!("ab"), "options.where:"),
            (json!([]), "options.where:"),
            (json!({"$not": null}), "options.where.$not:"),
            (json!({"$or": [{}, null]}), "options.where.$or[1]:"),
            (
                json!({"$and": [{"$not": [1]}]}),
                "options.where.$and[0].$not:",
            ),
        ] {
            let error = parse_as(value, FilterOf::Rows).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidOptions);
            assert!(error.message.starts_with(path), "{error}");
        }
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let mut deep = json!({"a": 1});
        for _ in 0..=limits::MAX_NESTING {
            deep = json!({ "$not": deep });
        }
        assert!(parse_as(deep, FilterOf::Rows).is_err());
        let long = json!({"a": {"$in": vec![0; limits::MAX_LIST + 1]}});
        let error = parse_as(long, FilterOf::Rows).unwrap_err();
        assert!(error.message.starts_with("options.where.a.$in: has 100001"));
    }

    #[test]
    fn in_documents_a_list_is_a_value() {
        let rules = crate::options::OptionRules {
            documents: true,
            ..RULES
        };
        let context = RequestContext {
            rules: &rules,
            target: "people",
        };
        let parse =
            |value: Value| parse_filter(Some(&value), "options.where", context, FilterOf::Rows);
        let list = parse(json!({"a": [1]})).unwrap();
        assert_eq!(list, compare("a", Comparison::Equal, &json!([1])));
        assert!(parse(json!({"a": {"$in": 5}})).is_err());
        assert!(parse(json!({"a": {"$nin": null}})).is_err());
        let nothing = Predicate::Not(Box::new(Predicate::always()));
        assert_eq!(parse(json!({"$not": {}})).unwrap(), nothing);
        assert!(parse(json!({"a": {}})).unwrap().is_always());
    }

    #[test]
    fn count_refuses_an_empty_operator_object_beside_a_condition() {
        let alone = FilterOf::Count;
        assert!(parse_as(json!({"age": {}, "id": 1}), alone).is_err());
        assert!(parse_as(json!({"age": {}}), alone).unwrap().is_always());
    }
}
