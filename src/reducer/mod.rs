//! Aggregates over rows in memory, for engines that cannot group: each row is looked at once and forgotten, so
//! that memory grows with groups and distinct values, never with rows. Beyond a bound the job fails clearly. Rows may come
//! in any order; what is first is decided by the place that each comes with.
//!
//! - [`Filter`]: does a row pass? In the two languages that such engines have.
//! - `group`: which group a row is of.
//! - `measure`: what is told of a group.
//! - `sum`: numbers added up.
//! - `order`: which groups are shown, in which order.

mod filter;
mod group;
mod label;
mod measure;
mod operand;
mod order;
mod pattern;
mod sum;

use std::collections::HashMap;

use crate::error::JobError;
use crate::job::Held;
use crate::json::{Out, Raw, write_string, write_u64};
use crate::options::{Aggregate, AggregateOptions};

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

/// Where a row stands among the others, which may be taken in any order.
pub trait Place: Ord + Clone {
    /// Room it takes beside its own size.
    fn bytes(&self) -> usize;
}

/// Room that a group takes beside its texts and states.
const GROUP_BYTES: usize = 160;

/// What the memory of groups is held for.
const GROUPS: &str = "the groups of this aggregate";

/// Takes the rows of one aggregate, one by one.
pub struct Reducer<'a, P> {
    options: &'a AggregateOptions,
    dimensions: Dimensions<'a>,
    measures: Measures<'a>,
    numbers: HashMap<GroupKey, usize>,
    groups: Vec<Group<P>>,
    random: Random,
    held: Held,
}

struct Group<P> {
    /// The place of its first row.
    first: P,
    /// What that row shows of each dimension, as JSON.
    dimensions: Vec<String>,
    states: Vec<State<P>>,
    count: u64,
}

impl<P: Place> Group<P> {
    /// Room for what its first row shows.
    fn shown_bytes(&self) -> usize {
        let texts: usize = self.dimensions.iter().map(|text| text.len() + 24).sum();
        texts + self.first.bytes()
    }
}

/// True when the answer depends on the order in which rows are taken: when numbers are added, which may be fractions.
pub fn depends_on_order(options: &AggregateOptions) -> bool {
    let mut aggregates = options.measures.iter().map(|measure| &measure.aggregate);
    aggregates.any(|aggregate| matches!(aggregate, Aggregate::Sum(_) | Aggregate::Average(_)))
}

impl<'a, P: Place> Reducer<'a, P> {
    /// A reducer without rows. `seed` decides which rows a sample keeps; `held` counts the memory.
    pub fn new(options: &'a AggregateOptions, seed: u64, held: Held) -> Self {
        Self {
            options,
            dimensions: Dimensions::new(&options.dimensions),
            measures: Measures::new(options),
            numbers: HashMap::new(),
            groups: Vec::new(),
            random: Random(seed | 1),
            held,
        }
    }

    /// Takes the row of a place, which has passed the filter of the job.
    ///
    /// # Errors
    /// `QUERY_FAILED` when the groups would take more memory than they may.
    pub fn push(&mut self, row: &impl Row, place: &P) -> Result<(), JobError> {
        if let Some(part) = self.options.sample
            && self.random.part() >= part
        {
            return Ok(());
        }
        let Some(key) = self.dimensions.key(row) else {
            return Ok(());
        };
        let number = match self.numbers.get(&key) {
            Some(number) => *number,
            None => self.open(key, row, place)?,
        };
        let Some(group) = self.groups.get_mut(number) else {
            return Ok(());
        };
        if *place < group.first {
            self.held.sub(group.shown_bytes());
            group.first = place.clone();
            group.dimensions = self.dimensions.shown(row);
            self.held.add(group.shown_bytes(), GROUPS)?;
        }
        group.count += 1;
        self.measures
            .add(&mut group.states, row, place, &mut self.held)
    }

    fn open(&mut self, key: GroupKey, row: &impl Row, place: &P) -> Result<usize, JobError> {
        let group = Group {
            first: place.clone(),
            dimensions: self.dimensions.shown(row),
            states: self.measures.states(),
            count: 0,
        };
        let states = size_of::<State<P>>() * group.states.len();
        let bytes = GROUP_BYTES + size_of::<P>() + group.shown_bytes() + key.bytes() + states;
        self.held.add(bytes, GROUPS)?;
        let number = self.groups.len();
        self.numbers.insert(key, number);
        self.groups.push(group);
        Ok(number)
    }

    /// Hands over the buckets, when every row was taken. If they were taken in the order of their places, numbers are
    /// added as JavaScript does it, rounded each time; else so exactly that the order does not show.
    ///
    /// # Errors
    /// Whatever `each` ends with.
    pub fn finish(
        mut self,
        in_order: bool,
        mut each: impl FnMut(&Bucket<'_>) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let options = self.options;
        drop(self.numbers);
        self.groups.sort_by(|a, b| a.first.cmp(&b.first));
        let shown = self.groups.into_iter().map(|group| Shown {
            dimensions: group.dimensions,
            measures: group
                .states
                .into_iter()
                .map(|state| state.into_json(in_order))
                .collect(),
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
