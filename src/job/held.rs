//! Memory that jobs hold on to while they run: groups of an aggregate, keys of a walk, rows that wait for their
//! place. Counted over all jobs, because they run side by side in one process.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::JobError;
use crate::limits;

/// What all jobs hold.
static JOBS: Pool = Pool::new(limits::HELD_BYTES);

/// Asked for at once, so that jobs meet on the shared counter rarely.
const STEP: usize = 64 << 10;

/// Memory that many share.
#[derive(Debug)]
pub struct Pool {
    used: AtomicUsize,
    most: usize,
}

impl Pool {
    /// So many bytes.
    pub const fn new(most: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            most,
        }
    }

    /// So many bytes of it, until the share is dropped. `None` when there are not so many left.
    pub fn share(&'static self, bytes: usize) -> Option<Share> {
        // Made only then: one that is dropped gives back.
        self.reserve(bytes).then(|| Share { pool: self, bytes })
    }

    fn reserve(&self, bytes: usize) -> bool {
        let more = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.most);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }
}

/// A fixed share of a pool, given back when this is dropped.
#[derive(Debug)]
pub struct Share {
    pool: &'static Pool,
    bytes: usize,
}

impl Share {
    /// How large it is.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.pool.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A share of a pool that grows with a job, given back when this is dropped.
#[derive(Debug)]
pub struct Held {
    pool: &'static Pool,
    used: usize,
    reserved: usize,
}

impl Default for Held {
    fn default() -> Self {
        Self::of(&JOBS)
    }
}

impl Held {
    /// Nothing yet, of this pool.
    pub fn of(pool: &'static Pool) -> Self {
        Self {
            pool,
            used: 0,
            reserved: 0,
        }
    }

    /// Takes note of so many more bytes, held for `what`.
    ///
    /// # Errors
    /// `QUERY_FAILED` when all together would hold more than they may.
    pub fn add(&mut self, bytes: usize, what: &str) -> Result<(), JobError> {
        if self.try_add(bytes) {
            return Ok(());
        }
        Err(JobError::query_failed(format!(
            "{what} would take more than the {} MB that jobs may hold in memory together; narrow the job \
                 down by a filter or a limit",
            self.pool.most >> 20
        )))
    }

    /// As [`Held::add`]; false when it is too much.
    pub fn try_add(&mut self, bytes: usize) -> bool {
        let used = self.used.saturating_add(bytes);
        if used > self.reserved {
            let more = (used - self.reserved).next_multiple_of(STEP);
            if !self.pool.reserve(more) {
                return false;
            }
            self.reserved += more;
        }
        self.used = used;
        true
    }

    /// So many bytes are held no more; the job keeps its claim to them.
    pub fn sub(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.pool.used.fetch_sub(self.reserved, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_one_for_all_and_is_given_back() {
        static APART: Pool = Pool::new(64 << 20);
        let mut first = Held::of(&APART);
        let most = APART.most;
        first.add(most / 2, "x").unwrap();
        let mut second = Held::of(&APART);
        let error = second.add(most / 2 + STEP, "the sum").unwrap_err();
        assert!(
            error
                .message
                .starts_with("the sum would take more than the 64 MB"),
            "{error}"
        );
        drop(first);
        second.add(most / 2 + STEP, "x").unwrap();
        second.sub(most / 2);
        second.add(most / 2, "x").unwrap();
        assert!(!second.try_add(usize::MAX));
    }
}
