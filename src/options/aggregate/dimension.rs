//! Dimensions: a column, or a bucket its values fall into.

use crate::error::{ErrorCode, JobError};
use crate::options::aggregate::bucket;
use crate::options::fields::{Options, check_parts};
use crate::options::{Bucket, Join, RequestContext};

/// What rows are grouped by.
#[derive(Debug, Clone, PartialEq)]
pub struct Dimension {
    /// Column name as the job gave it.
    pub field: String,
    /// The key under which buckets show it.
    pub name: String,
    /// Which of the joined tables the column is of; the target itself when `None`.
    pub join: Option<usize>,
    /// How values become buckets.
    pub bucket: Bucket,
}

/// Parses `dimensions`.
pub(super) fn parse(
    options: Options<'_>,
    joins: &[Join],
    context: RequestContext<'_>,
) -> Result<Vec<Dimension>, JobError> {
    let in_memory = context.rules.in_memory.is_some();
    if in_memory && options.get("dimensions").is_none() {
        return Err(options.refuse("dimensions", "must be an array"));
    }
    let list = options.parts("dimensions")?;
    let mut dimensions: Vec<Dimension> = Vec::with_capacity(list.len());
    for (i, value) in list.iter().enumerate() {
        let path = format!("{}[{i}]", options.path("dimensions"));
        let dimension = Options::at(value, &path)?;
        let field = dimension.required_column("field")?;
        let name = dimension.text("as")?.unwrap_or(&field).to_owned();
        if !context.rules.repeated_names && dimensions.iter().any(|other| other.name == name) {
            return Err(JobError::invalid_options(
                &path,
                format_args!("\"{name}\" is named twice"),
            ));
        }
        let join = match dimension.text("from")? {
            None => None,
            Some(alias) => Some(
                joins
                    .iter()
                    .position(|join| join.alias == alias)
                    .ok_or_else(|| {
                        let problem = format!(
                            "Dimension \"{field}\" references unknown join alias \"{alias}\""
                        );
                        dimension.refuse("from", problem)
                    })?,
            ),
        };
        let bucket = bucket::parse(dimension, &field, context.rules)?;
        let is_asked_for = dimension.get("bucket").is_some();
        match &bucket {
            Bucket::Geohash { .. } | Bucket::H3 { .. } if in_memory => {
                return Err(no_cells(context));
            }
            Bucket::Value if in_memory && is_asked_for => {
                return Err(dimension.refuse("bucket", "needs a step or breaks"));
            }
            _ => {}
        }
        dimensions.push(Dimension {
            field,
            name,
            join,
            bucket,
        });
    }
    let edges = dimensions.iter().map(|dimension| match &dimension.bucket {
        Bucket::Breaks(edges) => edges.len(),
        _ => 0,
    });
    check_parts(edges.sum(), &options.path("dimensions[].bucket.breaks"))?;
    Ok(dimensions)
}

fn no_cells(context: RequestContext<'_>) -> JobError {
    JobError::new(
        ErrorCode::UnsupportedOperator,
        format!("{} has no geohash buckets", context.rules.package),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{RULES, Target};
    use serde_json::json;

    const CONTEXT: RequestContext<'_> = RequestContext {
        rules: &RULES,
        target: "sales",
    };

    #[test]
    fn a_dimension_is_shown_under_its_alias() {
        let options =
            json!({"dimensions": [{"field": "a", "as": "x"}, {"field": "a", "from": "j"}]});
        let joins = [Join {
            target: Target::whole("t"),
            alias: "j".to_owned(),
            local: "l".to_owned(),
            foreign: "f".to_owned(),
        }];
        let options = Options::new(&options).unwrap();
        let dimensions = parse(options, &joins, CONTEXT).unwrap();
        assert_eq!(
            (dimensions[0].name.as_str(), dimensions[0].join),
            ("x", None)
        );
        assert_eq!(
            (dimensions[1].name.as_str(), dimensions[1].join),
            ("a", Some(0))
        );
        let error = parse(options, &[], CONTEXT).unwrap_err();
        assert_eq!(
            error.message,
            "options.dimensions[1].from: Dimension \"a\" references unknown join alias \"j\""
        );
    }
}
