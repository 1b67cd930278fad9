//! A job the engine has accepted, and the session it answers to.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use crossbeam_channel::{Receiver, TrySendError};

use crate::engine::audit_record::AuditRecord;
use crate::engine::facts::JobFacts;
use crate::engine::{ErrorFrame, Outbox};
use crate::error::{ErrorCode, JobError};
use crate::job::{Chunk, FrameKind, FrameOut, JobControl};
use crate::locks::lock;
use crate::protocol::client_frame;
use crate::sources::SourceKey;

/// A job from its acceptance to the return of its worker.
pub(super) struct LiveJob {
    pub control: Arc<JobControl>,
    pub session: Arc<SessionJobs>,
    /// Its lane.
    pub key: SourceKey,
    /// Its number in this process; later jobs have higher ones.
    pub seq: u64,
    pub arrived: Instant,
    pub facts: JobFacts,
    pub record: AuditRecord,
    /// Seconds after which the policy ends it, and the rule that says so; `None` where its own deadline is sooner.
    pub time_cap: Option<(u64, String)>,
}

impl LiveJob {
    /// The error of a job whose time is over: its own, or what the policy gives it.
    pub fn overdue(&self) -> JobError {
        if let Some((seconds, rule)) = &self.time_cap {
            let message = format!("the policy lets a job take {seconds} s at most ({rule})");
            return JobError::new(ErrorCode::PolicyDenied, message);
        }
        let given = self.control.deadline().duration_since(self.arrived);
        JobError::new(
            ErrorCode::DeadlineExceeded,
            format!(
                "the job's deadline of {} ms passed while it was {}",
                given.as_millis(),
                self.control.phase().describe()
            ),
        )
    }

    /// The error of a job that nobody waits for any more.
    pub fn check(&self) -> Result<(), JobError> {
        if self.session.is_dead() {
            return Err(JobError::cancelled("the session is over"));
        }
        self.control.check()
    }

    /// Hands a frame to the writer, waiting while the gateway reads slowly, but not longer than the session
    /// lives.
    pub fn send(&self, kind: FrameKind, text: String) {
        self.hand_over(FrameOut {
            job: Arc::clone(&self.control),
            kind,
            rows: 0,
            text: text.into_bytes(),
            done: None,
            turn: None,
        });
    }

    /// Hands over the last rows and the `done` frame.
    pub fn finish(&self, rest: Option<Chunk>, done: String) {
        match rest {
            None => self.send(FrameKind::Done, done),
            Some(Chunk { rows, text, turn }) => self.hand_over(FrameOut {
                job: Arc::clone(&self.control),
                kind: FrameKind::Chunk,
                rows,
                text,
                done: Some(done),
                turn,
            }),
        }
    }

    fn hand_over(&self, frame: FrameOut) {
        if self.session.is_dead() {
            return;
        }
        let Outbox {
            shortcut, frames, ..
        } = &self.session.outbox;
        let Some(frame) = shortcut(frame) else {
            return;
        };
        let Err(TrySendError::Full(frame)) = frames.try_send(frame) else {
            return;
        };
        // Not delivered means that the session is over.
        let _ = frames.send_unless(frame, &self.session.gone);
    }
}

/// The live jobs of one session.
pub(super) struct SessionJobs {
    pub outbox: Outbox,
    /// Jobs that have not ended, by id. A job that was aborted is not in here, though its worker may still
    /// be busy with it.
    live: Mutex<HashMap<String, Arc<LiveJob>>>,
    /// Disconnected when the session is over.
    gone: Receiver<()>,
    dead: AtomicBool,
}

impl SessionJobs {
    pub fn new(outbox: Outbox, gone: Receiver<()>) -> Self {
        Self {
            outbox,
            live: Mutex::default(),
            gone,
            dead: AtomicBool::new(false),
        }
    }

    /// Disconnected when the session is over.
    pub fn gone(&self) -> &Receiver<()> {
        &self.gone
    }

    /// Registers a job; false if its id is live already.
    pub fn remember(&self, job: &Arc<LiveJob>) -> bool {
        match self.live().entry(job.control.id().to_owned()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(Arc::clone(job));
                true
            }
        }
    }

    /// The live job of this id.
    pub fn find(&self, id: &str) -> Option<Arc<LiveJob>> {
        self.live().get(id).cloned()
    }

    /// Strikes a job off; another one with its id stays.
    pub fn forget(&self, job: &LiveJob) {
        let mut live = self.live();
        if live
            .get(job.control.id())
            .is_some_and(|known| known.seq == job.seq)
        {
            live.remove(job.control.id());
        }
    }

    /// Sends the terminal error of a job ahead of any rows. Never blocks: a session with no room for it is
    /// over, because its gateway sends jobs and does not read the answers.
    pub fn refuse(&self, id: &str, error: &JobError) {
        if self.dead.load(Ordering::Acquire) {
            return;
        }
        let frame = ErrorFrame {
            id: id.to_owned(),
            text: client_frame::error(id, error),
        };
        if matches!(
            self.outbox.errors.try_send(frame),
            Err(TrySendError::Full(_))
        ) && !self.dead.swap(true, Ordering::AcqRel)
        {
            log::warn!("the gateway does not read its answers; closing the session");
            (self.outbox.kill)();
        }
    }

    /// Ends the session: no error is sent any more. Returns the jobs that were live.
    pub fn end(&self) -> Vec<Arc<LiveJob>> {
        self.dead.store(true, Ordering::Release);
        self.live().drain().map(|(_, job)| job).collect()
    }

    /// True once nothing can be sent any more.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    fn live(&self) -> MutexGuard<'_, HashMap<String, Arc<LiveJob>>> {
        lock(&self.live)
    }
}
