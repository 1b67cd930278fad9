//! `having` and `sort`, which speak of the buckets' own columns: the number of rows, measures, dimensions.

use serde_json::Value;

use crate::error::{ErrorCode, JobError};
use crate::options::fields::{Options, check_parts};
use crate::options::filter::{FilterOf, parse_condition, parse_filter};
use crate::options::{
    Aggregate, AggregateOptions, Bucket, Comparison, Dimension, Measure, Order, Predicate,
    RequestContext, dimension_column, measure_column,
};

/// The word for the number of rows.
const COUNT: &str = "count";

/// Parses `having`: conditions on measures, the count, or a dimension that is a plain column.
pub(super) fn parse(
    options: Options<'_>,
    dimensions: &[Dimension],
    measures: &[Measure],
    context: RequestContext<'_>,
) -> Result<Predicate, JobError> {
    let path = options.path("having");
    if context.rules.in_memory.is_some() {
        let mut filter = parse_filter(options.get("having"), &path, context, FilterOf::Aggregate)?;
        filter.rename_columns(&mut |name| {
            let measure = measures.iter().position(|measure| measure.name == *name);
            *name = match measure {
                Some(i) => measure_column(i),
                None if name == COUNT => AggregateOptions::COUNT.to_owned(),
                // The reducer shows its buckets no dimension, and nothing that does not exist.
                None => String::new(),
            };
        });
        return Ok(filter);
    }
    let members = match options.get("having") {
        None => return Ok(Predicate::always()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(JobError::invalid_options(&path, "must be an object")),
    };
    check_parts(members.len(), &path)?;
    let mut terms = Vec::with_capacity(members.len());
    for (key, value) in members {
        let path = format!("{path}.{key}");
        if context.rules.documents {
            terms.push(match column(key, &[], measures) {
                Some(column) => parse_condition(&column, value, &path, context)?,
                None => Predicate::never(),
            });
            continue;
        }
        let column = column(key, dimensions, measures).ok_or_else(|| {
            let problem = "is neither a measure with one value, nor a dimension without a bucket, nor \"count\"";
            JobError::invalid_options(&path, problem)
        })?;
        match value {
            Value::Object(operators) => {
                for (operator, value) in operators {
                    terms.push(condition(&column, operator, value, &path)?);
                }
            }
            value => terms.push(condition(&column, "$eq", value, &path)?),
        }
    }
    Ok(Predicate::All(terms))
}

fn column(key: &str, dimensions: &[Dimension], measures: &[Measure]) -> Option<String> {
    let measure = measures.iter().position(|measure| measure.name == key);
    match measure {
        Some(i) => measures
            .get(i)
            .filter(|m| is_single(m))
            .map(|_| measure_column(i)),
        None if key == COUNT => Some(AggregateOptions::COUNT.to_owned()),
        None => dimensions
            .iter()
            .position(|dimension| dimension.field == key && dimension.bucket == Bucket::Value)
            .map(dimension_column),
    }
}

fn condition(
    column: &str,
    operator: &str,
    value: &Value,
    path: &str,
) -> Result<Predicate, JobError> {
    let comparison = match operator {
        "$eq" => Comparison::Equal,
        "$ne" => Comparison::NotEqual,
        "$gt" => Comparison::Greater,
        "$gte" => Comparison::GreaterOrEqual,
        "$lt" => Comparison::Less,
        "$lte" => Comparison::LessOrEqual,
        unknown => {
            return Err(JobError::new(
                ErrorCode::UnsupportedOperator,
                format!("Unknown operator \"{unknown}\" in having clause ({path})"),
            ));
        }
    };
    match (value, comparison) {
        (Value::Array(_) | Value::Object(_), _) => {
            Err(JobError::invalid_options(path, "must be a single value"))
        }
        (Value::Null, Comparison::Equal | Comparison::NotEqual) => Ok(Predicate::IsNull {
            column: column.to_owned(),
            negated: comparison == Comparison::NotEqual,
        }),
        (value, comparison) => Ok(Predicate::Compare {
            column: column.to_owned(),
            comparison,
            value: value.clone(),
        }),
    }
}

/// Parses `sort`. Keys that name nothing with one value are ignored, as the official bridges do.
pub(super) fn parse_sort(
    options: Options<'_>,
    dimensions: &[Dimension],
    measures: &[Measure],
) -> Result<Vec<Order>, JobError> {
    let mut order = Vec::new();
    for (i, value) in options.parts("sort")?.iter().enumerate() {
        let path = format!("{}[{i}]", options.path("sort"));
        let sort = Options::at(value, &path)?;
        let key = sort.required_text("key")?;
        let descending = sort.text("dir")? == Some("desc");
        let dimension = || {
            dimensions
                .iter()
                .position(|dimension| dimension.name == key)
        };
        let column = if key == COUNT {
            Some(AggregateOptions::COUNT.to_owned())
        } else if let Some(i) = measures.iter().position(|measure| measure.name == key) {
            measures
                .get(i)
                .filter(|m| is_single(m))
                .map(|_| measure_column(i))
        } else {
            dimension().map(dimension_column)
        };
        order.extend(column.map(|column| Order { column, descending }));
    }
    Ok(order)
}

/// False for lists, which have no order.
fn is_single(measure: &Measure) -> bool {
    !matches!(measure.aggregate, Aggregate::TopK { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::RULES;
    use serde_json::json;

    fn options(having: Value, sort: Value) -> Result<AggregateOptions, JobError> {
        let options = json!({
            "dimensions": [{"field": "kind", "as": "k"}, {"field": "at", "bucket": "day"}, {"field": "x", "as": "count"}],
            "measures": {"s": {"agg": "sum", "column": "n"}, "t": {"agg": "top_k", "column": "n", "k": 1}},
            "having": having, "sort": sort,
        });
        let context = RequestContext {
            rules: &RULES,
            target: "sales",
        };
        AggregateOptions::parse(Options::new(&options).unwrap(), context)
    }

    #[test]
    fn conditions_are_on_the_columns_of_the_buckets() {
        let having = json!({"s": {"$gt": 5, "$ne": null}, "count": "3", "kind": "a"});
        let compare = |column: &str, comparison, value| Predicate::Compare {
            column: column.to_owned(),
            comparison,
            value,
        };
        assert_eq!(
            options(having, json!([])).unwrap().having,
            Predicate::All(vec![
                compare("m0", Comparison::Greater, json!(5)),
                Predicate::IsNull {
                    column: "m0".to_owned(),
                    negated: true
                },
                compare("n", Comparison::Equal, json!("3")),
                compare("d0", Comparison::Equal, json!("a")),
            ])
        );
    }

    #[test]
    fn conditions_on_anything_else_are_refused() {
        for (having, code, text) in [
            (
                json!({"nope": 1}),
                ErrorCode::InvalidOptions,
                "options.having.nope:",
            ),
            (
                json!({"at": 1}),
                ErrorCode::InvalidOptions,
                "options.having.at:",
            ),
            (
                json!({"t": 1}),
                ErrorCode::InvalidOptions,
                "options.having.t:",
            ),
            (
                json!({"s": [1]}),
                ErrorCode::InvalidOptions,
                "options.having.s:",
            ),
            (
                json!({"$or": []}),
                ErrorCode::InvalidOptions,
                "options.having.$or:",
            ),
            (json!([]), ErrorCode::InvalidOptions, "options.having:"),
            (
                json!({"s": {"$in": [1]}}),
                ErrorCode::UnsupportedOperator,
                "Unknown operator \"$in\" in having clause",
            ),
        ] {
            let error = options(having, json!([])).unwrap_err();
            assert_eq!(error.code, code);
            assert!(error.message.starts_with(text), "{error}");
        }
    }

    #[test]
    fn groups_of_documents_are_asked_by_what_is_measured() {
        let options = json!({
            "dimensions": [{"field": "kind"}], "measures": {"s": {"agg": "sum", "column": "n"}},
            "having": {"s": {"$in": [1, 2]}, "kind": "a"},
        });
        let rules = crate::options::OptionRules {
            documents: true,
            ..RULES
        };
        let context = RequestContext {
            rules: &rules,
            target: "sales",
        };
        let options = AggregateOptions::parse(Options::new(&options).unwrap(), context).unwrap();
        let measured = Predicate::In {
            column: "m0".to_owned(),
            values: vec![json!(1), json!(2)],
            negated: false,
        };
        assert_eq!(
            options.having,
            Predicate::All(vec![measured, Predicate::never()])
        );
    }

    #[test]
    fn what_has_no_order_is_not_sorted_by() {
        let sort = json!([
            {"key": "t", "dir": "desc"}, {"key": "s", "dir": "desc"}, {"key": "k"},
            {"key": "kind", "dir": "asc"}, {"key": "count", "dir": "DESC"}
        ]);
        let order: Vec<_> = options(json!({}), sort)
            .unwrap()
            .order
            .into_iter()
            .map(|order| (order.column, order.descending))
            .collect();
        assert_eq!(
            order,
            [
                ("m0".to_owned(), true),
                ("d0".to_owned(), false),
                ("n".to_owned(), false)
            ]
        );
        assert!(options(json!({}), json!([{"dir": "asc"}])).is_err());
        assert!(options(json!({}), json!({"key": "k"})).is_err());
    }
}
