//! The jobs of one gateway session.

use std::sync::Arc;

use crate::jobs::{Engine, Outbox};
use crate::protocol::JobFrame;

/// The live jobs of one gateway session. Dropping it ends the session's jobs: they are cancelled in their
/// database and send nothing more.
pub struct JobSession {
    _engine: Arc<Engine>,
    _outbox: Outbox,
}

impl JobSession {
    pub(super) fn new(engine: Arc<Engine>, outbox: Outbox) -> Self {
        Self {
            _engine: engine,
            _outbox: outbox,
        }
    }

    /// Takes a job; its answer goes to the session's outbox. Never blocks.
    pub fn submit(&self, _job: JobFrame) {}

    /// Cancels a job. An id that is not live is ignored. Never blocks.
    pub fn cancel(&self, _id: &str) {}
}
