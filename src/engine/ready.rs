//! Jobs on their way to the workers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, Thread};

use crate::locks::lock;

/// Where idle workers sleep. A channel would do the same, but whoever waits in one spins first: see
/// [`crate::job::QueueSender`]. So would a condition variable, which wakes the one that has slept longest, and for
/// nothing if another one takes the job before; here it is the one that came last, which is not woken if it has not
/// fallen asleep yet.
pub(super) struct Ready<T>(Mutex<State<T>>);

struct State<T> {
    /// The last one is the one that came last.
    idle: Vec<Arc<Sleeper<T>>>,
    /// For workers that are starting.
    runs: VecDeque<T>,
    closed: bool,
}

/// A worker, for those who have a job for it.
pub(super) struct Sleeper<T> {
    thread: Thread,
    run: Mutex<Option<T>>,
}

impl<T> Sleeper<T> {
    /// For the calling thread.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            thread: thread::current(),
            run: Mutex::new(None),
        })
    }

    fn run(&self) -> MutexGuard<'_, Option<T>> {
        lock(&self.run)
    }
}

impl<T> Ready<T> {
    pub fn new() -> Self {
        Self(Mutex::new(State {
            idle: Vec::new(),
            runs: VecDeque::new(),
            closed: false,
        }))
    }

    /// For the worker that has become idle last.
    pub fn push(&self, run: T) {
        let mut state = self.lock();
        let Some(sleeper) = state.idle.pop() else {
            state.runs.push_back(run);
            return;
        };
        *sleeper.run() = Some(run);
        drop(state);
        sleeper.thread.unpark();
    }

    /// The worker is idle from now on. It is the next to get a job, and is to wait for it.
    pub fn rest(&self, sleeper: &Arc<Sleeper<T>>) {
        let mut state = self.lock();
        match state.runs.pop_front() {
            Some(run) => *sleeper.run() = Some(run),
            None => state.idle.push(Arc::clone(sleeper)),
        }
    }

    /// What the worker does next; `None` when it is to end.
    pub fn wait(&self, sleeper: &Sleeper<T>) -> Option<T> {
        loop {
            // Looked at first: what was handed out before the end is done.
            let closed = self.lock().closed;
            let run = sleeper.run().take();
            if run.is_some() || closed {
                return run;
            }
            thread::park();
        }
    }

    /// Takes what is there without waiting for it.
    #[cfg(test)]
    pub fn try_next(&self) -> Option<T> {
        self.lock().runs.pop_front()
    }

    /// Lets the workers end once nothing is left.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for sleeper in state.idle.drain(..) {
            sleeper.thread.unpark();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::JoinHandle;

    /// A worker that takes runs until the end.
    fn worker(ready: &Arc<Ready<i32>>) -> JoinHandle<Vec<i32>> {
        let ready = Arc::clone(ready);
        thread::spawn(move || {
            let sleeper = Sleeper::new();
            let next = || {
                ready.rest(&sleeper);
                ready.wait(&sleeper)
            };
            std::iter::from_fn(next).collect()
        })
    }

    #[test]
    fn each_run_goes_to_one_worker_and_all_workers_end() {
        let ready = Arc::new(Ready::new());
        let workers: Vec<_> = (0..4).map(|_| worker(&ready)).collect();
        for n in 0..10_000 {
            ready.push(n);
        }
        ready.close();
        let mut done: Vec<i32> = workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect();
        done.sort_unstable();
        assert_eq!(done, (0..10_000).collect::<Vec<_>>());
    }

    #[test]
    fn the_one_that_came_last_gets_the_next() {
        let ready = Ready::new();
        let (first, last) = (Sleeper::new(), Sleeper::new());
        ready.push(0);
        for sleeper in [&first, &first, &last] {
            ready.rest(sleeper);
        }
        assert_eq!(ready.wait(&first), Some(0));
        ready.push(1);
        ready.push(2);
        assert_eq!(ready.wait(&last), Some(1));
        assert_eq!(ready.wait(&first), Some(2));
        ready.rest(&last);
        ready.push(3);
        ready.close();
        assert_eq!(ready.wait(&last), Some(3));
        assert_eq!(ready.wait(&last), None);
    }
}
