//! A job the engine has accepted.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::TrySendError;

use crate::engine::audit_record::AuditRecord;
use crate::engine::facts::JobFacts;
use crate::engine::session_jobs::SessionJobs;
use crate::error::{ErrorCode, JobError};
use crate::job::{Chunk, FrameKind, FrameOut, JobControl};
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
}

impl LiveJob {
    /// The error of a job that nobody waits for any more.
    pub fn check(&self) -> Result<(), JobError> {
        if self.session.is_dead() {
            return Err(JobError::new(ErrorCode::Cancelled, "the session is over"));
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
            text,
            done: None,
        });
    }

    /// Hands over the last rows and the `done` frame.
    pub fn finish(&self, rest: Option<Chunk>, done: String) {
        match rest {
            None => self.send(FrameKind::Done, done),
            Some(Chunk { rows, text }) => self.hand_over(FrameOut {
                job: Arc::clone(&self.control),
                kind: FrameKind::Chunk,
                rows,
                text,
                done: Some(done),
            }),
        }
    }

    fn hand_over(&self, frame: FrameOut) {
        if self.session.is_dead() {
            return;
        }
        let frames = &self.session.outbox.frames;
        let Err(TrySendError::Full(frame)) = frames.try_send(frame) else {
            return;
        };
        // Not delivered means that the session is over.
        let _ = frames.send_unless(frame, &self.session.gone);
    }
}
