//! The jobs of one gateway session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};

use crate::engine::Outbox;
use crate::engine::audit_record::AuditRecord;
use crate::engine::core::Core;
use crate::engine::facts::JobFacts;
use crate::engine::lane::Weight;
use crate::engine::lanes::Leftovers;
use crate::engine::live_job::{LiveJob, SessionJobs};
use crate::error::JobError;
use crate::job::{JobControl, Outcome};
use crate::limits;
use crate::protocol::JobFrame;
use crate::sources::RecentKeys;

/// The live jobs of one gateway session. Dropping it ends the session's jobs: they are cancelled in their
/// database and send nothing more.
pub struct JobSession {
    core: Arc<Core>,
    session: Arc<SessionJobs>,
    keys: RecentKeys,
    /// Dropped with the session, which frees workers that wait to hand over a last frame.
    _here: Sender<()>,
}

impl JobSession {
    pub(super) fn new(core: Arc<Core>, outbox: Outbox) -> Self {
        let (here, gone) = bounded(0);
        Self {
            core,
            session: Arc::new(SessionJobs::new(outbox, gone)),
            keys: RecentKeys::default(),
            _here: here,
        }
    }

    /// Takes a job; its answer goes to the session's outbox. Never blocks.
    pub fn submit(&self, frame: JobFrame) {
        if self.session.is_dead() {
            return;
        }
        let arrived = Instant::now();
        let own = frame.deadline.min(limits::MAX_DEADLINE);
        let time_cap = self.core.oversight.time_cap(&frame.source, own);
        let given = time_cap
            .as_ref()
            .map_or(own, |(seconds, _)| Duration::from_secs(*seconds));
        let deadline = arrived + given;
        let job = Arc::new(LiveJob {
            control: Arc::new(JobControl::sharing(
                frame.id.as_str(),
                deadline,
                self.core.large_rows.clone(),
            )),
            session: Arc::clone(&self.session),
            key: self.keys.key(&self.core.keys, &frame.source),
            seq: self.core.next_job(),
            arrived,
            facts: JobFacts::of(&frame),
            record: AuditRecord::default(),
            time_cap,
        });
        // An `error` frame for the second job of an id would end the first one at the gateway, so the second
        // is not answered at all: the answer of the first answers its id.
        if !self.session.remember(&job) {
            log::warn!("a job arrived under the id of a live job; it is ignored");
            return;
        }
        let weight = Weight::of(&frame);
        let mut left = Leftovers::default();
        let mut short = false;
        let accepted = self.core.oversight.admit(&job).and_then(|()| {
            let mut dispatch = self.core.lock();
            let accepted = dispatch.enqueue(Arc::clone(&job), frame, weight, &mut left);
            short = dispatch.wants_worker();
            accepted
        });
        self.core.clear(left);
        if short {
            self.core.help();
        }
        if let Err(error) = accepted
            && job.control.end(Outcome::Aborted(error.code))
        {
            self.core.refuse(&job, &error, true);
        }
    }

    /// Cancels a job. An id that is not live is ignored. Never blocks.
    pub fn cancel(&self, id: &str) {
        if let Some(job) = self.session.find(id) {
            let error = JobError::cancelled("the gateway cancelled the job");
            self.core.abort(&job, &error, true);
        }
    }
}

impl Drop for JobSession {
    fn drop(&mut self) {
        let error = JobError::cancelled("the session is over");
        for job in self.session.end() {
            self.core.abort(&job, &error, false);
        }
    }
}
