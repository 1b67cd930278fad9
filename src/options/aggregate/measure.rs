//! Measures: what is told of each bucket.

use serde_json::Value;

use crate::error::{ErrorCode, JobError};
use crate::limits;
use crate::options::fields::{Options, check_parts};
use crate::options::filter::{FilterOf, parse_filter};
use crate::options::{Predicate, RequestContext};

/// One thing told of a bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// The key under which buckets show it.
    pub name: String,
    /// What it is.
    pub aggregate: Aggregate,
    /// The rows it is of.
    pub filter: Predicate,
}

/// What is made of the rows of a bucket.
#[derive(Debug, Clone, PartialEq)]
pub enum Aggregate {
    /// Rows.
    Count,
    /// Different values of a column; NULL is none.
    CountDistinct(String),
    /// Sum of a column (`sum`, `rate`).
    Sum(String),
    /// Mean of a column.
    Average(String),
    /// Smallest value of a column, as a number.
    Minimum(String),
    /// Greatest value of a column, as a number.
    Maximum(String),
    /// The value that the part `p` of all values lies below, interpolated.
    Percentile {
        /// The column.
        column: String,
        /// Between 0 and 1.
        p: f64,
    },
    /// The most frequent values of a column, NULL included.
    TopK {
        /// The column.
        column: String,
        /// Most values to list.
        k: u64,
    },
    /// The column's value in the row with the smallest tracking column.
    First(String),
    /// The column's value in the row with the greatest tracking column.
    Last(String),
}

/// Parses `measures`.
pub(super) fn parse(
    options: Options<'_>,
    context: RequestContext<'_>,
) -> Result<Vec<Measure>, JobError> {
    let path = options.path("measures");
    let members = match options.get("measures") {
        None if context.rules.in_memory.is_none() => return Ok(Vec::new()),
        Some(Value::Object(members)) => members,
        _ => return Err(JobError::invalid_options(&path, "must be an object")),
    };
    check_parts(members.len(), &path)?;
    let mut measures = Vec::with_capacity(members.len());
    let mut conditions = 0;
    for (name, value) in members {
        let path = format!("{path}.{name}");
        let measure = Options::at(value, &path)?;
        let filter = parse_filter(
            measure.get("where"),
            &measure.path("where"),
            context,
            FilterOf::Aggregate,
        )?;
        conditions += filter.conditions();
        if conditions > limits::MAX_CONDITIONS {
            let most = limits::MAX_CONDITIONS;
            let problem = format_args!("makes more than {most} conditions with those before");
            return Err(measure.refuse("where", problem));
        }
        measures.push(Measure {
            name: name.clone(),
            aggregate: Aggregate::parse(measure, context)?,
            filter,
        });
    }
    Ok(measures)
}

impl Aggregate {
    fn parse(measure: Options<'_>, context: RequestContext<'_>) -> Result<Self, JobError> {
        let column = || measure.required_column("column");
        Ok(match measure.required_text("agg")? {
            "count" => Self::Count,
            "count_distinct" => Self::CountDistinct(column()?),
            "sum" | "rate" => Self::Sum(column()?),
            "avg" => Self::Average(column()?),
            "min" => Self::Minimum(column()?),
            "max" => Self::Maximum(column()?),
            "percentile" => Self::Percentile {
                column: column()?,
                p: measure
                    .number("p")?
                    .filter(|p| (0.0..=1.0).contains(p))
                    .ok_or_else(|| measure.refuse("p", "must be between 0 and 1"))?,
            },
            "top_k" => Self::TopK {
                column: column()?,
                k: match measure.count("k")?.unwrap_or(0) {
                    // The official reducer takes an absent number for all there are.
                    _ if context.rules.in_memory.is_some() && measure.get("k").is_none() => {
                        return Err(measure.refuse("k", "must be a whole number, not negative"));
                    }
                    k if k > limits::MAX_LIST as u64 => {
                        let most = limits::MAX_LIST;
                        return Err(measure.refuse("k", format_args!("must be at most {most}")));
                    }
                    k => k,
                },
            },
            "first" => Self::First(column()?),
            "last" => Self::Last(column()?),
            unknown => {
                return Err(JobError::new(
                    ErrorCode::UnsupportedOperator,
                    format!(
                        "Bridge does not support aggregate \"{unknown}\" on target \"{}\" ({})",
                        context.target, context.rules.package
                    ),
                ));
            }
        })
    }

    /// The measured column; counting rows needs none.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Count => None,
            Self::CountDistinct(column)
            | Self::Sum(column)
            | Self::Average(column)
            | Self::Minimum(column)
            | Self::Maximum(column)
            | Self::Percentile { column, .. }
            | Self::TopK { column, .. }
            | Self::First(column)
            | Self::Last(column) => Some(column),
        }
    }

    /// True for a value of one certain row, which is shown as rows show it.
    pub fn is_of_one_row(&self) -> bool {
        matches!(self, Self::First(_) | Self::Last(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::RULES;
    use serde_json::json;

    fn measure(value: Value) -> Result<Measure, JobError> {
        let options = json!({"measures": {"m": value}});
        let context = RequestContext {
            rules: &RULES,
            target: "sales",
        };
        parse(Options::new(&options).unwrap(), context).map(|mut list| list.remove(0))
    }

    #[test]
    fn every_aggregate_is_understood() {
        let x = || "x".to_owned();
        for (value, want) in [
            (
                json!({"agg": "count", "column": 5, "accuracy": "fast"}),
                Aggregate::Count,
            ),
            (json!({"agg": "rate", "column": "x"}), Aggregate::Sum(x())),
            (
                json!({"agg": "percentile", "column": "x", "p": 1}),
                Aggregate::Percentile {
                    column: x(),
                    p: 1.0,
                },
            ),
            (
                json!({"agg": "top_k", "column": "x"}),
                Aggregate::TopK { column: x(), k: 0 },
            ),
            (json!({"agg": "last", "column": "x"}), Aggregate::Last(x())),
        ] {
            assert_eq!(measure(value.clone()).unwrap().aggregate, want, "{value}");
        }
        let counted = measure(json!({"agg": "count", "where": {"a": null}})).unwrap();
        assert!(matches!(counted.filter, Predicate::IsNull { .. }));
    }

    #[test]
    fn what_does_not_parse_is_refused_by_its_path() {
        for (value, path) in [
            (json!({}), "options.measures.m.agg:"),
            (json!({"agg": "sum"}), "options.measures.m.column:"),
            (
                json!({"agg": "percentile", "column": "x"}),
                "options.measures.m.p:",
            ),
            (
                json!({"agg": "percentile", "column": "x", "p": "0.5) -- "}),
                "options.measures.m.p:",
            ),
            (
                json!({"agg": "percentile", "column": "x", "p": 1.1}),
                "options.measures.m.p:",
            ),
            (
                json!({"agg": "top_k", "column": "x", "k": -1}),
                "options.measures.m.k:",
            ),
            (
                json!({"agg": "top_k", "column": "x", "k": 1e9}),
                "options.measures.m.k:",
            ),
            (
                json!({"agg": "count", "where": []}),
                "options.measures.m.where:",
            ),
        ] {
            let error = measure(value).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidOptions);
            assert!(error.message.starts_with(path), "{error}");
        }
        let error = measure(json!({"agg": "median", "column": "x"})).unwrap_err();
        assert_eq!(error.code, ErrorCode::UnsupportedOperator);
    }
}
