//! Dimensions: the expression whose values are the groups.

use crate::bridges::mongodb::bson::{Bson, Fields, fields, list};
use crate::bridges::mongodb::path::{check_path, value_of};
use crate::error::{ErrorCode, JobError};
use crate::options::{Bucket, Dimension, TimeUnit, dimension_column};

/// The key of the groups: a document with a value for each dimension, or null without any.
pub(super) fn group_key(dimensions: &[Dimension]) -> Result<Bson, JobError> {
    if dimensions.is_empty() {
        return Ok(Bson::Null);
    }
    let mut key = Fields::default();
    for (i, dimension) in dimensions.iter().enumerate() {
        key.push(dimension_column(i), expression(dimension, i)?);
    }
    // Every branch has it again.
    Ok(Bson::shared(key))
}

/// Only groups that have a value in every dimension are shown. They are told apart by type, because a comparison
/// with null would also meet lists with a null in them.
pub(super) fn valued(dimensions: &[Dimension]) -> Option<Fields> {
    let conditions = (0..dimensions.len()).map(|i| {
        let kind = fields! { "$type": format!("$_id.{}", dimension_column(i)) };
        let none = fields! { "$in": list![kind, list!["missing", "null", "undefined"]] };
        Bson::from(fields! { "$not": list![none] })
    });
    let conditions: Vec<_> = conditions.collect();
    (!conditions.is_empty())
        .then(|| fields! { "$match": fields! { "$expr": fields! { "$and": conditions } } })
}

fn expression(dimension: &Dimension, index: usize) -> Result<Bson, JobError> {
    let path = format!("options.dimensions[{index}]");
    check_path(&dimension.field, &format!("{path}.field"))?;
    if dimension.name.is_empty() || dimension.name.starts_with('$') {
        let problem = "must be a name that does not begin with a dollar";
        return Err(JobError::invalid_options(&format!("{path}.as"), problem));
    }
    let value = value_of(&dimension.field);
    Ok(match &dimension.bucket {
        Bucket::Value => value.into(),
        Bucket::Time(unit) => time(&value, *unit),
        Bucket::Step(step) => step_of(&value, *step),
        Bucket::Breaks(breaks) => breaks_of(&value, breaks),
        Bucket::Geohash { .. } | Bucket::H3 { .. } => {
            let problem = "this bridge makes no geohashes";
            return Err(JobError::new(ErrorCode::UnsupportedOperator, problem));
        }
    })
}

/// The label itself, in UTC.
fn time(value: &str, unit: TimeUnit) -> Bson {
    let text =
        |format: &str| fields! { "$dateToString": fields! { "date": value, "format": format } };
    match unit {
        TimeUnit::Minute => text("%Y-%m-%dT%H:%M"),
        TimeUnit::Hour => text("%Y-%m-%dT%H"),
        TimeUnit::Day => text("%Y-%m-%d"),
        TimeUnit::Week => text("%G-W%V"),
        TimeUnit::Month => text("%Y-%m"),
        TimeUnit::Quarter => {
            let third = fields! { "$divide": list![fields! { "$month": value }, 3] };
            let quarter = fields! { "$toString": fields! { "$toInt": fields! { "$ceil": third } } };
            fields! { "$concat": list![text("%Y"), "-Q", quarter] }
        }
        TimeUnit::Year => text("%Y"),
    }
    .into()
}

/// The lower edge.
fn step_of(value: &str, step: f64) -> Bson {
    let steps = fields! { "$floor": fields! { "$divide": list![value, step] } };
    fields! { "$toDouble": fields! { "$multiply": list![steps, step] } }.into()
}

/// The place of the lower edge; nothing for what is outside, or no number.
fn breaks_of(value: &str, breaks: &[f64]) -> Bson {
    let edges = breaks.iter().zip(breaks.iter().skip(1)).enumerate();
    let branches: Vec<Fields> = edges
        .map(|(place, (low, high))| {
            let above = fields! { "$gte": list![value, *low] };
            let below = fields! { "$lt": list![value, *high] };
            let place = u64::try_from(place).unwrap_or(u64::MAX);
            fields! { "case": fields! { "$and": list![above, below] }, "then": place }
        })
        .collect();
    let place = fields! { "$switch": fields! { "branches": branches, "default": Bson::Null } };
    fields! { "$cond": list![fields! { "$isNumber": value }, place, Bson::Null] }.into()
}
