//! The connections of one source: an r2d2 pool of slots that connect when they are first used.
//!
//! r2d2 connects on its own scheduler threads, hides the cause of a failure and lets callers wait their
//! whole time-out for it. Here its "connections" are slots: made at once, empty, and filled by the worker
//! that borrows one, on its own thread, within its own job's time. What r2d2 does is count them, hand them
//! out and drop the idle ones.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use r2d2::{ManageConnection, PooledConnection};
use scheduled_thread_pool::ScheduledThreadPool;

use crate::bridges::places::{Holder, PLACES, Place};
use crate::error::{ErrorCode, JobError, Retry};
use crate::job::{JobControl, Phase, Share};
use crate::locks::lock;
use crate::{limits, shortage};

/// How a bridge connects to its database.
pub trait Connector: Send + Sync + 'static {
    /// One connection.
    type Connection: Send + 'static;

    /// Descriptors that a connection takes at most: its own, and what it takes to open or to stop it.
    const DESCRIPTORS: usize = 2;

    /// Connects, within the job's time. It is the place for `SOURCE_UNREACHABLE`, `SOURCE_AUTH_FAILED` and
    /// the real cause in the message. What may go on after its return has a clone of the connection's place.
    fn connect(&self, job: &Arc<JobControl>, place: &Place) -> Result<Self::Connection, JobError>;

    /// False when the connection must not go back to the pool though its job went well: it is closed, or it
    /// holds on to too much memory.
    fn reusable(&self, connection: &mut Self::Connection) -> bool;

    /// About how many bytes it keeps when it goes back to the pool, beyond what every new connection takes.
    fn kept(&self, _connection: &mut Self::Connection) -> usize {
        0
    }
}

/// The pool of one source.
pub struct Pool<C: Connector> {
    connector: Arc<C>,
    shared: Arc<Shared<C>>,
}

/// What is known of a pool, also to others that need a place.
struct Shared<C: Connector> {
    slots: r2d2::Pool<Slots<C>>,
    /// When a connection was last given back.
    used: Mutex<Instant>,
    /// The database answered when it was last asked.
    answers: AtomicBool,
}

impl<C: Connector> Holder for Shared<C> {
    fn idle(&self) -> (Instant, usize) {
        let used = *lock(&self.used);
        let idle = self.slots.state().idle_connections as usize;
        (used, idle * C::DESCRIPTORS)
    }

    fn close_idle(&self) -> bool {
        let slot = self.slots.try_get();
        slot.is_some_and(|mut slot| slot.take().is_some())
    }
}

/// A connection and what it takes of the process.
struct Placed<T> {
    // Closed before its place is given back.
    connection: T,
    _place: Place,
    /// While nobody uses it.
    kept: Option<Share>,
}

/// How many connections there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolState {
    /// All of them.
    pub connections: u32,
    /// Those no job uses.
    pub idle: u32,
}

struct Slots<C>(Arc<C>);

impl<C: Connector> ManageConnection for Slots<C> {
    type Connection = Option<Placed<C::Connection>>;
    type Error = Infallible;

    fn connect(&self) -> Result<Self::Connection, Infallible> {
        Ok(None)
    }

    fn is_valid(&self, _: &mut Self::Connection) -> Result<(), Infallible> {
        Ok(())
    }

    /// An empty slot is dropped on its return, so that idle slots are always live connections.
    fn has_broken(&self, slot: &mut Self::Connection) -> bool {
        slot.as_mut()
            .is_none_or(|placed| !self.0.reusable(&mut placed.connection))
    }
}

impl<C: Connector> Pool<C> {
    /// A pool of at most `max` connections. Nothing is connected yet.
    pub fn new(connector: C, max: usize) -> Self {
        let max = max.clamp(1, limits::POOL_CEILING);
        let connector = Arc::new(connector);
        let slots = r2d2::Pool::builder()
            .max_size(u32::try_from(max).unwrap_or(1))
            .min_idle(Some(0))
            .idle_timeout(Some(limits::POOL_IDLE))
            .max_lifetime(None)
            .test_on_check_out(false)
            .thread_pool(scheduler())
            .build_unchecked(Slots(Arc::clone(&connector)));
        let shared = Arc::new(Shared {
            slots,
            used: Mutex::new(Instant::now()),
            answers: AtomicBool::new(false),
        });
        let holder = Arc::downgrade(&shared);
        PLACES.join(holder);
        Self { connector, shared }
    }

    /// Most connections.
    pub fn max(&self) -> usize {
        self.shared.slots.max_size() as usize
    }

    /// How many connections there are now.
    pub fn state(&self) -> PoolState {
        let state = self.shared.slots.state();
        PoolState {
            connections: state.connections,
            idle: state.idle_connections,
        }
    }

