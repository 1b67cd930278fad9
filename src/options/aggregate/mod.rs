//! `aggregate`: rows grouped into buckets by dimensions (columns, or parts of their range), and what is measured
//! of each bucket.

mod bucket;
mod dimension;
mod having;
mod join;
mod measure;

use std::collections::HashSet;

use serde_json::Value;

use crate::error::JobError;
use crate::json::js_string;
use crate::limits;
use crate::options::fields::Options;
use crate::options::filter::{FilterOf, parse_filter};
use crate::options::{Order, Predicate, RequestContext, Target};

pub use bucket::{Bucket, GeoPlace, TimeUnit};
pub use dimension::Dimension;
pub use join::Join;
pub use measure::{Aggregate, Measure};

/// Options of `aggregate`.
#[derive(Debug, Clone, PartialEq)]
pub struct AggregateOptions {
    /// The target: the one that the options name, or else the job's.
    pub target: Target,
    /// The options name it.
    pub named: bool,
    /// What rows are grouped by; without any there is one bucket.
    pub dimensions: Vec<Dimension>,
    /// What is told of each bucket.
    pub measures: Vec<Measure>,
    /// The rows that count, `ids` included.
    pub filter: Predicate,
    /// The rows that count by their names, where rows may have their key for one; they are no part of the filter.
    pub ids: Option<RowIds>,
    /// The buckets that are shown: a filter over [`AggregateOptions::COUNT`], [`dimension_column`] and
    /// [`measure_column`].
    pub having: Predicate,
    /// The order of the buckets, by the same names, most significant first.
    pub order: Vec<Order>,
    /// Most buckets to return.
    pub limit: Option<u64>,
    /// The part of the rows to look at, between 0 and 1; `None` for all of them.
    pub sample: Option<f64>,
    /// What `first` and `last` are told by; the measured column itself when `None`.
    pub tracking_column: Option<String>,
    /// Tables whose columns may be dimensions too.
    pub joins: Vec<Join>,
}

/// Name of the column with the value of dimension `index` in the statements of an aggregate.
pub fn dimension_column(index: usize) -> String {
    format!("d{index}")
}

/// Name of the column with the value of measure `index` in the statements of an aggregate.
pub fn measure_column(index: usize) -> String {
    format!("m{index}")
}

impl AggregateOptions {
    /// Name of the column with the number of rows in the statements of an aggregate.
    pub const COUNT: &str = "n";

    /// Parses the options of a job.
    pub(crate) fn parse(
        options: Options<'_>,
        context: RequestContext<'_>,
    ) -> Result<Self, JobError> {
        // Messages name the table that is meant.
        let context = RequestContext {
            target: options.text("target")?.unwrap_or(context.target),
            ..context
        };
        let joins = join::parse(options, context)?;
        let dimensions = dimension::parse(options, &joins, context)?;
        let measures = measure::parse(options, context)?;
        // A percentile is computed over its own partition, which names every dimension again.
        if dimensions.len() * measures.len() > limits::MAX_AGGREGATE_CELLS {
            let most = limits::MAX_AGGREGATE_CELLS;
            return Err(JobError::invalid_options(
                &options.path("measures"),
                format_args!("times the dimensions make more than {most}"),
            ));
        }
        let having = having::parse(options, &dimensions, &measures, context)?;
        let order = having::parse_sort(options, &dimensions, &measures)?;
        let filter = parse_filter(
            options.get("candidatesWhere"),
            &options.path("candidatesWhere"),
            context,
            FilterOf::Rows,
        )?;
        let (filter, ids) = match (ids(options)?, context.rules.in_memory) {
            (None, _) => (filter, None),
            (Some(ids), Some(key)) => (filter, Some(RowIds::new(ids, context.rules.id, key))),
            (Some(ids), None) => {
                let ids = Predicate::In {
                    column: context.rules.id.to_owned(),
                    values: ids.to_vec(),
                    negated: false,
                };
                (Predicate::All(vec![ids, filter]), None)
            }
        };
        Ok(Self {
            filter,
            ids,
            having,
            order,
            limit: options.count("limit")?,
            sample: sample(options, context)?,
            tracking_column: options.column("changeTrackingColumn")?,
            target: (context.rules.aggregate_target)(context.target)?,
            named: options.text("target")?.is_some(),
            dimensions,
            measures,
            joins,
        })
    }

