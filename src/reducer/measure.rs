//! What is told of a group.

use std::collections::{HashMap, HashSet};

use crate::error::JobError;
use crate::job::Held;
use crate::json::{Raw, RawKind, js_number_of, write_f64, write_string, write_u64};
use crate::options::{Aggregate, AggregateOptions};
use crate::reducer::group::instant;
use crate::reducer::{Filter, Language, Row};

/// Room that an entry of a map or set takes beside its text.
const ENTRY_BYTES: usize = 56;

/// The measures of one aggregate.
pub(super) struct Measures<'a> {
    measures: Vec<(&'a Aggregate, Option<Filter>)>,
    /// What `first` and `last` go by; the order of arrival when there is none.
    tracking: Option<&'a str>,
}

/// One measure of one group, so far.
pub(super) enum State {
    Count(u64),
    Distinct(HashSet<Box<str>>),
    Sum(f64),
    Average(f64, u64),
    Least(Option<f64>),
    Greatest(Option<f64>),
    Percentile(f64, Vec<f64>),
    Top(u64, HashMap<Box<str>, Tally>),
    First(Option<Pick>),
    Last(Option<Pick>),
}

/// How often a text came, and when first.
pub(super) struct Tally {
    count: u64,
    row: u64,
}

/// A value of one row, and where that row stands.
pub(super) struct Pick {
    at: f64,
    value: String,
}

impl<'a> Measures<'a> {
    pub(super) fn new(options: &'a AggregateOptions) -> Self {
        let measures = options.measures.iter().map(|measure| {
            let filter = (!measure.filter.is_always())
                .then(|| Filter::new(&measure.filter, Language::Reducer));
            (&measure.aggregate, filter)
        });
        Self {
            measures: measures.collect(),
            tracking: options.tracking_column.as_deref(),
        }
    }

    /// The states of a new group.
    pub(super) fn states(&self) -> Vec<State> {
        let states = self.measures.iter().map(|(aggregate, _)| match aggregate {
            Aggregate::Count => State::Count(0),
            Aggregate::CountDistinct(_) => State::Distinct(HashSet::new()),
            Aggregate::Sum(_) => State::Sum(0.0),
            Aggregate::Average(_) => State::Average(0.0, 0),
            Aggregate::Minimum(_) => State::Least(None),
            Aggregate::Maximum(_) => State::Greatest(None),
            Aggregate::Percentile { p, .. } => State::Percentile(*p, Vec::new()),
            Aggregate::TopK { k, .. } => State::Top(*k, HashMap::new()),
            Aggregate::First(_) => State::First(None),
            Aggregate::Last(_) => State::Last(None),
        });
        states.collect()
    }

    /// Adds a row to the states of its group.
    pub(super) fn add(
        &self,
        states: &mut [State],
        row: &impl Row,
        number: u64,
        held: &mut Held,
    ) -> Result<(), JobError> {
        for ((aggregate, filter), state) in self.measures.iter().zip(states) {
            if filter.as_ref().is_some_and(|filter| !filter.passes(row)) {
                continue;
            }
            let value = aggregate.column().and_then(|column| row.field(column));
            match state {
                State::First(pick) => {
                    self.pick(pick, row, value, number, held, |new, old| new < old)?
                }
                State::Last(pick) => {
                    self.pick(pick, row, value, number, held, |new, old| new > old)?
                }
                state => state.add(value, number, held)?,
            }
        }
        Ok(())
    }

    /// Of several rows at one point the first one counts, for `last` too.
    fn pick(
        &self,
        pick: &mut Option<Pick>,
        row: &impl Row,
        value: Option<Raw<'_>>,
        number: u64,
        held: &mut Held,
        better: fn(f64, f64) -> bool,
    ) -> Result<(), JobError> {
        // A row without the field says nothing about it.
        let Some(value) = value else {
            return Ok(());
        };
        let at = match self.tracking {
            None => number as f64,
            Some(tracking) => match row.field(tracking).and_then(point) {
                Some(at) => at,
                None => return Ok(()),
            },
        };
        if pick.as_ref().is_some_and(|old| !better(at, old.at)) {
            return Ok(());
        }
        let value = value.as_str().to_owned();
        held.sub(pick.as_ref().map_or(0, |old| old.value.len()));
        held.add(value.len(), "the values of this aggregate")?;
        *pick = Some(Pick { at, value });
        Ok(())
    }
}

/// Where a row stands: a number as it is, or a date.
fn point(value: Raw<'_>) -> Option<f64> {
    match value.kind() {
        RawKind::Number => value.number().filter(|number| !number.is_nan()),
        _ => instant(value).map(|millis| millis as f64),
    }
}

