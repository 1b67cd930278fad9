//! What the answer should be: a fold over the rows in memory, as plain as it can be written.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use crate::engine::Engine;
use crate::filter::passes;
use crate::label;
use crate::table::{Cell, Row, Table};

/// A bucket with what it is sorted by.
struct Group<'a> {
    /// Of every dimension, what stands for the bucket, and its label.
    dimensions: Vec<(Cell, Value)>,
    rows: Vec<&'a Row>,
    measures: Map<String, Value>,
}

/// The buckets, in order where the question has one.
pub fn fold(engine: &Engine, table: &Table, options: &Value) -> Vec<Value> {
    let dimensions = options["dimensions"].as_array().unwrap();
    let mut groups: Vec<Group<'_>> = Vec::new();
    if dimensions.is_empty() {
        groups.push(Group::new(Vec::new()));
    }
    for row in &table.rows {
        if !passes(row, &options["candidatesWhere"]) || !is_wanted(row, &options["ids"]) {
            continue;
        }
        let buckets: Option<Vec<_>> = dimensions.iter().map(|d| bucket(row, d)).collect();
        let Some(buckets) = buckets else { continue };
        match groups.iter_mut().find(|group| group.dimensions == buckets) {
            Some(group) => group.rows.push(row),
            None => {
                let mut group = Group::new(buckets);
                group.rows.push(row);
                groups.push(group);
            }
        }
    }
    for group in &mut groups {
        for (name, measure) in options["measures"].as_object().unwrap() {
            let value = tell(
                engine,
                &group.rows,
                measure,
                &options["changeTrackingColumn"],
            );
            group.measures.insert(name.clone(), value);
        }
    }
    groups.retain(|group| group.is_shown(&options["having"]));
    groups.sort_by(|one, other| one.compare(other, engine, options));
    let limit = options["limit"]
        .as_u64()
        .map_or(usize::MAX, |limit| limit as usize);
    groups
        .into_iter()
        .take(limit)
        .map(|group| {
            let names = dimensions
                .iter()
                .map(|d| d["as"].as_str().unwrap().to_owned());
            let labels = group.dimensions.into_iter().map(|(_, label)| label);
            let dims: Map<_, _> = names.zip(labels).collect();
            json!({"dims": dims, "measures": group.measures, "count": group.rows.len()})
        })
        .collect()
}

fn is_wanted(row: &Row, ids: &Value) -> bool {
    match ids.as_array() {
        Some(ids) if !ids.is_empty() => ids.contains(&json!(row.id.to_string())),
        _ => true,
    }
}

/// The bucket of a row; `None` when it belongs to none.
fn bucket(row: &Row, dimension: &Value) -> Option<(Cell, Value)> {
    let cell = row.cell(dimension["field"].as_str().unwrap());
    let bucket = &dimension["bucket"];
    match &cell {
        Cell::Null => None,
        Cell::Time(moment) => {
            let label = label::of(*moment, bucket.as_str().unwrap());
            Some((Cell::Text(label.clone()), json!(label)))
        }
        Cell::Number(number) if bucket["step"].is_number() => {
            let step = bucket["step"].as_f64().unwrap();
            let low = (number / step).floor() * step;
            Some((Cell::Number(low), json!(label::span(low, low + step))))
        }
        Cell::Number(number) if bucket["breaks"].is_array() => {
            let breaks = bucket["breaks"].as_array().unwrap();
            let breaks: Vec<_> = breaks.iter().map(|edge| edge.as_f64().unwrap()).collect();
            let mut spans = breaks.iter().zip(&breaks[1..]);
            let (low, high) = spans.find(|(low, high)| (**low..**high).contains(number))?;
            Some((Cell::Number(*low), json!(label::span(*low, *high))))
        }
        Cell::Number(number) => Some((cell.clone(), json!(number))),
        Cell::Text(text) => Some((cell.clone(), json!(text))),
    }
}

