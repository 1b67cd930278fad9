//! One source configuration: its waiting and running jobs, and its bridge.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::bridges::Bridge;
use crate::engine::live_job::LiveJob;
use crate::limits;
use crate::protocol::JobFrame;
use crate::sources::SourceKey;

/// Roughly the memory that a job takes, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weight {
    /// As a frame.
    pub waiting: usize,
    /// With a worker, where a statement is made of it.
    pub running: usize,
}

impl Weight {
    pub fn of(frame: &JobFrame) -> Self {
        let waiting = frame.memory();
        // However much it repeats, it may run: what statements take has bounds of its own.
        let most = limits::HEAVY_JOB.max(waiting);
        Self {
            waiting,
            running: waiting.saturating_add(frame.repeated()).min(most),
        }
    }
}

/// A job that waits for a worker and a place in its lane.
pub(super) struct Waiting {
    pub job: Arc<LiveJob>,
    pub frame: JobFrame,
    pub weight: Weight,
}

/// A job that a worker has.
pub(super) struct Running {
    /// Set once the job ended elsewhere: when the worker should be back.
    pub back_by: Option<Instant>,
    /// The worker was given up and replaced; it ends itself when it comes back.
    pub lost: bool,
    /// Its [`Weight::running`].
    pub bytes: usize,
}

/// The jobs of one source configuration. It may hold only as many workers as its pool has connections, so
/// that a source that hangs leaves the other workers to the other sources.
pub(super) struct Lane {
    pub key: SourceKey,
    /// For the log: the source's name, shortened.
    pub label: String,
    /// By arrival.
    pub waiting: BTreeMap<u64, Waiting>,
    pub running: BTreeMap<u64, Running>,
    /// Opened by the first job. Until then the others wait for it.
    pub bridge: Option<Arc<dyn Bridge>>,
    /// Most jobs side by side.
    limit: usize,
    /// In the dispatcher's ring.
    pub listed: bool,
    /// Replaced or no longer assigned: closed when its last job ends.
    pub retired: bool,
    /// When it was last used, as a job number.
    pub used: u64,
    /// The source has answered a job.
    pub answered: bool,
    /// Since it last answered a job of it ended before its worker was back.
    pub silent: bool,
}

/// What a worker is to do.
pub(super) struct Run {
    pub job: Arc<LiveJob>,
    pub frame: JobFrame,
    /// The source's bridge, unless the job is to open it.
    pub bridge: Option<Arc<dyn Bridge>>,
    /// It takes turns with those that take as much memory.
    pub heavy: bool,
}

impl Lane {
    pub fn new(key: SourceKey, name: &str) -> Self {
        Self {
            key,
            label: name.chars().take(80).flat_map(char::escape_debug).collect(),
            waiting: BTreeMap::new(),
            running: BTreeMap::new(),
            bridge: None,
            limit: 1,
            listed: false,
            retired: false,
            used: 0,
            answered: false,
            silent: false,
        }
    }

    /// True when a worker that takes a job of it may not be back for long.
    pub fn may_hang(&self) -> bool {
        !self.answered || self.silent
    }

    /// True when workers may be lost to it: it has lost one already, or has not shown that it answers.
    pub fn is_doubtful(&self) -> bool {
        !self.answered || self.running.values().any(|running| running.lost)
    }

    /// True when one more job may run.
    pub fn has_room(&self) -> bool {
        self.running.len() < self.limit
    }

    /// True when a job waits that may run.
    pub fn is_ready(&self) -> bool {
        !self.waiting.is_empty() && self.has_room()
    }

    /// True when no job needs it.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    /// Notes that a worker has the job now.
    pub fn run(&mut self, Waiting { job, frame, weight }: Waiting) -> Run {
        self.running.insert(
            job.seq,
            Running {
                back_by: None,
                lost: false,
                bytes: weight.running,
            },
        );
        Run {
            job,
            frame,
            bridge: self.bridge.clone(),
            heavy: weight.running >= limits::HEAVY_JOB,
        }
    }

    /// The first job opened the bridge: others may follow, at most `limit` side by side.
    pub fn open(&mut self, bridge: Arc<dyn Bridge>, limit: usize) {
        self.limit = limit;
        self.bridge = Some(bridge);
    }

    /// Gives the bridge up; the next job opens it again.
    pub fn close(&mut self) -> Option<Arc<dyn Bridge>> {
        self.limit = 1;
        self.bridge.take()
    }
}
