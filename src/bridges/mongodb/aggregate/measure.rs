//! Measures: what is told of a group.
//!
//! Those of all documents of a group that need no order are told by the groups themselves. Every other one has a
//! branch of its own, whose groups are joined to the others by their key: a filter then means what it means in a
//! query, and nothing is ever collected in a list that could outgrow a document.

use crate::bridges::mongodb::bson::{Bson, Fields, fields, list};
use crate::bridges::mongodb::filter::{condition, filter};
use crate::bridges::mongodb::path::{check_path, value_of};
use crate::error::JobError;
use crate::options::{Aggregate, AggregateOptions, Measure, measure_column};

/// How a measure becomes one value of a group.
pub(super) enum Way {
    /// An accumulator beside others.
    Accumulator(Fields),
    /// The stages that make groups with nothing but this value. They follow those that select documents.
    Stages(Vec<Fields>),
    /// There is nothing to ask.
    Nothing,
}

/// The way of the measure at a place. `key` is the key of the groups.
pub(super) fn way(
    options: &AggregateOptions,
    measure: &Measure,
    index: usize,
    key: &Bson,
) -> Result<Way, JobError> {
    let name = measure_column(index);
    if let Some(column) = measure.aggregate.column() {
        check_path(column, &format!("options.measures.{}.column", measure.name))?;
    }
    let accumulator = |operator: &str, column: &str| {
        Way::Accumulator(Fields::one(
            name.as_str(),
            Fields::one(operator, value_of(column)),
        ))
    };
    Ok(match &measure.aggregate {
        Aggregate::Count => Way::Accumulator(Fields::one(name.as_str(), fields! { "$sum": 1 })),
        Aggregate::Sum(column) => accumulator("$sum", column),
        Aggregate::Average(column) => accumulator("$avg", column),
        Aggregate::Minimum(column) => accumulator("$min", column),
        Aggregate::Maximum(column) => accumulator("$max", column),
        Aggregate::CountDistinct(column) => Way::Stages(count_distinct(&name, column, key)),
        Aggregate::Percentile { column, p } => Way::Stages(percentile(&name, column, *p, key)),
        Aggregate::TopK { k: 0, .. } => Way::Nothing,
        Aggregate::TopK { column, k } => Way::Stages(top_k(&name, column, *k, key)),
        Aggregate::First(column) => Way::Stages(end(options, &name, column, 1, key)?),
        Aggregate::Last(column) => Way::Stages(end(options, &name, column, -1, key)?),
    })
}

/// What a group has where none of its documents passes the measure's filter.
pub(super) fn of_nothing(aggregate: &Aggregate) -> Bson {
    match aggregate {
        Aggregate::Count | Aggregate::CountDistinct(_) | Aggregate::Sum(_) => 0.into(),
        Aggregate::TopK { .. } => list![],
        _ => Bson::Null,
    }
}

/// The filter of a measure, as a stage.
pub(super) fn matching(measure: &Measure) -> Result<Option<Fields>, JobError> {
    let filter = filter(&measure.filter)?;
    Ok((!filter.is_empty()).then(|| fields! { "$match": filter }))
}

/// A group for each value first, then one for each group.
fn count_distinct(name: &str, column: &str, key: &Bson) -> Vec<Fields> {
    let values = fields! { "d": key.clone(), "v": value_of(column) };
    let none = fields! { "$in": list![fields! { "$type": "$_id.v" }, list!["missing", "null", "undefined"]] };
    vec![
        fields! { "$group": fields! { "_id": values } },
        fields! { "$match": fields! { "$expr": fields! { "$not": list![none] } } },
        fields! { "$group": fields! { "_id": "$_id.d" }.with(name, fields! { "$sum": 1 }) },
    ]
}

/// The number whose rank is `p` of all numbers of the group, found by counting through them in their order.
fn percentile(name: &str, column: &str, p: f64, key: &Bson) -> Vec<Fields> {
    let whole = fields! { "documents": list!["unbounded", "unbounded"] };
    let rank =
        fields! { "$max": list![1, fields! { "$ceil": fields! { "$multiply": list![p, "$n"] } }] };
    vec![
        fields! { "$match": fields! { "$expr": fields! { "$isNumber": value_of(column) } } },
        fields! { "$project": fields! { "_id": 0, "d": key_expression(key), "v": value_of(column) } },
        fields! { "$setWindowFields": fields! {
            "partitionBy": "$d", "sortBy": fields! { "v": 1 },
            "output": fields! {
                "n": fields! { "$count": fields! {}, "window": whole }, "r": fields! { "$documentNumber": fields! {} },
            },
        } },
        fields! { "$match": fields! { "$expr": fields! { "$eq": list!["$r", rank] } } },
        fields! { "$group": fields! { "_id": "$d" }.with(name, fields! { "$first": "$v" }) },
    ]
}

/// The most frequent values with their counts, most frequent first.
fn top_k(name: &str, column: &str, k: u64, key: &Bson) -> Vec<Fields> {
    let values = fields! { "d": key.clone(), "v": fields! { "$ifNull": list![value_of(column), Bson::Null] } };
    let entry = fields! { "v": "$_id.v", "n": "$n" };
    vec![
        fields! { "$group": fields! { "_id": values, "n": fields! { "$sum": 1 } } },
        fields! { "$setWindowFields": fields! {
            "partitionBy": "$_id.d", "sortBy": fields! { "n": -1 },
            "output": fields! { "r": fields! { "$documentNumber": fields! {} } },
        } },
        fields! { "$match": fields! { "r": fields! { "$lte": k } } },
        fields! { "$sort": fields! { "r": 1 } },
        fields! { "$group": fields! { "_id": "$_id.d" }.with(name, fields! { "$push": entry }) },
    ]
}

/// The value of the document that comes first in the order of the tracking field; of those that are even, the
/// key decides.
fn end(
    options: &AggregateOptions,
    name: &str,
    column: &str,
    direction: i32,
    key: &Bson,
) -> Result<Vec<Fields>, JobError> {
    let tracking = options.tracking_column.as_deref().unwrap_or(column);
    check_path(tracking, "options.changeTrackingColumn")?;
    let mut sort = Fields::one(tracking, direction);
    if tracking != "_id" {
        sort.push("_id", direction);
    }
    Ok(vec![
        fields! { "$match": condition(tracking, "$ne", Bson::Null) },
        fields! { "$sort": sort },
        fields! { "$group": fields! { "_id": key.clone() }.with(name, fields! { "$first": value_of(column) }) },
    ])
}

/// A key without dimensions is a value, which a projection would take for a wish to leave the field out.
fn key_expression(key: &Bson) -> Bson {
    match key {
        Bson::Null => fields! { "$literal": Bson::Null }.into(),
        key => key.clone(),
    }
}
