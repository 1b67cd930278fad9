//! Which group a row is of.

use crate::json::{Raw, RawKind, js_date_millis, js_number, write_f64, write_string};
use crate::options::{Bucket, Dimension};
use crate::reducer::Row;
use crate::reducer::label::write_time_label;

/// The texts of a group's values, each behind its length: a tuple, so that no text can imitate two.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct GroupKey(Box<[u8]>);

impl GroupKey {
    /// Room it takes.
    pub(super) fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// The dimensions of one aggregate.
pub(super) struct Dimensions<'a>(&'a [Dimension]);

impl<'a> Dimensions<'a> {
    pub(super) fn new(dimensions: &'a [Dimension]) -> Self {
        Self(dimensions)
    }

    /// The group of a row; `None` for a row that has no value for one of the dimensions.
    pub(super) fn key(&self, row: &impl Row) -> Option<GroupKey> {
        let mut key = Vec::new();
        let mut text = String::new();
        for dimension in self.0 {
            text.clear();
            let value = find(row, &dimension.field)?;
            bucket_text(&mut text, value, &dimension.bucket)?;
            key.extend_from_slice(&(text.len() as u64).to_le_bytes());
            key.extend_from_slice(text.as_bytes());
        }
        Some(GroupKey(key.into_boxed_slice()))
    }

    /// What is shown of a group whose first row this is, as JSON.
    pub(super) fn shown(&self, row: &impl Row) -> Vec<String> {
        let shown = self.0.iter().map(|dimension| {
            let mut out = String::new();
            let value = find(row, &dimension.field).unwrap_or(Raw::NULL);
            if dimension.bucket == Bucket::Value && value.kind() == RawKind::Number {
                write_number(&mut out, value);
                return out;
            }
            let mut text = String::new();
            let _ = bucket_text(&mut text, value, &dimension.bucket);
            write_string(&mut out, &text);
            out
        });
        shown.collect()
    }
}

/// The value at a path: a step an object for each dot. What is null is not there.
fn find<'r>(row: &'r impl Row, path: &str) -> Option<Raw<'r>> {
    let mut steps = path.split('.');
    let mut value = row.field(steps.next()?)?;
    for step in steps {
        value = value.member(step)?;
    }
    (value.kind() != RawKind::Null).then_some(value)
}

/// Integers keep their digits.
fn write_number(out: &mut String, value: Raw<'_>) {
    let text = value.as_str();
    if text != "-0" && !text.contains(['.', 'e', 'E']) {
        out.push_str(text);
    } else {
        write_f64(out, value.number().unwrap_or(f64::NAN));
    }
}

/// The text by which groups are told apart, which is also what they are shown by; `None` for a value that
/// falls into no bucket.
fn bucket_text(out: &mut String, value: Raw<'_>, bucket: &Bucket) -> Option<()> {
    match bucket {
        Bucket::Value => out.push_str(&value.js_string()),
        Bucket::Time(unit) => write_time_label(out, *unit, instant(value)?),
        Bucket::Step(step) => {
            let low = (finite(value)? / step).floor() * step;
            span(out, low, low + step);
        }
        Bucket::Breaks(breaks) => {
            let number = finite(value)?;
            let mut spans = breaks.windows(2).filter_map(|edges| match edges {
                [low, high] => Some((*low, *high)),
                _ => None,
            });
            // The last edge belongs to the last span.
            let (low, high) = spans
                .find(|(low, high)| *low <= number && number < *high)
                .or(match breaks.as_slice() {
                    [.., low, high] if number == *high => Some((*low, *high)),
                    _ => None,
                })?;
            span(out, low, high);
        }
        // Options for this room do not get here with one.
        Bucket::Geohash { .. } | Bucket::H3 { .. } => return None,
    }
    Some(())
}

fn finite(value: Raw<'_>) -> Option<f64> {
    Some(value.js_number()).filter(|number| number.is_finite())
}

fn span(out: &mut String, low: f64, high: f64) {
    // -0 is 0 in JavaScript's texts too.
    out.push_str(&js_number(low + 0.0));
    out.push_str("..");
    out.push_str(&js_number(high + 0.0));
}

/// Milliseconds since 1970 of a text that is a date, or of a number.
pub(super) fn instant(value: Raw<'_>) -> Option<i64> {
    /// What a JavaScript `Date` can hold.
    const MOST: f64 = 8.64e15;
    match value.kind() {
        RawKind::Text => js_date_millis(&value.text()?),
        RawKind::Number => {
            let millis = value.number()?.trunc();
            (millis.abs() <= MOST).then_some(millis as i64)
        }
        _ => None,
    }
}
