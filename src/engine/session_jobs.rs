//! What the jobs of a session share: their ids, and the way out.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, TrySendError};

use crate::engine::live_job::LiveJob;
use crate::engine::{ErrorFrame, Outbox};
use crate::error::JobError;
use crate::protocol::client_frame;

/// The live jobs of one session.
pub(super) struct SessionJobs {
    pub outbox: Outbox,
    /// Jobs that have not ended, by id. A job that was aborted is not in here, though its worker may still
    /// be busy with it.
    live: Mutex<HashMap<String, Arc<LiveJob>>>,
    /// Disconnected when the session is over.
    pub gone: Receiver<()>,
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
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