    /// Runs `work` on a connection. As long as nothing of the job was sent it is done once more when its error
    /// says so, on a new connection if this one, out of the pool, turns out to be dead. After any other failure
    /// of a job that was ended elsewhere the connection is closed, because its answer may be incomplete.
    pub fn run<T>(
        &self,
        job: &Arc<JobControl>,
        mut work: impl FnMut(&mut C::Connection) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let mut slot = self.borrow(job)?;
        // The slot stays empty meanwhile: after a panic there is nothing in it that could be used again.
        let pooled = slot.take();
        let mut is_pooled = pooled.is_some();
        let mut placed = match pooled {
            Some(placed) => Placed {
                kept: None,
                ..placed
            },
            None => self.connect(job)?,
        };
        job.enter(Phase::Executing);
        let mut result = work(&mut placed.connection);
        let mut attempts = 1;
        while attempts < limits::ATTEMPTS {
            let error = match &result {
                Err(error) if !job.has_sent() && !job.is_aborted() => error,
                _ => break,
            };
            let replaced = match error.retry {
                Retry::Anew => !self.connector.reusable(&mut placed.connection),
                Retry::NewConnection if is_pooled => true,
                Retry::NewConnection | Retry::No => break,
                Retry::InTurn => false,
            };
            attempts += usize::from(error.retry != Retry::InTurn);
            if replaced {
                drop(placed);
                log::debug!("a connection is replaced: {}", error.message);
                job.enter(Phase::Connecting);
                placed = self.connect(job)?;
                is_pooled = false;
                job.enter(Phase::Executing);
            }
            result = work(&mut placed.connection);
        }
        self.note(job, result.as_ref().err());
        self.settle(job, &mut slot, placed, result)
            .map_err(|error| in_view_of(job, error))
    }

    /// What a job tells of its database.
    fn note(&self, job: &JobControl, error: Option<&JobError>) {
        let answers = match error.map(|error| error.code) {
            _ if job.is_aborted() => false,
            Some(ErrorCode::SourceUnreachable | ErrorCode::DeadlineExceeded) => false,
            _ => true,
        };
        self.shared.answers.store(answers, Ordering::Relaxed);
        *lock(&self.shared.used) = Instant::now();
    }

    /// Where the job's time ran out in there, that is what ended it, whatever the driver makes of it.
    fn connect(&self, job: &Arc<JobControl>) -> Result<Placed<C::Connection>, JobError> {
        // The slot of this job is one of them.
        let is_first = self.shared.slots.state().connections <= 1;
        let first = is_first && self.shared.answers.load(Ordering::Relaxed);
        let place = PLACES.take(job, C::DESCRIPTORS, first)?;
        match self.connector.connect(job, &place) {
            Ok(connection) => Ok(Placed {
                connection,
                _place: place,
                kept: None,
            }),
            Err(error) => {
                self.note(job, Some(&error));
                Err(job.remaining().err().unwrap_or(error))
            }
        }
    }

    /// Gives a connection back that is fit to be used again, and for whose memory there is room.
    fn settle<T>(
        &self,
        job: &JobControl,
        slot: &mut PooledConnection<Slots<C>>,
        mut placed: Placed<C::Connection>,
        result: Result<T, JobError>,
    ) -> Result<T, JobError> {
        let unusable = result
            .as_ref()
            .is_err_and(|error| error.retry == Retry::NewConnection || job.is_aborted());
        if !unusable {
            placed.kept = PLACES.keep(self.connector.kept(&mut placed.connection));
            if placed.kept.is_some() {
                **slot = Some(placed);
            }
        }
        result
    }

    fn borrow(&self, job: &Arc<JobControl>) -> Result<PooledConnection<Slots<C>>, JobError> {
        if let Some(slot) = self.shared.slots.try_get() {
            return Ok(slot);
        }
        // The engine runs no more jobs of a source than it has slots, so this waits only for a slot to be
        // made, or for one that a late worker still holds.
        self.shared
            .slots
            .get_timeout(job.remaining()?)
            .map_err(|_| {
                // It is the job's time that ran out, and its end says so.
                job.remaining().err().unwrap_or_else(|| {
                    JobError::unreachable("every connection of the source is busy")
                })
            })
    }
}

/// A connection that broke when the job's time was over broke for that: drivers look at the clock as well, and may come to
/// it first.
fn in_view_of(job: &JobControl, error: JobError) -> JobError {
    let broke = error.retry == Retry::NewConnection || error.code == ErrorCode::SourceUnreachable;
    match job.remaining() {
        Err(over) if broke => over,
        _ => error,
    }
}

/// Starts the thread that all pools share. It would panic without one, and does so only where this was not asked.
///
/// # Errors
/// There is no thread left.
pub(super) fn prepare() -> io::Result<()> {
    // Whoever can be started can be started again.
    let _ = shortage::spawn("pools", || {})?.join();
    scheduler();
    Ok(())
}

/// r2d2 would start three threads a pool. Its tasks here are tiny, so one thread serves every pool.
fn scheduler() -> Arc<ScheduledThreadPool> {
    static SCHEDULER: OnceLock<Arc<ScheduledThreadPool>> = OnceLock::new();
    Arc::clone(SCHEDULER.get_or_init(|| {
        Arc::new(
            ScheduledThreadPool::builder()
                .num_threads(1)
                .thread_name_pattern("pools")
                .build(),
        )
    }))
}

