//! Totals of walks. Every page of a `read` says how many rows the table has, and counting them for every
//! page makes a walk cost the square of its length. So the count made for the first page is used again for
//! the pages after it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::JobError;
use crate::limits;
use crate::options::ReadOptions;

/// The totals of one source, by target.
pub struct Totals {
    counted: Mutex<HashMap<String, (Instant, u64)>>,
    fresh: Duration,
}

impl Default for Totals {
    fn default() -> Self {
        Self::remembered_for(limits::WALK_TOTAL)
    }
}

impl Totals {
    fn remembered_for(fresh: Duration) -> Self {
        Self {
            counted: Mutex::default(),
            fresh,
        }
    }

    /// The total for a page of a walk. A first page is counted: by `shown`, the number of its rows, when it
    /// shows the whole table, by the database otherwise. A later page asks the database only when the last
    /// count is too old.
    pub fn of_page(
        &self,
        target: &str,
        options: &ReadOptions,
        shown: Option<u64>,
        count: impl FnOnce() -> Result<u64, JobError>,
    ) -> Result<u64, JobError> {
        if let Some(total) = shown {
            return Ok(total);
        }
        if options.cursor.is_some()
            && let Some(total) = self.remembered(target)
        {
            return Ok(total);
        }
        let total = count()?;
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= limits::CATALOG_TARGETS {
            counted.clear();
        }
        counted.insert(target.to_owned(), (Instant::now(), total));
        Ok(total)
    }

    fn remembered(&self, target: &str) -> Option<u64> {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted
            .get(target)
            .filter(|(at, _)| at.elapsed() < self.fresh)
            .map(|(_, total)| *total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Request;
    use serde_json::json;

    fn page(cursor: Option<&str>) -> ReadOptions {
        let options = json!({ "cursor": cursor });
        match Request::parse(
            crate::options::JobKind::Read,
            "t",
            &options,
            "@semilayer/bridge-sqlite",
        )
        .unwrap()
        {
            Request::Read(options) => options,
            _ => panic!("not a read"),
        }
    }

    #[test]
    fn a_walk_counts_once() {
        let totals = Totals::default();
        let ask = |cursor, now| {
            totals
                .of_page("t", &page(cursor), None, || Ok(now))
                .unwrap()
        };
        assert_eq!(ask(None, 5), 5);
        assert_eq!(ask(Some("1"), 6), 5);
        // A new walk, and another target.
        assert_eq!(ask(None, 7), 7);
        assert_eq!(totals.of_page("u", &page(Some("1")), None, || Ok(9)), Ok(9));
    }

    #[test]
    fn a_page_that_shows_everything_needs_no_count() {
        let totals = Totals::default();
        let total = totals.of_page("t", &page(None), Some(3), || panic!("counted"));
        assert_eq!(total, Ok(3));
    }

    #[test]
    fn an_old_count_is_made_again() {
        let totals = Totals::remembered_for(Duration::ZERO);
        totals.of_page("t", &page(None), None, || Ok(5)).unwrap();
        assert_eq!(totals.of_page("t", &page(Some("1")), None, || Ok(6)), Ok(6));
    }
}
