//! Jobs on their way to the workers.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Where idle workers sleep. A channel would do the same, but whoever waits in one spins first: see
/// [`crate::job::QueueSender`].
pub(super) struct Ready<T> {
    queue: Mutex<Queue<T>>,
    more: Condvar,
}

struct Queue<T> {
    runs: VecDeque<T>,
    closed: bool,
}

impl<T> Ready<T> {
    pub fn new() -> Self {
        Self {
            queue: Mutex::new(Queue {
                runs: VecDeque::new(),
                closed: false,
            }),
            more: Condvar::new(),
        }
    }

    /// For the next idle worker.
    pub fn push(&self, run: T) {
        self.lock().runs.push_back(run);
        self.more.notify_one();
    }

    /// What a worker does next; `None` when it is to end.
    pub fn next(&self) -> Option<T> {
        let mut queue = self.lock();
        loop {
            if let Some(run) = queue.runs.pop_front() {
                return Some(run);
            }
            if queue.closed {
                return None;
            }
            queue = self
                .more
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes what is there without waiting for it.
    #[cfg(test)]
    pub fn try_next(&self) -> Option<T> {
        self.lock().runs.pop_front()
    }

    /// Lets the workers end once nothing is left.
    pub fn close(&self) {
        self.lock().closed = true;
        self.more.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn each_run_goes_to_one_worker_and_all_workers_end() {
        let ready = Arc::new(Ready::new());
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let ready = Arc::clone(&ready);
                thread::spawn(move || std::iter::from_fn(|| ready.next()).collect::<Vec<i32>>())
            })
            .collect();
        for n in 0..1000 {
            ready.push(n);
        }
        ready.close();
        let mut done: Vec<i32> = workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect();
        done.sort_unstable();
        assert_eq!(done, (0..1000).collect::<Vec<_>>());
    }
}
