//! The pipeline of an aggregate.

use super::dimension::{group_key, valued};
use super::measure::{Way, matching, of_nothing, way};
use crate::bridges::mongodb::bson::{Bson, Fields, fields, list};
use crate::bridges::mongodb::filter::filter;
use crate::error::JobError;
use crate::options::{
    Aggregate, AggregateOptions, Order, Predicate, dimension_column, measure_column,
};

/// Groups that are joined to the main ones by their key.
struct Branch<'a> {
    /// The documents it is of, beside the job's own filter; branches of the same filter share one.
    filter: Option<&'a Predicate>,
    stages: Vec<Fields>,
    /// Accumulators beside each other, when it is made of them.
    accumulators: Option<Fields>,
    /// Lists of frequent values are of all documents.
    sampled: bool,
}

/// The stages that answer a job on this collection.
pub(super) fn pipeline(
    collection: &str,
    options: &AggregateOptions,
) -> Result<Vec<Fields>, JobError> {
    let key = group_key(&options.dimensions)?;
    let selected = Selected::of(options)?;
    let mut groups =
        fields! { "_id": key.clone() }.with(AggregateOptions::COUNT, fields! { "$sum": 1 });
    let mut branches: Vec<Branch<'_>> = Vec::new();
    for (i, measure) in options.measures.iter().enumerate() {
        let filtered = !measure.filter.is_always();
        match way(options, measure, i, &key)? {
            Way::Nothing => {}
            Way::Accumulator(accumulator) if !filtered => groups.0.extend(accumulator.0),
            Way::Accumulator(accumulator) => {
                let same = branches.iter_mut().find_map(|branch| {
                    let same = branch.filter == Some(&measure.filter);
                    branch.accumulators.as_mut().filter(|_| same)
                });
                match same {
                    Some(accumulators) => accumulators.0.extend(accumulator.0),
                    None => branches.push(Branch {
                        filter: Some(&measure.filter),
                        stages: matching(measure)?.into_iter().collect(),
                        accumulators: Some(accumulator),
                        sampled: true,
                    }),
                }
            }
            Way::Stages(stages) => branches.push(Branch {
                filter: None,
                stages: matching(measure)?.into_iter().chain(stages).collect(),
                accumulators: None,
                sampled: !matches!(measure.aggregate, Aggregate::TopK { .. }),
            }),
        }
    }
    let mut pipeline = selected.stages(true);
    pipeline.push(fields! { "$group": groups });
    pipeline.extend(valued(&options.dimensions));
    let joined = !branches.is_empty();
    for branch in branches {
        let mut stages = selected.stages(branch.sampled);
        stages.extend(branch.stages);
        if let Some(accumulators) = branch.accumulators {
            let mut groups = fields! { "_id": key.clone() };
            groups.0.extend(accumulators.0);
            stages.push(fields! { "$group": groups });
        }
        pipeline.push(fields! { "$unionWith": fields! { "coll": collection, "pipeline": stages } });
    }
    if joined {
        pipeline.extend(join(options));
    }
    let having = filter(&options.having)?;
    if !having.is_empty() {
        pipeline.push(fields! { "$match": having });
    }
    let sort = sort(&options.order);
    if !sort.is_empty() {
        pipeline.push(fields! { "$sort": sort });
    }
    if let Some(limit) = options.limit.filter(|limit| *limit > 0) {
        pipeline.push(fields! { "$limit": limit });
    }
    Ok(pipeline)
}

/// What selects the documents that count, for the main groups and for each branch.
struct Selected {
    filter: Option<Bson>,
    sample: Option<f64>,
}

impl Selected {
    fn of(options: &AggregateOptions) -> Result<Self, JobError> {
        let filter = filter(&options.filter)?;
        Ok(Self {
            filter: (!filter.is_empty()).then(|| Bson::shared(filter)),
            sample: options.sample,
        })
    }

    fn stages(&self, sampled: bool) -> Vec<Fields> {
        let filter = self.filter.iter();
        let mut stages: Vec<_> = filter
            .map(|filter| Fields::one("$match", filter.clone()))
            .collect();
        if let Some(part) = self.sample.filter(|_| sampled) {
            stages.push(fields! { "$match": fields! { "$sampleRate": part } });
        }
        stages
    }
}

/// Makes one group of all those with the same key. What is not among the main groups is none.
fn join(options: &AggregateOptions) -> Vec<Fields> {
    let count = AggregateOptions::COUNT;
    let counted = Fields::one(format!("g.{count}"), fields! { "$exists": true });
    let mut shown = fields! { "_id": "$_id" }.with(count, format!("$g.{count}"));
    for (i, measure) in options.measures.iter().enumerate() {
        let name = measure_column(i);
        let value = list![
            format!("$g.{name}"),
            fields! { "$literal": of_nothing(&measure.aggregate) }
        ];
        shown.push(name, fields! { "$ifNull": value });
    }
    vec![
        fields! { "$group": fields! { "_id": "$_id", "g": fields! { "$mergeObjects": "$$ROOT" } } },
        fields! { "$match": counted },
        fields! { "$project": shown },
    ]
}

fn sort(order: &[Order]) -> Fields {
    let mut sort = Fields::default();
    for Order { column, descending } in order {
        // Dimensions are in the key, the others beside it.
        let name = match column.strip_prefix(dimension_column(0).trim_end_matches('0')) {
            Some(_) => format!("_id.{column}"),
            None => column.clone(),
        };
        if !sort.0.iter().any(|(earlier, _)| *earlier == name) {
            let direction: Bson = if *descending { -1 } else { 1 }.into();
            sort.push(name, direction);
        }
    }
    sort
}
