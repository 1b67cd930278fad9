//! What the watchdog waits for. Only live jobs are in here: an entry goes with its job, so that a busy runner
//! does not collect the deadlines of thousands of jobs that ended long ago.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use crate::engine::live_job::LiveJob;

type Queue = BTreeMap<(Instant, u64), Arc<LiveJob>>;

/// Deadlines of live jobs, and workers that should have come back.
pub(super) struct Timers {
    deadlines: Queue,
    overdue: Queue,
    /// When the watchdog will wake up by itself; `None` when it sleeps until it is nudged.
    wakes_at: Option<Instant>,
    nudge: Sender<()>,
    lost_after: Duration,
}

/// What is due now.
#[derive(Default)]
pub(super) struct Due {
    /// Jobs past their deadline. They stay in the timers until they are removed.
    pub deadlines: Vec<Arc<LiveJob>>,
    /// Jobs that ended some time ago but whose worker has not come back; no longer in the timers.
    pub overdue: Vec<Arc<LiveJob>>,
    /// The engine is gone.
    pub stopped: bool,
    /// When to look again.
    pub next: Option<Instant>,
}

impl Timers {
    /// `nudge` wakes the watchdog; it holds one nudge, and one is enough. A worker that is not back
    /// `lost_after` the end of its job counts as lost.
    pub fn new(nudge: Sender<()>, lost_after: Duration) -> Self {
        Self {
            deadlines: Queue::new(),
            overdue: Queue::new(),
            wakes_at: None,
            nudge,
            lost_after,
        }
    }

    /// Watches the deadline of a job.
    pub fn watch(&mut self, job: &Arc<LiveJob>) {
        let at = job.control.deadline();
        self.deadlines.insert((at, job.seq), Arc::clone(job));
        self.wake_by(at);
    }

    /// Forgets the deadline of a job that has ended. False if it was not watched.
    pub fn unwatch(&mut self, job: &LiveJob) -> bool {
        self.deadlines
            .remove(&(job.control.deadline(), job.seq))
            .is_some()
    }

    /// Expects the worker of an ended job back soon, and says by when.
    pub fn expect(&mut self, job: &Arc<LiveJob>, now: Instant) -> Instant {
        let at = now + self.lost_after;
        self.overdue.insert((at, job.seq), Arc::clone(job));
        self.wake_by(at);
        at
    }

    /// The worker is back.
    pub fn returned(&mut self, job: &LiveJob, at: Instant) {
        self.overdue.remove(&(at, job.seq));
    }

    /// Everything due at `now`. The caller sleeps until `Due::next` afterwards.
    pub fn due(&mut self, now: Instant) -> Due {
        let deadlines = self
            .deadlines
            .range(..=(now, u64::MAX))
            .map(|(_, job)| Arc::clone(job))
            .collect::<Vec<_>>();
        let later = self.overdue.split_off(&(now + Duration::from_nanos(1), 0));
        let overdue = std::mem::replace(&mut self.overdue, later);
        let first = |queue: &Queue| queue.first_key_value().map(|((at, _), _)| *at);
        self.wakes_at = match (first(&self.deadlines), first(&self.overdue)) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Due {
            deadlines,
            overdue: overdue.into_values().collect(),
            stopped: false,
            next: self.wakes_at,
        }
    }

    /// Every job whose deadline is watched, which is every live one.
    pub fn watched(&self) -> Vec<Arc<LiveJob>> {
        self.deadlines.values().map(Arc::clone).collect()
    }

    /// Wakes the watchdog.
    pub fn wake(&self) {
        // A nudge that is still in the channel does as well.
        let _ = self.nudge.try_send(());
    }

    fn wake_by(&mut self, at: Instant) {
        if self.wakes_at.is_none_or(|wakes_at| at < wakes_at) {
            self.wakes_at = Some(at);
            self.wake();
        }
    }
}
