//! Aggregates over rows in memory, for engines that cannot group: each row is looked at once and forgotten, so
//! that memory grows with groups and distinct values, never with rows. Beyond a bound the job fails clearly.
//!
//! - [`Filter`]: does a row pass? In the two languages that such engines have.
//! - `group`: which group a row is of.
//! - `measure`: what is told of a group.
//! - `order`: which groups are shown, in which order.

mod filter;
mod group;
mod label;
mod measure;
mod operand;
mod order;
mod pattern;

use std::collections::HashMap;

use crate::error::JobError;
use crate::job::Held;
use crate::json::{Out, Raw, write_string, write_u64};
use crate::options::AggregateOptions;

pub use filter::{Filter, Language};
pub use label::write_time_label;
pub use order::SortKey;

use group::{Dimensions, GroupKey};
use measure::{Measures, State};
use order::Shown;

/// A row: values by the names of their fields.
pub trait Row {
    /// The value of the field of this name, taken literally; `None` when the row has none.
    fn field(&self, name: &str) -> Option<Raw<'_>>;
}

/// Room that a group takes beside its texts and states.
const GROUP_BYTES: usize = 160;

/// Takes the rows of one aggregate, one by one.
pub struct Reducer<'a> {
    options: &'a AggregateOptions,
    dimensions: Dimensions<'a>,
    measures: Measures<'a>,
    places: HashMap<GroupKey, usize>,
    groups: Vec<Group>,
    rows: u64,
    random: Random,
    held: Held,
}

struct Group {
    /// What is shown of each dimension, as JSON.
    dimensions: Vec<String>,
    states: Vec<State>,
    count: u64,
}

impl<'a> Reducer<'a> {
    /// A reducer without rows. `seed` decides which rows a sample keeps; `held` counts the memory.
    pub fn new(options: &'a AggregateOptions, seed: u64, held: Held) -> Self {
        Self {
            options,
            dimensions: Dimensions::new(&options.dimensions),
            measures: Measures::new(options),
            places: HashMap::new(),
            groups: Vec::new(),
            rows: 0,
            random: Random(seed | 1),
            held,
        }
    }

    /// Takes a row that has passed the filter of the job.
    ///
    /// # Errors
    /// `QUERY_FAILED` when the groups would take more memory than they may.
    pub fn push(&mut self, row: &impl Row) -> Result<(), JobError> {
        if let Some(part) = self.options.sample
            && self.random.part() >= part
        {
            return Ok(());
        }
        let Some(key) = self.dimensions.key(row) else {
            return Ok(());
        };
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None => self.open(key, row)?,
        };
        self.rows += 1;
        if let Some(group) = self.groups.get_mut(place) {
            group.count += 1;
            self.measures
                .add(&mut group.states, row, self.rows, &mut self.held)?;
        }
        Ok(())
    }

    fn open(&mut self, key: GroupKey, row: &impl Row) -> Result<usize, JobError> {
        let dimensions = self.dimensions.shown(row);
        let states = self.measures.states();
        let texts: usize = dimensions.iter().map(|text| text.len() + 24).sum();
        let bytes = GROUP_BYTES + texts + key.bytes() + size_of::<State>() * states.len();
        self.held.add(bytes, "the groups of this aggregate")?;
        let place = self.groups.len();
        self.places.insert(key, place);
        self.groups.push(Group {
            dimensions,
            states,
            count: 0,
        });
        Ok(place)
    }

    /// Hands over the buckets, when every row was taken.
    ///
    /// # Errors
    /// Whatever `each` ends with.
    pub fn finish(
        self,
        mut each: impl FnMut(&Bucket<'_>) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let options = self.options;
        drop(self.places);
        let shown = self.groups.into_iter().map(|group| Shown {
            dimensions: group.dimensions,
            measures: group.states.into_iter().map(State::into_json).collect(),
            count: group.count,
        });
        for shown in order::select(options, shown) {
            each(&Bucket { options, shown })?;
        }
        Ok(())
    }
}

/// One bucket of the answer.
pub struct Bucket<'a> {
    options: &'a AggregateOptions,
    shown: Shown,
}

impl Bucket<'_> {
    /// Appends it as JSON.
    pub fn write(&self, out: &mut impl Out) {
        out.push_str("{\"dims\":{");
        let names: Vec<_> = self
            .options
            .dimensions
            .iter()
            .map(|d| d.name.as_str())
            .collect();
        let mut first = true;
        for (i, (name, value)) in names.iter().zip(&self.shown.dimensions).enumerate() {
            // Of two under one name the last is shown, as in any object of JavaScript.
            if !names.iter().skip(i + 1).any(|later| later == name) {
                member(out, name, value, &mut first);
            }
        }
        out.push_str("},\"measures\":{");
        let mut first = true;
        for (measure, value) in self.options.measures.iter().zip(&self.shown.measures) {
            member(out, &measure.name, value, &mut first);
        }
        out.push_str("},\"count\":");
        write_u64(out, self.shown.count);
        out.push('}');
    }
}

fn member(out: &mut impl Out, name: &str, value: &str, first: &mut bool) {
    if !std::mem::take(first) {
        out.push(',');
    }
    write_string(out, name);
    out.push(':');
    out.push_str(value);
}

/// Marsaglia's xorshift64*: good enough to choose rows.
struct Random(u64);

impl Random {
    /// Between 0 and 1.
    fn part(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
        bits as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests;
