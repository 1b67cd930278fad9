//! What the runner holds.

use std::fmt;

use runner_testkit::Runner;

/// Threads and open files that may be more at the end than at the start: a connection of each pool comes and goes.
const SLACK: u64 = 8;

/// At one moment.
pub struct Figures {
    memory: u64,
    threads: u64,
    descriptors: u64,
}

impl Figures {
    /// Now.
    pub fn of(runner: &Runner) -> Self {
        Self {
            memory: runner.rss(),
            threads: runner.threads(),
            descriptors: runner.descriptors(),
        }
    }

    /// Whether it has no more threads and open files than before.
    pub fn is_no_more_than(&self, before: &Self) -> bool {
        self.threads <= before.threads + SLACK && self.descriptors <= before.descriptors + SLACK
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory = self.memory as f64 / 1e6;
        let (threads, descriptors) = (self.threads, self.descriptors);
        write!(
            f,
            "{memory:.1} MB, {threads} threads, {descriptors} open files"
        )
    }
}