/// One measure of the rows of a bucket.
fn tell(engine: &Engine, rows: &[&Row], measure: &Value, tracking: &Value) -> Value {
    let column = measure["column"].as_str().unwrap_or("id");
    let matching: Vec<&Row> = rows
        .iter()
        .copied()
        .filter(|row| passes(row, &measure["where"]))
        .collect();
    let cells: Vec<_> = matching.iter().map(|row| row.cell(column)).collect();
    let mut numbers: Vec<f64> = cells
        .iter()
        .filter_map(|cell| engine.number(cell))
        .collect();
    numbers.sort_by(f64::total_cmp);
    let sum = numbers.iter().fold(0.0, |sum, number| sum + number);
    match measure["agg"].as_str().unwrap() {
        "count" => json!(cells.len()),
        "count_distinct" => json!(
            counted(&cells)
                .iter()
                .filter(|(cell, _)| *cell != Cell::Null)
                .count()
        ),
        "sum" | "rate" => {
            let zero = engine.filtered_sum_is_zero && matching.len() < rows.len();
            json!((zero || !numbers.is_empty()).then_some(sum))
        }
        "avg" => json!((!numbers.is_empty()).then(|| sum / numbers.len() as f64)),
        "min" => json!(numbers.first()),
        "max" => json!(numbers.last()),
        "percentile" => {
            let place = measure["p"].as_f64().unwrap() * (numbers.len() as f64 - 1.0);
            let low = numbers.get(place.max(0.0).floor() as usize);
            let high = numbers.get(place.max(0.0).ceil() as usize);
            json!(
                low.zip(high)
                    .map(|(low, high)| low + place.fract() * (high - low))
            )
        }
        "top_k" => {
            let mut counted = counted(&cells);
            counted.sort_by(|(one, n), (other, m)| m.cmp(n).then_with(|| engine.order(one, other)));
            let entries = counted
                .into_iter()
                .take(measure["k"].as_u64().unwrap() as usize);
            entries
                .map(|(cell, count)| json!({"key": label::key(&cell), "count": count}))
                .collect()
        }
        which => {
            let by = tracking.as_str().unwrap_or(column);
            let mut rows = matching;
            rows.sort_by(|one, other| {
                let (cell, other_cell) = (one.cell(by), other.cell(by));
                // NULL counts as greater than everything, whatever the engine's own order is.
                let null = (cell == Cell::Null).cmp(&(other_cell == Cell::Null));
                null.then_with(|| engine.order(&cell, &other_cell))
                    .then(one.id.cmp(&other.id))
            });
            let row = match which {
                "first" => rows.first(),
                _ => rows.last(),
            };
            row.map_or(Value::Null, |row| engine.shown(&row.cell(column)))
        }
    }
}

/// Different cells, with how often they occur.
fn counted(cells: &[Cell]) -> Vec<(Cell, u64)> {
    let mut counted: Vec<(Cell, u64)> = Vec::new();
    for cell in cells {
        match counted.iter_mut().find(|(known, _)| known == cell) {
            Some((_, count)) => *count += 1,
            None => counted.push((cell.clone(), 1)),
        }
    }
    counted
}

impl<'a> Group<'a> {
    fn new(dimensions: Vec<(Cell, Value)>) -> Self {
        Self {
            dimensions,
            rows: Vec::new(),
            measures: Map::new(),
        }
    }

    fn is_shown(&self, having: &Value) -> bool {
        having
            .as_object()
            .into_iter()
            .flatten()
            .all(|(key, conditions)| {
                let value = match key.as_str() {
                    "count" => Some(self.rows.len() as f64),
                    measure => self.measures[measure].as_f64(),
                };
                conditions
                    .as_object()
                    .unwrap()
                    .iter()
                    .all(|(operator, other)| {
                        let (Some(value), Some(other)) = (value, other.as_f64()) else {
                            return false;
                        };
                        match operator.as_str() {
                            "$eq" => value == other,
                            "$ne" => value != other,
                            "$gt" => value > other,
                            "$gte" => value >= other,
                            "$lt" => value < other,
                            _ => value <= other,
                        }
                    })
            })
    }

    /// By the keys of `sort`, then by the dimensions.
    fn compare(&self, other: &Self, engine: &Engine, options: &Value) -> Ordering {
        let dimension = |key: &str| {
            let dimensions = options["dimensions"].as_array().unwrap();
            dimensions.iter().position(|d| d["as"] == key)
        };
        for sort in options["sort"].as_array().into_iter().flatten() {
            let key = sort["key"].as_str().unwrap();
            let order = if key == "count" {
                self.rows.len().cmp(&other.rows.len())
            } else if let Some(i) = dimension(key) {
                engine.order(&self.dimensions[i].0, &other.dimensions[i].0)
            } else {
                // Lists have no order, and what does not exist has none.
                let value = |group: &Self| match group.measures.get(key) {
                    Some(Value::Number(number)) => Cell::Number(number.as_f64().unwrap()),
                    _ => Cell::Null,
                };
                engine.order(&value(self), &value(other))
            };
            let order = if sort["dir"] == "desc" {
                order.reverse()
            } else {
                order
            };
            if order.is_ne() {
                return order;
            }
        }
        let pairs = self.dimensions.iter().zip(&other.dimensions);
        pairs
            .map(|((one, _), (other, _))| engine.order(one, other))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}
