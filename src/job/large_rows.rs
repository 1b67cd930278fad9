//! Large rows take turns. One takes tens of megabytes, as it comes in and again as JSON text, and sixteen workers
//! with one each would be the end of a small container.

use crossbeam_channel::{Receiver, Sender, bounded, select};

use crate::error::JobError;
use crate::job::JobControl;
use crate::limits;

/// What the jobs of a process share about large rows; clones are the same.
#[derive(Debug, Clone)]
pub struct LargeRows {
    /// Largest row, in bytes of JSON text.
    pub most: usize,
    /// For receiving rows of [`limits::LARGE_ROW`]. A job keeps its turn to its end, because drivers keep their
    /// buffers as long as the connection lives.
    pub(super) receiving: Turnstile,
    /// For making and sending a chunk of that size. Whoever has this turn waits for nobody but the gateway, so
    /// that a job which has the other turn and waits for this one always gets it.
    pub(super) sending: Turnstile,
}

impl LargeRows {
    /// Rows of at most `most` bytes of JSON text.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            receiving: Turnstile::new(),
            sending: Turnstile::new(),
        }
    }

    /// Most bytes of a row as it comes in: JSON text is never shorter than what it shows, but for what databases
    /// put around it.
    pub fn most_received(&self) -> usize {
        self.most.saturating_add(limits::LARGE_ROW)
    }

    /// The error of a row that is larger than rows may be.
    pub fn too_large(&self) -> JobError {
        JobError::query_failed(format!(
            "a row is larger than the {} bytes of JSON text that this runner lets a row have \
                 (SEMILAYER_MAX_ROW_BYTES)",
            self.most
        ))
    }
}

impl Default for LargeRows {
    fn default() -> Self {
        Self::new(limits::ROW_BYTES)
    }
}

/// Lets one job through at a time.
#[derive(Debug, Clone)]
pub(super) struct Turnstile {
    free: Receiver<()>,
    back: Sender<()>,
}

impl Turnstile {
    fn new() -> Self {
        let (back, free) = bounded(1);
        // There is room for the one token.
        let _ = back.try_send(());
        Self { free, back }
    }

    /// Waits for the turn, but not longer than the job lives.
    pub(super) fn take(&self, job: &JobControl) -> Result<Turn, JobError> {
        select! {
            recv(self.free) -> _ => Ok(Turn(self.back.clone())),
            recv(job.aborted()) -> _ => Err(job.ended()),
        }
    }
}

/// Somebody's turn, until it is dropped.
#[derive(Debug)]
pub struct Turn(Sender<()>);

impl Drop for Turn {
    fn drop(&mut self) {
        // There is room: the token came from there.
        let _ = self.0.try_send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::job::Outcome;
    use std::sync::Arc;
    use std::thread;
    use std::time::{Duration, Instant};

    fn job(rows: &LargeRows) -> Arc<JobControl> {
        let deadline = Instant::now() + Duration::from_secs(60);
        Arc::new(JobControl::sharing("j", deadline, rows.clone()))
    }

    #[test]
    fn one_job_after_the_other() {
        let rows = LargeRows::default();
        let (one, other) = (job(&rows), job(&rows));
        one.receive_large().unwrap();
        // It has its turn already.
        one.receive_large().unwrap();
        let waiting = {
            let other = Arc::clone(&other);
            thread::spawn(move || other.receive_large())
        };
        assert!(!waiting.is_finished());
        drop(one);
        waiting.join().unwrap().unwrap();
        let third = job(&rows);
        other.give_turn_back();
        third.receive_large().unwrap();
    }

    #[test]
    fn a_job_that_ends_waits_no_longer() {
        let rows = LargeRows::default();
        let (one, other) = (job(&rows), job(&rows));
        let turn = one.send_large().unwrap();
        let waiting = {
            let other = Arc::clone(&other);
            thread::spawn(move || other.send_large().map(drop))
        };
        other.end(Outcome::Aborted(ErrorCode::Cancelled));
        assert_eq!(
            waiting.join().unwrap().unwrap_err().code,
            ErrorCode::Cancelled
        );
        drop(turn);
        job(&rows).send_large().unwrap();
    }
}
