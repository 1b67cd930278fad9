//! Open connections of all sources together: their descriptors have one bound, whatever the number of sources and
//! whatever their servers do, and so has the memory that they keep while they are idle. When one is reached, connections that no job uses are closed, those of the source that was
//! asked longest ago first.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Weak};
use std::time::Instant;

use crate::error::{ErrorCode, JobError};
use crate::job::{JobControl, Pool, Share};
use crate::locks::lock;
use crate::{limits, shortage};

/// What a connection holds while there is one, or while somebody still tries to open it.
#[derive(Clone)]
pub struct Place(#[expect(dead_code, reason = "it is held to be dropped")] Arc<Taken>);

struct Taken {
    places: &'static Places,
    descriptors: usize,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.places
            .used
            .fetch_sub(self.descriptors, Ordering::Relaxed);
    }
}

/// Somebody who has connections that may be closed.
pub(super) trait Holder: Send + Sync {
    /// Since when none of its connections was given back, and the descriptors of those that nobody uses.
    fn idle(&self) -> (Instant, usize);

    /// Closes one that is not used. False when there was none any more.
    fn close_idle(&self) -> bool;
}

/// All places.
pub(super) struct Places {
    used: AtomicUsize,
    most: usize,
    /// Memory that idle connections keep.
    kept: Pool,
    holders: Mutex<Vec<Weak<dyn Holder>>>,
}

/// Those of the process.
pub(super) static PLACES: LazyLock<Places> = LazyLock::new(|| {
    let places = Places::new(most(shortage::descriptors()));
    if places.most < limits::CONNECTION_DESCRIPTORS {
        log::debug!("database connections may have {} descriptors", places.most);
    }
    places
});

/// What connections may have of so many descriptors.
fn most(descriptors: usize) -> usize {
    let left = descriptors.saturating_sub(limits::OTHER_DESCRIPTORS);
    left.clamp(limits::LEAST_DESCRIPTORS, limits::CONNECTION_DESCRIPTORS)
}

impl Places {
    fn new(most: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            most,
            kept: Pool::new(limits::IDLE_BYTES),
            holders: Mutex::default(),
        }
    }

    /// From now on its connections may be closed for the sake of others.
    pub fn join(&self, holder: Weak<dyn Holder>) {
        let mut holders = lock(&self.holders);
        holders.retain(|holder| holder.strong_count() > 0);
        holders.push(holder);
    }

    /// A place for a connection that takes so many descriptors. A source that has connections already, or whose
    /// server does not answer, leaves a quarter of them to the others. Waits a little where there is none.
    ///
    /// # Errors
    /// The job ended, or nothing came free: `OVERLOADED`.
    pub fn take(
        &'static self,
        job: &JobControl,
        descriptors: usize,
        first: bool,
    ) -> Result<Place, JobError> {
        let most = match first {
            true => self.most,
            false => self.most - self.most / limits::PLACES_PER_SPARE,
        };
        let until = Instant::now() + job.remaining()?.min(limits::PLACE_PATIENCE);
        loop {
            let count = |used: usize| {
                let more = used.saturating_add(descriptors);
                (more <= most || used == 0).then_some(more)
            };
            let taken = self
                .used
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, count);
            if taken.is_ok() {
                return Ok(Place(Arc::new(Taken {
                    places: self,
                    descriptors,
                })));
            }
            if self.close_idle(most.saturating_sub(descriptors)) {
                continue;
            }
            if Instant::now() >= until {
                job.remaining()?;
                return Err(self.full());
            }
            // Disconnected when the job ends.
            let _ = job.aborted().recv_timeout(limits::PLACE_PAUSE);
            job.check()?;
        }
    }

    /// Lets a connection keep so much memory while it is idle. Nothing when there is no room for it, not even after a few
    /// others were closed.
    pub fn keep(&'static self, bytes: usize) -> Option<Share> {
        for _ in 0..limits::CLOSED_FOR_ONE {
            let kept = self.kept.share(bytes);
            if kept.is_some() {
                return kept;
            }
            if bytes > limits::IDLE_BYTES || !self.close_idle(usize::MAX) {
                break;
            }
        }
        None
    }

    fn full(&self) -> JobError {
        let why = match self.most < limits::CONNECTION_DESCRIPTORS {
            true => {
                ": raise the limit of open files (ulimit -n, LimitNOFILE=, or --ulimit nofile=)"
            }
            false => " on this runner: add another one",
        };
        JobError::new(
            ErrorCode::Overloaded,
            format!("too many database connections are in use{why}"),
        )
    }

    /// Closes the connection that nobody has needed for longest, if closing such ones leaves no more than `enough`
    /// in use. False when it does not help.
    fn close_idle(&self, enough: usize) -> bool {
        let holders: Vec<_> = {
            let holders = lock(&self.holders);
            holders.iter().filter_map(Weak::upgrade).collect()
        };
        let idle: Vec<_> = holders
            .iter()
            .map(|holder| (holder.idle(), holder))
            .collect();
        let all: usize = idle.iter().map(|((_, descriptors), _)| descriptors).sum();
        if self.used.load(Ordering::Relaxed) > enough.saturating_add(all) {
            return false;
        }
        let some = idle.iter().filter(|((_, descriptors), _)| *descriptors > 0);
        some.min_by_key(|((since, _), _)| *since)
            .is_some_and(|(_, holder)| holder.close_idle())
    }
}

