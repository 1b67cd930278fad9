//! The watchdog thread: ends jobs at their deadline and replaces workers that are stuck with a job that is
//! over. It sleeps until the next of these is due.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::engine::core::Core;
use crate::engine::live_job::LiveJob;

/// Runs until the engine is dropped.
pub(super) fn watch(core: &Arc<Core>, nudged: &Receiver<()>) {
    loop {
        let due = core.lock().due(Instant::now());
        if due.stopped {
            return;
        }
        for job in &due.deadlines {
            if !core.abort(job, &job.overdue(), true) {
                core.lock().unwatch(job);
            }
        }
        for job in &due.overdue {
            replace(core, job);
        }
        let woken = match due.next {
            Some(at) => nudged.recv_deadline(at),
            None => nudged.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        if woken == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

/// The worker of a job that is over has not come back: it is stuck in a driver call that cannot be
/// interrupted, such as a read from a peer that vanished. Its place in the lane stays taken, so that one
/// source cannot lose more workers than its pool has connections.
fn replace(core: &Arc<Core>, job: &Arc<LiveJob>) {
    if !core.lock().may_replace(job, Instant::now()) {
        return;
    }
    if let Err(error) = core.spawn_worker() {
        log::error!("no thread to replace a stuck worker: {error}");
        core.lock().expect_back(job, Instant::now());
        return;
    }
    let label = core.lock().replaced(job);
    if let Some(label) = label {
        job.control.give_turn_back();
        log::warn!(
            "source \"{label}\" does not answer: its job has ended but a worker is still waiting for it; \
             another worker takes its place"
        );
    }
}