/// A number, or a text that is one; the infinite do not count.
fn numeric(value: Raw<'_>) -> Option<f64> {
    let number = match value.kind() {
        RawKind::Number => value.number(),
        RawKind::Text => Some(js_number_of(&value.text()?)),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// The text by which distinct values are told apart.
fn text(value: Raw<'_>) -> Option<Box<str>> {
    Some(match value.kind() {
        RawKind::Null => return None,
        RawKind::List | RawKind::Object => value.compact().into(),
        _ => value.js_string().into(),
    })
}

impl State {
    fn add(&mut self, value: Option<Raw<'_>>, row: u64, held: &mut Held) -> Result<(), JobError> {
        const WHAT: &str = "the distinct values of this aggregate";
        let number = || value.and_then(numeric);
        match self {
            Self::Count(count) => *count += 1,
            Self::Distinct(texts) => {
                if let Some(text) = value.and_then(text)
                    && !texts.contains(&text)
                {
                    held.add(text.len() + ENTRY_BYTES, WHAT)?;
                    texts.insert(text);
                }
            }
            Self::Sum(sum) => *sum += number().unwrap_or(0.0),
            Self::Average(sum, count) => {
                if let Some(number) = number() {
                    *sum += number;
                    *count += 1;
                }
            }
            Self::Least(least) => {
                if let Some(number) = number() {
                    *least = Some(least.map_or(number, |least| least.min(number)));
                }
            }
            Self::Greatest(greatest) => {
                if let Some(number) = number() {
                    *greatest = Some(greatest.map_or(number, |greatest| greatest.max(number)));
                }
            }
            Self::Percentile(_, numbers) => {
                if let Some(number) = number() {
                    // A vector that grows may be twice as long as it needs to be.
                    held.add(2 * size_of::<f64>(), "the values of this percentile")?;
                    numbers.push(number);
                }
            }
            Self::Top(_, tallies) => {
                if let Some(text) = value.and_then(text) {
                    if let Some(tally) = tallies.get_mut(&text) {
                        tally.count += 1;
                    } else {
                        held.add(text.len() + ENTRY_BYTES, WHAT)?;
                        tallies.insert(text, Tally { count: 1, row });
                    }
                }
            }
            Self::First(_) | Self::Last(_) => {}
        }
        Ok(())
    }

    /// The measure's value as JSON.
    pub(super) fn into_json(self) -> String {
        let mut out = String::new();
        match self {
            Self::Count(count) => write_u64(&mut out, count),
            Self::Distinct(texts) => write_u64(&mut out, texts.len() as u64),
            Self::Sum(sum) => write_f64(&mut out, sum),
            Self::Average(sum, count) if count > 0 => write_f64(&mut out, sum / count as f64),
            Self::Least(Some(number)) | Self::Greatest(Some(number)) => {
                write_f64(&mut out, number);
            }
            Self::Percentile(p, numbers) => match percentile(p, numbers) {
                Some(number) => write_f64(&mut out, number),
                None => out.push_str("null"),
            },
            Self::Top(k, tallies) => write_top(&mut out, k, tallies),
            Self::First(Some(pick)) | Self::Last(Some(pick)) => {
                crate::json::write_document(&mut out, &pick.value);
            }
            Self::Average(..)
            | Self::Least(None)
            | Self::Greatest(None)
            | Self::First(None)
            | Self::Last(None) => out.push_str("null"),
        }
        out
    }
}

/// The number at a part `p` of the way through all of them, without interpolation: the median of four is the
/// third.
fn percentile(p: f64, mut numbers: Vec<f64>) -> Option<f64> {
    let last = numbers.len().checked_sub(1)?;
    // Neither negative nor above the length: `p` is between 0 and 1.
    let place = ((p * numbers.len() as f64).floor() as usize).min(last);
    let (_, found, _) = numbers.select_nth_unstable_by(place, f64::total_cmp);
    Some(*found)
}

/// The most frequent texts, of equals the one that came first.
fn write_top(out: &mut String, k: u64, tallies: HashMap<Box<str>, Tally>) {
    let mut tallies: Vec<_> = tallies.into_iter().collect();
    tallies.sort_unstable_by_key(|(_, tally)| (std::cmp::Reverse(tally.count), tally.row));
    out.push('[');
    let k = usize::try_from(k).unwrap_or(usize::MAX);
    for (i, (text, tally)) in tallies.into_iter().take(k).enumerate() {
        out.push_str(if i > 0 { ",{\"key\":" } else { "{\"key\":" });
        write_string(out, &text);
        out.push_str(",\"count\":");
        write_u64(out, tally.count);
        out.push('}');
    }
    out.push(']');
}
