//! What is told of a group.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use crate::error::JobError;
use crate::job::Held;
use crate::json::{Raw, RawKind, js_number_of, write_f64, write_string, write_u64};
use crate::options::{Aggregate, AggregateOptions};
use crate::reducer::group::instant;
use crate::reducer::sum::Sum;
use crate::reducer::{Filter, Language, Place, Row};

/// Room that an entry of a map or set takes beside its text.
const ENTRY_BYTES: usize = 56;

/// The measures of one aggregate.
pub(super) struct Measures<'a> {
    measures: Vec<(&'a Aggregate, Option<Filter>)>,
    /// What `first` and `last` go by; the places of rows when there is none.
    tracking: Option<&'a str>,
}

/// One measure of one group, so far.
pub(super) enum State<P> {
    Count(u64),
    Distinct(HashSet<Box<str>>),
    Sum(Sum),
    Average(Sum, u64),
    Least(Option<f64>),
    Greatest(Option<f64>),
    Percentile(f64, Vec<f64>),
    Top(u64, HashMap<Box<str>, Tally<P>>),
    First(Option<Pick<P>>),
    Last(Option<Pick<P>>),
}

/// How often a text came, and where first.
pub(super) struct Tally<P> {
    count: u64,
    first: P,
}

/// A value of one row, and where that row stands.
pub(super) struct Pick<P> {
    /// By the column that tracks changes; the same for all rows when there is none.
    at: f64,
    place: P,
    value: String,
}

impl<P: Place> Pick<P> {
    fn bytes(&self) -> usize {
        self.value.len() + self.place.bytes()
    }
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
    pub(super) fn states<P>(&self) -> Vec<State<P>> {
        let states = self.measures.iter().map(|(aggregate, _)| match aggregate {
            Aggregate::Count => State::Count(0),
            Aggregate::CountDistinct(_) => State::Distinct(HashSet::new()),
            Aggregate::Sum(_) => State::Sum(Sum::default()),
            Aggregate::Average(_) => State::Average(Sum::default(), 0),
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
    pub(super) fn add<P: Place>(
        &self,
        states: &mut [State<P>],
        row: &impl Row,
        place: &P,
        held: &mut Held,
    ) -> Result<(), JobError> {
        for ((aggregate, filter), state) in self.measures.iter().zip(states) {
            if filter.as_ref().is_some_and(|filter| !filter.passes(row)) {
                continue;
            }
            let value = aggregate.column().and_then(|column| row.field(column));
            match state {
                State::First(pick) => self.pick(pick, row, value, place, held, false)?,
                State::Last(pick) => self.pick(pick, row, value, place, held, true)?,
                state => state.add(value, place, held)?,
            }
        }
        Ok(())
    }

    /// Of several rows at one point the first one counts, for `last` too.
    fn pick<P: Place>(
        &self,
        pick: &mut Option<Pick<P>>,
        row: &impl Row,
        value: Option<Raw<'_>>,
        place: &P,
        held: &mut Held,
        last: bool,
    ) -> Result<(), JobError> {
        // A row without the field says nothing about it.
        let Some(value) = value else {
            return Ok(());
        };
        let at = match self.tracking {
            None => 0.0,
            Some(tracking) => match row.field(tracking).and_then(point) {
                Some(at) => at,
                None => return Ok(()),
            },
        };
        if let Some(old) = pick {
            let later = at.partial_cmp(&old.at).unwrap_or(Ordering::Equal);
            let better = match (later, self.tracking) {
                (Ordering::Equal, None) if last => *place > old.place,
                (Ordering::Equal, _) => *place < old.place,
                (Ordering::Greater, _) => last,
                (Ordering::Less, _) => !last,
            };
            if !better {
                return Ok(());
            }
            held.sub(old.bytes());
        }
        let new = Pick {
            at,
            place: place.clone(),
            value: value.as_str().to_owned(),
        };
        held.add(new.bytes(), "the values of this aggregate")?;
        *pick = Some(new);
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

impl<P: Place> State<P> {
    fn add(&mut self, value: Option<Raw<'_>>, place: &P, held: &mut Held) -> Result<(), JobError> {
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
            Self::Sum(sum) => {
                if let Some(number) = number() {
                    sum.add(number);
                }
            }
            Self::Average(sum, count) => {
                if let Some(number) = number() {
                    sum.add(number);
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
                        if *place < tally.first {
                            held.sub(tally.first.bytes());
                            held.add(place.bytes(), WHAT)?;
                            tally.first = place.clone();
                        }
                    } else {
                        let room = text.len() + size_of::<Tally<P>>() + place.bytes();
                        held.add(room + ENTRY_BYTES, WHAT)?;
                        let first = place.clone();
                        tallies.insert(text, Tally { count: 1, first });
                    }
                }
            }
            Self::First(_) | Self::Last(_) => {}
        }
        Ok(())
    }

    /// The measure's value as JSON.
    pub(super) fn into_json(self, in_order: bool) -> String {
        let mut out = String::new();
        match self {
            Self::Count(count) => write_u64(&mut out, count),
            Self::Distinct(texts) => write_u64(&mut out, texts.len() as u64),
            Self::Sum(sum) => write_f64(&mut out, sum.total(in_order)),
            Self::Average(sum, count) if count > 0 => {
                write_f64(&mut out, sum.total(in_order) / count as f64);
            }
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
fn write_top<P: Ord>(out: &mut String, k: u64, tallies: HashMap<Box<str>, Tally<P>>) {
    let mut tallies: Vec<_> = tallies.into_iter().collect();
    tallies.sort_unstable_by(|(_, a), (_, b)| {
        let by_count = b.count.cmp(&a.count);
        by_count.then_with(|| a.first.cmp(&b.first))
    });
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