    /// True when the answer takes more than one statement, which must see the same rows.
    pub fn needs_snapshot(&self) -> bool {
        self.top_k().any(|(.., k)| k > 0)
    }

    /// The measures that are lists of the most frequent values, with their places.
    pub fn top_k(&self) -> impl Iterator<Item = (usize, &Measure, &str, u64)> {
        self.measures
            .iter()
            .enumerate()
            .filter_map(|(i, measure)| match &measure.aggregate {
                Aggregate::TopK { column, k } => Some((i, measure, column.as_str(), *k)),
                _ => None,
            })
    }
}

/// Rows by what they are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowIds {
    /// Their names, as texts.
    pub texts: HashSet<String>,
    /// The field that names a row.
    pub field: &'static str,
    /// The field that names a row which has no such field.
    pub key: &'static str,
}

impl RowIds {
    fn new(ids: &[Value], field: &'static str, key: &'static str) -> Self {
        Self {
            texts: ids.iter().map(js_string).collect(),
            field,
            key,
        }
    }
}

/// An empty list asks for nothing in particular.
fn ids(options: Options<'_>) -> Result<Option<&[Value]>, JobError> {
    let ids = options.list("ids")?;
    for (i, id) in ids.iter().enumerate() {
        if !matches!(id, Value::String(_) | Value::Number(_)) {
            let path = format!("{}[{i}]", options.path("ids"));
            return Err(JobError::invalid_options(&path, "must be a string"));
        }
    }
    Ok(Some(ids).filter(|ids| !ids.is_empty()))
}

fn sample(options: Options<'_>, context: RequestContext<'_>) -> Result<Option<f64>, JobError> {
    match options.number("sample")? {
        Some(0.0) if context.rules.documents => Ok(None),
        Some(part) if part <= 0.0 => Err(options.refuse("sample", "must be above 0, at most 1")),
        part => Ok(part.filter(|part| *part < 1.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::options::RULES;
    use serde_json::json;

    fn parse(options: Value) -> Result<AggregateOptions, JobError> {
        let context = RequestContext {
            rules: &RULES,
            target: "sales",
        };
        AggregateOptions::parse(Options::new(&options).unwrap(), context)
    }

    #[test]
    fn absent_options_ask_for_one_bucket_of_everything() {
        for options in [
            json!({}),
            json!({"dimensions": [], "measures": {}, "ids": [], "sample": 1, "joins": null,
                   "candidatesWhere": {}, "having": {}, "sort": [], "limit": null}),
        ] {
            assert_eq!(
                parse(options).unwrap(),
                AggregateOptions {
                    target: Target::whole("sales"),
                    named: false,
                    dimensions: vec![],
                    measures: vec![],
                    filter: Predicate::always(),
                    ids: None,
                    having: Predicate::always(),
                    order: vec![],
                    limit: None,
                    sample: None,
                    tracking_column: None,
                    joins: vec![],
                }
            );
        }
    }

    #[test]
    fn ids_are_a_filter_like_any_other() {
        let options = parse(json!({"ids": ["1", 2], "candidatesWhere": {"a": null}})).unwrap();
        let Predicate::All(terms) = options.filter else {
            panic!("not both");
        };
        assert!(
            matches!(&terms[0], Predicate::In { column, values, .. } if column == "id" && values.len() == 2)
        );
        assert!(matches!(&terms[1], Predicate::IsNull { .. }));
        let error = parse(json!({"ids": ["1", null]})).unwrap_err();
        assert_eq!(error.message, "options.ids[1]: must be a string");
    }

    #[test]
    fn ill_typed_options_are_refused_by_their_path() {
        for (options, path) in [
            (json!({"dimensions": {}}), "options.dimensions:"),
            (json!({"measures": []}), "options.measures:"),
            (json!({"candidatesWhere": "x"}), "options.candidatesWhere:"),
            (json!({"sample": 0}), "options.sample:"),
            (json!({"sample": "0.5"}), "options.sample:"),
            (json!({"limit": 1.5}), "options.limit:"),
            (json!({"target": 5}), "options.target:"),
            (
                json!({"changeTrackingColumn": "a\0"}),
                "options.changeTrackingColumn:",
            ),
        ] {
            let error = parse(options).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidOptions);
            assert!(error.message.starts_with(path), "{error}");
        }
    }
}
