//! SQLite's memory has one bound for the whole process, so an attempt at a job that finds none says something of
//! its row only if no other job held any meanwhile.

use std::sync::{Mutex, MutexGuard};

use crate::error::{JobError, Retry};
use crate::job::JobControl;
use crate::limits;
use crate::locks::lock;

static JOBS: Mutex<Jobs> = Mutex::new(Jobs {
    running: 0,
    begun: 0,
});

struct Jobs {
    running: usize,
    begun: u64,
}

/// An attempt at a job, until it is dropped.
pub(super) struct Attempt {
    /// Its number, if no other was running when it began.
    alone: Option<u64>,
}

impl Attempt {
    pub fn begin() -> Self {
        let mut jobs = jobs();
        jobs.running += 1;
        jobs.begun += 1;
        Self {
            alone: (jobs.running == 1).then_some(jobs.begun),
        }
    }

    /// What an error means that this attempt ended with. One for want of memory is final if no other job ran
    /// since it began; else the job is tried once more in its turn, when the others have sent what they hold.
    pub fn judge(&self, job: &JobControl, error: JobError) -> JobError {
        if error.retry != Retry::InTurn {
            return error;
        }
        if self.alone == Some(jobs().begun) {
            return error.with(Retry::No);
        }
        if job.want_turn() > limits::SQLITE_MEMORY_ATTEMPTS {
            let text = "SQLite found no memory for it beside other jobs: try again, or let fewer run at a time";
            return JobError::query_failed(text);
        }
        error
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        jobs().running -= 1;
    }
}

fn jobs() -> MutexGuard<'static, Jobs> {
    lock(&JOBS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn want_of_memory_is_final_only_for_one_that_was_alone() {
        let job = JobControl::new("j", Instant::now() + Duration::from_secs(60));
        let failed = || job.large_rows().too_large().with(Retry::InTurn);
        // Tests of this process may run jobs of SQLite as well: then nobody is alone, which is no fault.
        let other = Attempt::begin();
        let attempt = Attempt::begin();
        drop(other);
        assert_eq!(attempt.judge(&job, failed()).retry, Retry::InTurn);
        drop(Attempt::begin());
        assert_eq!(attempt.judge(&job, failed()).retry, Retry::InTurn);
        for _ in 0..limits::SQLITE_MEMORY_ATTEMPTS {
            attempt.judge(&job, failed());
        }
        let given_up = attempt.judge(&job, failed());
        assert_eq!(given_up.retry, Retry::No);
        assert!(given_up.message.contains("beside other jobs"));
    }
}
