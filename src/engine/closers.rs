//! Closes pools away from everybody who must not wait: closing a connection talks to its database.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::bridges::Bridge;
use crate::locks::lock;
use crate::{limits, shortage};

/// A few threads that exist only while there is something to close.
#[derive(Clone, Default)]
pub(super) struct Closers {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Arc<dyn Bridge>>,
    threads: usize,
}

impl Closers {
    /// Drops these bridges soon.
    pub fn close(&self, closed: Vec<Arc<dyn Bridge>>) {
        if closed.is_empty() {
            return;
        }
        let mut state = self.lock();
        state.waiting.extend(closed);
        if state.threads >= limits::CLOSERS {
            return;
        }
        state.threads += 1;
        drop(state);
        let closers = self.clone();
        let spawned = shortage::spawn("closer", move || while closers.close_one() {});
        if spawned.is_err() {
            while self.close_one() {}
        }
    }

    fn close_one(&self) -> bool {
        let mut state = self.lock();
        let Some(bridge) = state.waiting.pop() else {
            state.threads -= 1;
            return false;
        };
        drop(state);
        if catch_unwind(AssertUnwindSafe(|| drop(bridge))).is_err() {
            log::error!("closing a pool failed");
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}
