//! Windows of keys that serve the pages of a walk: without them every page would scan all keys again, and a walk
//! would cost the square of its length.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use super::key::Key;
use super::window::Window;
use crate::job::{Held, Pool};
use crate::limits;
use crate::locks::lock;

/// Memory of all windows that are kept, of all sources.
static KEPT: Pool = Pool::new(limits::KEPT_WINDOWS_BYTES);

/// The windows of one source, by target.
#[derive(Default)]
pub struct Walks(Mutex<HashMap<String, Kept>>);

struct Kept {
    at: Instant,
    window: Arc<Window>,
    _held: Held,
}

impl Walks {
    /// The window in which the page behind `place` begins, if one is fresh enough.
    pub(super) fn find(&self, target: &str, place: &Key) -> Option<Arc<Window>> {
        let mut kept = self.lock();
        kept.retain(|_, kept| kept.at.elapsed() < limits::WALK_TOTAL);
        let window = &kept.get(target)?.window;
        let begins_before = window.after.as_ref().is_none_or(|after| after <= place);
        let ends_behind = window.complete || window.keys.last().is_some_and(|last| *place < last);
        (begins_before && ends_behind).then(|| Arc::clone(window))
    }

    /// Keeps a window for the pages that follow. Its age counts from its scan, so one that is kept already
    /// stays as it is. Where there is no room, every page scans.
    pub(super) fn keep(&self, target: &str, window: &Arc<Window>) {
        let mut kept = self.lock();
        if kept
            .get(target)
            .is_some_and(|kept| Arc::ptr_eq(&kept.window, window))
        {
            return;
        }
        kept.remove(target);
        kept.retain(|_, kept| kept.at.elapsed() < limits::WALK_TOTAL);
        let mut held = Held::of(&KEPT);
        if held.try_add(window.keys.room()) {
            let kept_now = Kept {
                at: Instant::now(),
                window: Arc::clone(window),
                _held: held,
            };
            kept.insert(target.to_owned(), kept_now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        lock(&self.0)
    }
}
