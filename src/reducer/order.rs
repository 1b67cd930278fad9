//! Which groups are shown, and in which order.

use std::cmp::Ordering;

use crate::json::{Raw, RawKind, utf16_order};
use crate::options::{Aggregate, AggregateOptions, Order, dimension_column, measure_column};
use crate::reducer::{Filter, Language, Row};

/// A group, ready to be shown.
pub(super) struct Shown {
    /// Its dimensions, as JSON.
    pub(super) dimensions: Vec<String>,
    /// Its measures, as JSON.
    pub(super) measures: Vec<String>,
    /// Its rows.
    pub(super) count: u64,
}

/// A group as a row, for `having`: it sees the measures and the number of rows.
struct Measured<'a> {
    shown: &'a Shown,
    count: String,
}

impl Row for Measured<'_> {
    fn field(&self, name: &str) -> Option<Raw<'_>> {
        if name == AggregateOptions::COUNT {
            return Some(Raw::known(&self.count));
        }
        let place = (0..self.shown.measures.len()).find(|i| measure_column(*i) == name)?;
        self.shown.measures.get(place).map(|text| Raw::known(text))
    }
}

/// What groups are sorted by.
#[derive(Clone, Copy)]
enum Key {
    Count,
    Dimension(usize),
    Measure(usize),
}

impl Key {
    /// `None` for what has no order.
    fn of(order: &Order, options: &AggregateOptions) -> Option<Self> {
        if order.column == AggregateOptions::COUNT {
            return Some(Self::Count);
        }
        let is = |i: usize, name: fn(usize) -> String| name(i) == order.column;
        if let Some(i) = (0..options.dimensions.len()).find(|i| is(*i, dimension_column)) {
            // Of two dimensions under one name the last one is shown, and sorted by.
            let name = options.dimensions.get(i).map(|dimension| &dimension.name);
            let last = options
                .dimensions
                .iter()
                .rposition(|d| Some(&d.name) == name);
            return last.map(Self::Dimension);
        }
        let i = (0..options.measures.len()).find(|i| is(*i, measure_column))?;
        match options.measures.get(i)?.aggregate {
            Aggregate::TopK { .. } => None,
            _ => Some(Self::Measure(i)),
        }
    }

    fn compare(self, a: &Shown, b: &Shown) -> Ordering {
        let text = |shown: &Shown| match self {
            Self::Count => None,
            Self::Dimension(i) => shown.dimensions.get(i).cloned(),
            Self::Measure(i) => shown.measures.get(i).cloned(),
        };
        match (text(a), text(b)) {
            (Some(a), Some(b)) => value_order_nulls_last(Raw::known(&a), Raw::known(&b)),
            _ => a.count.cmp(&b.count),
        }
    }
}

/// The groups that pass `having`, sorted and limited.
pub(super) fn select(
    options: &AggregateOptions,
    groups: impl Iterator<Item = Shown>,
) -> impl Iterator<Item = Shown> {
    let having = Filter::new(&options.having, Language::Reducer);
    let passing = groups.filter(move |shown| {
        having.passes(&Measured {
            shown,
            count: shown.count.to_string(),
        })
    });
    let keys: Vec<_> = options
        .order
        .iter()
        .filter_map(|order| Some((Key::of(order, options)?, order.descending)))
        .collect();
    let limit = options.limit.unwrap_or(u64::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut sorted = Vec::new();
    let mut unsorted = None;
    if keys.is_empty() {
        unsorted = Some(passing);
    } else {
        sorted = passing.collect();
        sorted.sort_by(|a, b| {
            keys.iter()
                .fold(Ordering::Equal, |so_far, (key, descending)| {
                    so_far.then_with(|| match descending {
                        false => key.compare(a, b),
                        true => key.compare(b, a),
                    })
                })
        });
    }
    unsorted.into_iter().flatten().chain(sorted).take(limit)
}

/// Two numbers by number, everything else by its text; null after everything.
fn value_order_nulls_last(a: Raw<'_>, b: Raw<'_>) -> Ordering {
    match (a.kind(), b.kind()) {
        (RawKind::Null, RawKind::Null) => Ordering::Equal,
        (RawKind::Null, _) => Ordering::Greater,
        (_, RawKind::Null) => Ordering::Less,
        (RawKind::Number, RawKind::Number) => a
            .js_number()
            .partial_cmp(&b.js_number())
            .unwrap_or(Ordering::Equal),
        _ => utf16_order(a.js_string().as_bytes(), b.js_string().as_bytes()),
    }
}

/// What a row is sorted by: an order of all values, of any types. What is missing comes first, then numbers,
/// with true and false as 1 and 0 and null as 0, then texts, with lists and objects by theirs.
#[derive(Debug, Clone, PartialEq)]
pub enum SortKey {
    /// The row has no such field.
    Missing,
    /// A number, or what counts as one.
    Number(f64),
    /// A text, or what counts as one.
    Text(String),
}

impl SortKey {
    /// The key of a value.
    pub fn of(value: Option<Raw<'_>>) -> Self {
        match value {
            None => Self::Missing,
            Some(value) => match value.kind() {
                RawKind::Text | RawKind::List | RawKind::Object => {
                    Self::Text(value.js_string().into_owned())
                }
                // Both zeros are one.
                _ => Self::Number(value.js_number() + 0.0),
            },
        }
    }

    /// Room it takes beside its own size.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Missing | Self::Number(_) => 0,
        }
    }

    /// Its place among others.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Missing, Self::Missing) => Ordering::Equal,
            (Self::Missing, _) | (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (_, Self::Missing) | (Self::Text(_), Self::Number(_)) => Ordering::Greater,
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => utf16_order(a.as_bytes(), b.as_bytes()),
        }
    }
}
