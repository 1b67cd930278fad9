//! Rows that wait for their place: all of them, or the first few when there is a limit.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::key::Key;
use crate::error::JobError;
use crate::job::Held;
use crate::options::Order;
use crate::reducer::{Row, SortKey};

/// Room that a row takes beside its text and keys.
const ROW_BYTES: usize = 96;

/// A row in its place.
struct Waiting {
    keys: Vec<SortKey>,
    order: Arc<[Order]>,
    /// The row's key, whose order ties keep.
    key: Key,
    text: String,
}

impl Waiting {
    fn room(&self) -> usize {
        let keys: usize = self
            .keys
            .iter()
            .map(|key| size_of::<SortKey>() + key.bytes())
            .sum();
        ROW_BYTES + self.key.bytes().len() + self.text.len() + keys
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        let keys = self.keys.iter().zip(&other.keys).zip(self.order.iter());
        keys.fold(Ordering::Equal, |so_far, ((a, b), order)| {
            so_far.then_with(|| match order.descending {
                false => a.order(b),
                true => b.order(a),
            })
        })
        .then_with(|| self.key.cmp(&other.key))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

/// Sorts rows. With a limit only so many are held.
pub(super) struct Sorted {
    order: Arc<[Order]>,
    rows: BinaryHeap<Waiting>,
    most: usize,
    held: Held,
}

impl Sorted {
    /// Room for the first `most` rows by this order.
    pub(super) fn new(order: &[Order], most: usize) -> Self {
        Self {
            order: order.into(),
            rows: BinaryHeap::new(),
            most,
            held: Held::default(),
        }
    }

    /// Takes the row of a key, in any order; `write` makes its text if it has a place.
    ///
    /// # Errors
    /// `QUERY_FAILED` when the rows take more memory than they may.
    pub(super) fn push(
        &mut self,
        key: &Key,
        row: &impl Row,
        write: impl FnOnce(&mut String),
    ) -> Result<(), JobError> {
        let keys = self
            .order
            .iter()
            .map(|order| SortKey::of(row.field(&order.column)));
        let mut waiting = Waiting {
            keys: keys.collect(),
            order: Arc::clone(&self.order),
            key: key.clone(),
            text: String::new(),
        };
        let full = self.rows.len() >= self.most;
        if full && self.rows.peek().is_none_or(|last| waiting >= *last) {
            return Ok(());
        }
        write(&mut waiting.text);
        self.held.add(waiting.room(), "sorting these rows")?;
        self.rows.push(waiting);
        if full && let Some(last) = self.rows.pop() {
            self.held.sub(last.room());
        }
        Ok(())
    }

    /// Hands over the texts of the rows in their order, without the first few.
    pub(super) fn finish(
        self,
        skipped: usize,
        mut each: impl FnMut(&str) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let rows = self.rows.into_sorted_vec();
        rows.iter()
            .skip(skipped)
            .try_for_each(|row| each(&row.text))
    }
}
