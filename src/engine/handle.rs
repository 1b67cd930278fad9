//! The engine as the rest of the process holds it: one for its life, shared by all sessions.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;

use crate::bridges::Bridge;
use crate::engine::core::Core;
use crate::engine::dispatch::reserve;
use crate::engine::watchdog;
use crate::engine::{JobSession, Outbox, Oversight};
use crate::error::{ErrorCode, JobError};
use crate::job::{ChunkLimits, Phase};
use crate::limits;
use crate::metrics::{EndedJob, Exposition, Metrics};
use crate::options::JobKind;
use crate::policy::Policy;
use crate::shortage;
use crate::sources::{Source, SourceEnvironment};

/// What the engine may use.
#[derive(Debug, Clone, Copy)]
pub struct EngineSettings {
    /// Worker threads; at least 1.
    pub workers: usize,
    /// Jobs that may wait before `OVERLOADED`.
    pub queue: usize,
    /// When a chunk is cut.
    pub chunk: ChunkLimits,
    /// Largest row, in bytes of its JSON text.
    pub row_bytes: usize,
    /// Whether this binary has a bridge of this name.
    pub serves: fn(&str) -> bool,
}

impl EngineSettings {
    /// Most jobs that can be live at a time: those that wait, and those that a worker has.
    fn most_live(&self) -> usize {
        self.queue + reserve(self.queue) + self.workers
    }
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            workers: limits::WORKERS,
            queue: limits::QUEUE,
            chunk: ChunkLimits::default(),
            row_bytes: limits::ROW_BYTES,
            serves: |_| true,
        }
    }
}

/// Opens a source: checks its configuration and makes its lazy pool.
pub type OpenBridge = dyn Fn(&Source) -> Result<Arc<dyn Bridge>, JobError> + Send + Sync;

/// Runs jobs: a queue for each source, a fixed pool of workers, and a watchdog for deadlines.
pub struct Engine {
    core: Arc<Core>,
}

impl Engine {
    /// Starts the threads. `open` knows the bridges.
    ///
    /// # Errors
    /// When the system has no thread left for it.
    pub fn start(
        settings: EngineSettings,
        environment: SourceEnvironment,
        oversight: Oversight,
        open: Box<OpenBridge>,
    ) -> io::Result<Arc<Self>> {
        let patience = limits::LOST_WORKER_AFTER;
        Self::with_patience(settings, environment, oversight, open, patience)
    }

    /// As `start`, with another patience with stuck workers.
    pub(super) fn with_patience(
        settings: EngineSettings,
        environment: SourceEnvironment,
        oversight: Oversight,
        open: Box<OpenBridge>,
        lost_after: Duration,
    ) -> io::Result<Arc<Self>> {
        let (core, nudged) = Core::new(settings, environment, oversight, open, lost_after);
        // From here on a failure stops the threads that were started before it.
        let engine = Arc::new(Self {
            core: Arc::new(core),
        });
        for _ in 0..settings.workers.max(1) {
            engine.core.spawn_worker()?;
        }
        let core = Arc::clone(&engine.core);
        shortage::spawn("watchdog", move || watchdog::watch(&core, &nudged))?;
        Ok(engine)
    }

    /// The live jobs of one gateway session, whose frames go to `outbox`. None of its methods blocks. Clones
    /// of the outbox's senders may outlive the session by the time a driver call takes.
    pub fn session(self: &Arc<Self>, outbox: Outbox) -> JobSession {
        JobSession::new(Arc::clone(&self.core), outbox)
    }

    /// Takes note of the assignment list (`hello-ack`, `assignments-changed`), which replaces the one before.
    /// Pools of sources that are no longer in it are closed when their last job ends. Does not block.
    pub fn assign(&self, sources: &[Source]) {
        self.core.assign(sources);
    }

    /// Jobs that have neither been answered nor ended yet, waiting ones included.
    pub fn active_jobs(&self) -> usize {
        self.core.lock().active()
    }

    /// Most jobs that can be live at a time, each of which may have an error to tell.
    pub fn most_live(&self) -> usize {
        self.core.settings.most_live()
    }

    /// Replaces the policy, for jobs that begin from now on.
    pub fn set_policy(&self, policy: Policy) {
        self.core.oversight.set_policy(policy);
    }

    /// What this process counts.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.core.metrics
    }

    /// Counts a job that could not even be accepted: its frame names no usable job.
    pub fn refused(&self, id: &str, error: ErrorCode) {
        let metrics = &self.core.metrics.jobs;
        metrics.ended(EndedJob {
            source: "",
            kind: JobKind::Other,
            error: Some(error),
            took: Duration::ZERO,
            rows: 0,
        });
        self.core.oversight.record_refused(id, error);
    }

    /// Writes all figures, those of this moment included.
    pub fn render_metrics(&self, out: &mut Exposition) {
        let gauges = self.core.lock().gauges();
        gauges.render(out);
        self.core.metrics.render(Instant::now(), out);
    }

    /// Refuses new jobs from now on (`SHUTTING_DOWN`) and says so by `refusing`. Waits until the ones in flight
    /// have handed over their last frame, at most `grace`, then cancels the rest and gives their statements a
    /// moment to end. The frames may still be in the outbox afterwards: the session closes once it has sent
    /// them.
    pub fn drain(&self, grace: Duration, refusing: impl FnOnce()) {
        self.core.metrics.gateway.stopping();
        let (quiet, ended) = bounded(1);
        self.core.lock().drain(quiet);
        refusing();
        let end = Instant::now() + grace.min(limits::MAX_DEADLINE);
        while self.active_jobs() > 0 && ended.recv_deadline(end).is_ok() {}
        let left = self.core.lock().live().into_iter();
        // Waiting ones first, or the workers that come free would begin them.
        let (mut left, running): (Vec<_>, Vec<_>) =
            left.partition(|job| job.control.phase() == Phase::Queued);
        left.extend(running);
        let error = JobError::new(
            ErrorCode::ShuttingDown,
            "the runner stopped before the job was done",
        );
        for job in &left {
            self.core.abort(job, &error, true);
        }
        let rest = || {
            let end = Instant::now() + limits::STOP_STATEMENTS;
            while self.core.lock().busy() > 0 && ended.recv_deadline(end).is_ok() {}
        };
        rest();
        self.core.oversight.flush();
        // Those that waited for their lines have something to say.
        rest();
    }
}

impl Drop for Engine {
    /// Idle threads end at once, busy workers after their job.
    fn drop(&mut self) {
        self.core.lock().stop();
    }
}