/// The time a bridge may take to connect: its own limit or what is left of the job, whichever is shorter.
pub fn connect_budget(job: &JobControl, own: Duration) -> Result<Duration, JobError> {
    Ok(job.remaining()?.min(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Outcome;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Instant;

    /// Connections are numbered as they are made.
    struct Fake {
        made: AtomicU32,
    }

    impl Connector for Fake {
        type Connection = u32;

        fn connect(&self, _: &Arc<JobControl>, _: &Place) -> Result<u32, JobError> {
            Ok(self.made.fetch_add(1, Ordering::SeqCst))
        }

        fn reusable(&self, _: &mut u32) -> bool {
            true
        }
    }

    fn fixture() -> (Pool<Fake>, Arc<JobControl>) {
        let job = Arc::new(JobControl::new(
            "j",
            Instant::now() + Duration::from_secs(60),
        ));
        let made = AtomicU32::new(0);
        (Pool::new(Fake { made }, 2), job)
    }

    fn lost() -> JobError {
        JobError::query_failed("gone").with(Retry::NewConnection)
    }

    #[test]
    fn a_connection_is_used_again() {
        let (pool, job) = fixture();
        for _ in 0..3 {
            assert_eq!(pool.run(&job, |c| Ok(*c)), Ok(0));
        }
        assert_eq!(
            pool.state(),
            PoolState {
                connections: 1,
                idle: 1
            }
        );
    }

    #[test]
    fn a_dead_pooled_connection_is_replaced_and_a_new_one_that_dies_is_not() {
        let (pool, job) = fixture();
        assert_eq!(pool.run(&job, |c| Ok(*c)), Ok(0));
        let seen = pool.run(&job, |c| if *c == 0 { Err(lost()) } else { Ok(*c) });
        assert_eq!(seen, Ok(1));
        let mut tries = 0;
        let seen: Result<(), _> = pool.run(&job, |_| {
            tries += 1;
            Err(lost())
        });
        assert_eq!((seen, tries), (Err(lost()), 2));
        assert_eq!(pool.state().idle, 0);
    }

    /// Does not get there before the job's deadline.
    struct Slow;

    impl Connector for Slow {
        type Connection = ();

        fn connect(&self, job: &Arc<JobControl>, _: &Place) -> Result<(), JobError> {
            job.end(Outcome::Aborted(ErrorCode::DeadlineExceeded));
            Err(JobError::unreachable("timed out"))
        }

        fn reusable(&self, (): &mut ()) -> bool {
            true
        }
    }

    #[test]
    fn time_that_runs_out_while_connecting_is_the_jobs() {
        let (_, job) = fixture();
        let result = Pool::new(Slow, 1).run(&job, |()| Ok(()));
        assert_eq!(
            result.map_err(|error| error.code),
            Err(ErrorCode::DeadlineExceeded)
        );
    }

    #[test]
    fn a_connection_that_breaks_when_time_is_over_is_no_failure_of_its_own() {
        let (pool, _) = fixture();
        let job = |left| Arc::new(JobControl::new("j", Instant::now() + left));
        let late = job(Duration::from_millis(50));
        let work = |_: &mut u32| {
            std::thread::sleep(Duration::from_millis(60));
            Err::<(), _>(lost())
        };
        let error = pool.run(&late, work).unwrap_err();
        assert_eq!(error.code, ErrorCode::DeadlineExceeded);
        let early = job(Duration::from_secs(60));
        assert_eq!(pool.run(&early, |_| Err::<(), _>(lost())), Err(lost()));
    }

    #[test]
    fn an_aborted_job_leaves_no_connection_behind() {
        let (pool, job) = fixture();
        let result: Result<(), _> = pool.run(&job, |_| {
            job.end(Outcome::Aborted(ErrorCode::Cancelled));
            Err(JobError::query_failed("canceling statement"))
        });
        assert!(result.is_err());
        assert_eq!(pool.state().idle, 0);
    }

    #[test]
    fn another_attempt_may_take_no_new_connection() {
        let (pool, job) = fixture();
        let mut tries = 0;
        let seen = pool.run(&job, |c| {
            tries += 1;
            match tries {
                1 => Err(JobError::query_failed("changed").with(Retry::Anew)),
                _ => Ok(*c),
            }
        });
        assert_eq!((seen, tries), (Ok(0), 2));
        job.add_sent(1, 1);
        let seen: Result<(), _> = pool.run(&job, |_| Err(lost()));
        assert_eq!((seen, pool.state().idle), (Err(lost()), 0));
    }

    #[test]
    fn a_panic_empties_the_slot() {
        let (pool, job) = fixture();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.run(&job, |_| -> Result<(), JobError> { panic!("driver") })
        }));
        assert!(panicked.is_err());
        assert_eq!(pool.state().idle, 0);
        assert_eq!(pool.run(&job, |c| Ok(*c)), Ok(1));
    }
}
