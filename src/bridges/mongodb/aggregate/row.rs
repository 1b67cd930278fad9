//! A group as JSON: `{"dims":{…},"measures":{…},"count":n}`.

use crate::bridges::mongodb::answer::malformed;
use crate::bridges::mongodb::bson::{Document, Malformed, Value, push_value, value_text};
use crate::error::JobError;
use crate::json::{Text, js_number, write_i64, write_string};
use crate::options::{
    Aggregate, AggregateOptions, Bucket, Dimension, Measure, dimension_column, measure_column,
};

/// Writes the groups of one aggregate.
pub(super) struct GroupWriter<'a> {
    dimensions: Vec<(String, &'a Dimension)>,
    measures: Vec<(String, &'a Measure)>,
}

impl<'a> GroupWriter<'a> {
    pub(super) fn new(options: &'a AggregateOptions) -> Self {
        let all = options.dimensions.iter().enumerate();
        // Of two under one name the last is shown, as in any object of JavaScript.
        let last = |(i, dimension): &(usize, &Dimension)| {
            let mut later = options.dimensions.iter().skip(i + 1);
            !later.any(|later| later.name == dimension.name)
        };
        let measures = options.measures.iter().enumerate();
        Self {
            dimensions: all
                .filter(last)
                .map(|(i, dimension)| (dimension_column(i), dimension))
                .collect(),
            measures: measures
                .map(|(i, measure)| (measure_column(i), measure))
                .collect(),
        }
    }

    /// Appends one group.
    pub(super) fn write(&self, out: &mut Text, group: Document<'_>) -> Result<(), JobError> {
        self.append(out, group).map_err(malformed)
    }

    fn append(&self, out: &mut Text, group: Document<'_>) -> Result<(), Malformed> {
        let key = group.document("_id")?;
        out.push_str("{\"dims\":{");
        for (i, (place, dimension)) in self.dimensions.iter().enumerate() {
            push_name(out, &dimension.name, i);
            let value = match key {
                Some(key) => key.get(place)?,
                None => None,
            };
            match (&dimension.bucket, value.unwrap_or(Value::Null)) {
                (Bucket::Step(step), Value::Double(low)) => write_span(out, low, low + step),
                (Bucket::Breaks(breaks), Value::Int(place)) => {
                    write_break(out, breaks, place.into())
                }
                (Bucket::Breaks(breaks), Value::Long(place)) => write_break(out, breaks, place),
                (_, value) => push_value(out, &value)?,
            }
        }
        out.push_str("},\"measures\":{");
        for (i, (place, measure)) in self.measures.iter().enumerate() {
            push_name(out, &measure.name, i);
            match (&measure.aggregate, group.get(place)?.unwrap_or(Value::Null)) {
                (Aggregate::TopK { .. }, Value::Array(entries)) => write_entries(out, entries)?,
                (Aggregate::TopK { .. }, _) => out.push_str("[]"),
                (_, value) => push_value(out, &value)?,
            }
        }
        out.push_str("},\"count\":");
        write_i64(out, group.whole(AggregateOptions::COUNT)?.unwrap_or(0));
        out.push('}');
        Ok(())
    }
}

fn push_name(out: &mut Text, name: &str, place: usize) {
    if place > 0 {
        out.push(',');
    }
    write_string(out, name);
    out.push(':');
}

fn write_entries(out: &mut Text, entries: Document<'_>) -> Result<(), Malformed> {
    out.push('[');
    for (i, entry) in entries.elements().enumerate() {
        let Value::Document(entry) = entry?.value()? else {
            return Err(Malformed);
        };
        out.push_str(if i > 0 { ",{\"key\":" } else { "{\"key\":" });
        let value = entry.get("v")?.unwrap_or(Value::Null);
        write_string(out, &value_text(&value)?);
        out.push_str(",\"count\":");
        write_i64(out, entry.whole("n")?.unwrap_or(0));
        out.push('}');
    }
    out.push(']');
    Ok(())
}

fn write_span(out: &mut Text, low: f64, high: f64) {
    // -0 is 0 in JavaScript's texts too.
    write_string(
        out,
        &format!("{}..{}", js_number(low + 0.0), js_number(high + 0.0)),
    );
}

fn write_break(out: &mut Text, breaks: &[f64], place: i64) {
    let edge = |place| {
        usize::try_from(place)
            .ok()
            .and_then(|place| breaks.get(place))
    };
    match (edge(place), edge(place + 1)) {
        (Some(low), Some(high)) => write_span(out, *low, *high),
        _ => out.push_str("null"),
    }
}
