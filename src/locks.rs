//! Locks, taken whatever became of those who had them: what they guard is changed in single steps, so that a thread that
//! panicked leaves nothing half done. And [`Seats`], which nobody waits for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Waits for a mutex.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until nobody writes.
pub fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until nobody else reads or writes.
pub fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// How many do something at this moment, over the whole process.
pub struct Seats(AtomicUsize);

impl Seats {
    /// Nobody yet.
    pub const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// One more, unless there are `most` already.
    pub fn take(&'static self, most: usize) -> Option<Seat> {
        let more = |taken| (taken < most).then_some(taken + 1);
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        // Not made unless it is taken: dropping it frees one.
        taken.ok().map(|_| Seat(self))
    }
}

/// One of them, until it is dropped.
pub struct Seat(&'static Seats);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_free_again_when_it_is_left() {
        static SEATS: Seats = Seats::new();
        let (first, second) = (SEATS.take(2), SEATS.take(2));
        assert!(first.is_some() && second.is_some());
        for _ in 0..3 {
            assert!(SEATS.take(2).is_none());
        }
        drop(first);
        let third = SEATS.take(2);
        assert!(third.is_some() && SEATS.take(2).is_none());
    }
}