#[cfg(test)]
impl Place {
    /// For a connection of a test.
    pub fn of_a_test() -> Self {
        let job = JobControl::new("j", Instant::now() + limits::SOURCE_CONNECT);
        PLACES.take(&job, 0, true).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Holds places of idle connections.
    struct Idle(Mutex<Vec<Place>>, Instant);

    impl Holder for Idle {
        fn idle(&self) -> (Instant, usize) {
            (self.1, self.0.lock().unwrap().len() * 2)
        }

        fn close_idle(&self) -> bool {
            self.0.lock().unwrap().pop().is_some()
        }
    }

    fn places(most: usize) -> &'static Places {
        Box::leak(Box::new(Places::new(most)))
    }

    fn job(left: Duration) -> JobControl {
        JobControl::new("j", Instant::now() + left)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn there_are_some_whatever_the_limit() {
        assert_eq!(most(0), limits::LEAST_DESCRIPTORS);
        assert_eq!(most(64), 64 - limits::OTHER_DESCRIPTORS);
        assert_eq!(most(usize::MAX), limits::CONNECTION_DESCRIPTORS);
    }

    #[test]
    fn what_idle_connections_keep_has_one_bound() {
        let places = places(10);
        let quarter = limits::IDLE_BYTES / 4;
        let mut kept: Vec<_> = (0..4).map(|_| places.keep(quarter)).collect();
        assert!(kept.iter().all(Option::is_some));
        assert!(places.keep(1).is_none());
        kept.pop();
        assert!(places.keep(quarter).is_some());
        // It is what counts when others are closed for one more.
        let idle = Arc::new(Idle(Mutex::default(), Instant::now()));
        let holder: Weak<Idle> = Arc::downgrade(&idle);
        places.join(holder);
        let place = places.take(&job(LONG), 2, true).unwrap();
        idle.0.lock().unwrap().push(place);
        assert!(places.keep(2 * quarter).is_none());
        assert!(idle.0.lock().unwrap().is_empty());
    }

    #[test]
    fn a_quarter_is_left_to_those_that_have_none() {
        let places = places(8);
        let job = job(LONG);
        let soon = || self::job(Duration::from_millis(30));
        let _held: Vec<_> = (0..3)
            .map(|_| places.take(&job, 2, false).unwrap())
            .collect();
        assert!(places.take(&soon(), 2, false).is_err());
        let first = places.take(&job, 2, true).unwrap();
        assert!(places.take(&soon(), 2, true).is_err());
        drop(first);
        assert!(places.take(&job, 2, true).is_ok());
    }

    #[test]
    fn what_is_idle_for_longest_goes_first() {
        let places = places(4);
        let job = job(LONG);
        let now = Instant::now();
        let holders: Vec<Arc<Idle>> = [now, now - Duration::from_secs(1)]
            .into_iter()
            .map(|since| {
                let place = places.take(&job, 2, true).unwrap();
                let holder = Arc::new(Idle(Mutex::new(vec![place]), since));
                let weak = Arc::downgrade(&holder);
                places.join(weak);
                holder
            })
            .collect();
        let _place = places.take(&job, 2, true).unwrap();
        let idle = || {
            holders
                .iter()
                .map(|holder| holder.idle().1)
                .collect::<Vec<_>>()
        };
        assert_eq!(idle(), [2, 0]);
        // Nothing is closed for one that would not get a place by it.
        let hopeless = self::job(Duration::from_millis(30));
        assert!(places.take(&hopeless, 4, false).is_err());
        assert_eq!(idle(), [2, 0]);
    }

    #[test]
    fn nobody_waits_for_ever_and_a_job_that_ends_not_at_all() {
        let places = places(2);
        let _held = places.take(&job(LONG), 2, true).unwrap();
        let started = Instant::now();
        let error = places.take(&job(LONG), 2, true).err().unwrap();
        assert_eq!(error.code, ErrorCode::Overloaded);
        assert!(error.message.contains("ulimit -n"), "{error}");
        assert!(started.elapsed() < limits::PLACE_PATIENCE * 2);
        let ended = job(Duration::ZERO);
        let error = places.take(&ended, 2, true).err().unwrap();
        assert_eq!(error.code, ErrorCode::DeadlineExceeded);
    }
}
