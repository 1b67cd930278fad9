//! What went on when the runner took the most memory.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use runner_testkit::Runner;

/// Between two looks at the memory.
const LOOK: Duration = Duration::from_millis(10);
/// Acts that are remembered.
const ACTS: usize = 12;

/// Remembers what was done last, and looks at the runner's memory.
#[derive(Default)]
pub struct Witness {
    acts: Mutex<VecDeque<(Instant, String)>>,
    /// The most memory, and what had been done before it.
    highest: Mutex<(u64, Vec<String>)>,
}

impl Witness {
    /// Something was done.
    pub fn saw(&self, act: impl Into<String>) {
        let mut acts = self.acts.lock().expect("the acts");
        acts.push_back((Instant::now(), act.into()));
        if acts.len() > ACTS {
            acts.pop_front();
        }
    }

    /// Looks until `end`.
    pub fn watch(&self, runner: &Runner, end: Instant) {
        while Instant::now() < end {
            let memory = runner.rss();
            let mut highest = self.highest.lock().expect("the highest");
            if memory > highest.0 {
                let acts = self.acts.lock().expect("the acts");
                let told = acts
                    .iter()
                    .map(|(at, act)| format!("{:.2} s before: {act}", at.elapsed().as_secs_f64()));
                *highest = (memory, told.collect());
            }
            drop(highest);
            thread::sleep(LOOK);
        }
    }

    /// What had been done before memory was highest, and how high it was, in bytes.
    pub fn highest(&self) -> (u64, Vec<String>) {
        self.highest.lock().expect("the highest").clone()
    }
}
