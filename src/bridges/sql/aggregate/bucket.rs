//! One bucket as JSON: `{"dims":{…},"measures":{…},"count":n}`.

use super::top_k::Lists;
use crate::bridges::sql::Values;
use crate::error::JobError;
use crate::json::{Text, js_number, write_string, write_u64};
use crate::options::{Aggregate, AggregateOptions, Bucket, TimeUnit};

/// Writes the buckets of one aggregate.
pub(super) struct BucketWriter<'a> {
    dimensions: Vec<(String, usize, DimensionForm<'a>)>,
    measures: Vec<(String, MeasureForm<'a>)>,
    /// Column of the number of rows.
    count: usize,
}

/// How a dimension is shown.
enum DimensionForm<'a> {
    /// As rows show it.
    Value,
    /// A time bucket.
    Time(TimeUnit),
    /// `"low..high"`, from the lower edge.
    Step(f64),
    /// `"low..high"`, from the place among the edges.
    Breaks(&'a [f64]),
}

/// How a measure is shown.
enum MeasureForm<'a> {
    /// As a number.
    Number(usize),
    /// As rows show it.
    Value(usize),
    /// As a list, found by the bucket's rank.
    List(&'a Lists, usize),
}

impl<'a> BucketWriter<'a> {
    /// A writer for the rows of [`crate::sql::Aggregation::buckets`].
    pub(super) fn new(options: &'a AggregateOptions, lists: &'a [Lists]) -> Self {
        let names: Vec<_> = options.dimensions.iter().map(|d| d.name.as_str()).collect();
        let mut dimensions = Vec::with_capacity(names.len());
        for (i, dimension) in options.dimensions.iter().enumerate() {
            // Of two under one name the last is shown, as in any object of JavaScript.
            if names
                .iter()
                .skip(i + 1)
                .any(|later| *later == dimension.name)
            {
                continue;
            }
            let form = match &dimension.bucket {
                Bucket::Value | Bucket::Geohash { .. } | Bucket::H3 { .. } => DimensionForm::Value,
                Bucket::Time(unit) => DimensionForm::Time(*unit),
                Bucket::Step(step) => DimensionForm::Step(*step),
                Bucket::Breaks(breaks) => DimensionForm::Breaks(breaks),
            };
            dimensions.push((member(&dimension.name, dimensions.is_empty()), i, form));
        }
        let count = names.len();
        let mut measures = Vec::with_capacity(options.measures.len());
        let mut column = count;
        for measure in &options.measures {
            let form = match &measure.aggregate {
                Aggregate::TopK { .. } => continue,
                Aggregate::First(_) | Aggregate::Last(_) => MeasureForm::Value,
                _ => MeasureForm::Number,
            };
            column += 1;
            measures.push((member(&measure.name, measures.is_empty()), form(column)));
        }
        for ((_, measure, ..), lists) in options.top_k().zip(lists) {
            let key = member(&measure.name, measures.is_empty());
            measures.push((key, MeasureForm::List(lists, column + 1)));
        }
        Self {
            dimensions,
            measures,
            count,
        }
    }

    /// Appends one bucket.
    pub(super) fn write(&self, out: &mut Text, row: &dyn Values) -> Result<(), JobError> {
        out.push_str("{\"dims\":{");
        for (key, column, form) in &self.dimensions {
            out.push_str(key);
            match form {
                DimensionForm::Value => row.write(out, *column)?,
                DimensionForm::Time(unit) => row.write_time(out, *column, *unit)?,
                DimensionForm::Step(step) => match number(row, *column)? {
                    Some(low) => write_span(out, low, low + step),
                    None => out.push_str("null"),
                },
                DimensionForm::Breaks(breaks) => {
                    let place = usize::try_from(row.whole(*column)?).unwrap_or(usize::MAX);
                    write_break(out, breaks, place);
                }
            }
        }
        out.push_str("},\"measures\":{");
        for (key, form) in &self.measures {
            out.push_str(key);
            match form {
                MeasureForm::Number(column) => row.write_number(out, *column)?,
                MeasureForm::Value(column) => row.write(out, *column)?,
                MeasureForm::List(lists, rank) => lists.write(out, row.whole(*rank)?),
            }
        }
        out.push_str("},\"count\":");
        write_u64(out, row.whole(self.count)?);
        out.push('}');
        Ok(())
    }
}

/// `"name":`, with a comma before it unless it is the first.
fn member(name: &str, first: bool) -> String {
    let mut key = String::from(if first { "" } else { "," });
    write_string(&mut key, name);
    key.push(':');
    key
}

/// A number, unless it is NULL or not finite.
fn number(row: &dyn Values, column: usize) -> Result<Option<f64>, JobError> {
    let mut text = Text::new();
    row.write_number(&mut text, column)?;
    Ok(text.as_str().parse().ok())
}

fn write_span(out: &mut Text, low: f64, high: f64) {
    // -0 is 0 in JavaScript's texts too.
    write_string(
        out,
        &format!("{}..{}", js_number(low + 0.0), js_number(high + 0.0)),
    );
}

/// The official label is found by the lower edge, so of equal edges the first one counts.
fn write_break(out: &mut Text, breaks: &[f64], place: usize) {
    let low = breaks.get(place);
    let first = breaks.iter().position(|edge| Some(edge) == low);
    match (low, first.and_then(|first| breaks.get(first + 1))) {
        (Some(low), Some(high)) => write_span(out, *low, *high),
        _ => out.push_str("null"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{JobKind, RULES, Request};
    use serde_json::{Value, json};

    /// A row of JSON values.
    struct Row(Vec<Value>);

    impl Values for Row {
        fn write(&self, out: &mut Text, column: usize) -> Result<(), JobError> {
            out.push_str(&self.0[column].to_string());
            Ok(())
        }
        fn write_number(&self, out: &mut Text, column: usize) -> Result<(), JobError> {
            self.write(out, column)
        }
        fn write_time(
            &self,
            out: &mut Text,
            column: usize,
            unit: TimeUnit,
        ) -> Result<(), JobError> {
            out.push_str(&format!("\"{} of {}\"", unit.as_str(), self.0[column]));
            Ok(())
        }
        fn text(&self, column: usize) -> Result<String, JobError> {
            Ok(self.0[column].to_string())
        }
        fn whole(&self, column: usize) -> Result<u64, JobError> {
            Ok(self.0[column].as_u64().unwrap())
        }
    }

    fn write(options: Value, lists: &[Lists], row: Value) -> Value {
        let request = Request::parse(JobKind::Aggregate, "t", &options, &RULES).unwrap();
        let Request::Aggregate(options) = request else {
            panic!("not an aggregate");
        };
        let mut out = Text::new();
        BucketWriter::new(&options, lists)
            .write(&mut out, &Row(row.as_array().unwrap().clone()))
            .unwrap();
        serde_json::from_str(out.as_str()).unwrap()
    }

    #[test]
    fn every_form_has_its_place() {
        let mut lists = Lists::new("t");
        lists.open(0).unwrap();
        lists.push("x", 2, 0).unwrap();
        let options = json!({
            "dimensions": [
                {"field": "a"}, {"field": "b", "as": "a"},
                {"field": "at", "bucket": "day"},
                {"field": "n", "bucket": {"type": "numeric", "step": 0.1}},
                {"field": "m", "bucket": {"type": "numeric", "breaks": [0, 10, 10, 50]}},
            ],
            "measures": {
                "t": {"agg": "top_k", "column": "x", "k": 1},
                "s": {"agg": "sum", "column": "x"},
                "f": {"agg": "first", "column": "x"},
            },
        });
        assert_eq!(
            write(options, &[lists], json!([1, 2, 0, 0.2, 2, 7, 5.5, [1], 1])),
            json!({
                "dims": {"a": 2, "at": "day of 0", "n": "0.2..0.30000000000000004", "m": "10..10"},
                "measures": {"s": 5.5, "f": [1], "t": [{"key": "x", "count": 2}]},
                "count": 7,
            })
        );
    }

    #[test]
    fn a_bucket_without_anything_is_a_count() {
        assert_eq!(
            write(json!({}), &[], json!([3])),
            json!({"dims": {}, "measures": {}, "count": 3})
        );
        let step =
            json!({"dimensions": [{"field": "n", "bucket": {"type": "numeric", "step": 10}}]});
        assert_eq!(
            write(step, &[], json!([null, 1])),
            json!({"dims": {"n": null}, "measures": {}, "count": 1})
        );
    }
}
