//! The memory of all that is remembered, of all sources together: a database may say a lot about each of many tables, and
//! a gateway may ask for them all.

use std::sync::{Arc, Mutex, Weak};

use crate::job::{Pool, Share};
use crate::limits;
use crate::locks::lock;

/// What all may remember together.
static ROOM: Pool = Pool::new(limits::REMEMBERED_BYTES);
/// Everybody who may have some.
static HOLDERS: Mutex<Vec<Weak<dyn Holder>>> = Mutex::new(Vec::new());

/// Somebody who remembers.
pub(super) trait Holder: Send + Sync {
    /// Bytes of its shares.
    fn bytes(&self) -> usize;

    /// Gives them all back.
    fn forget_all(&self);
}

/// From now on this one may have to forget.
pub(super) fn enter(holder: Weak<dyn Holder>) {
    let mut holders = lock(&HOLDERS);
    holders.retain(|holder| holder.strong_count() > 0);
    holders.push(holder);
}

/// A share of so many bytes. Where there is no room, whoever holds most forgets. `None` when that is not enough.
pub(super) fn take(bytes: usize) -> Option<Share> {
    loop {
        if let Some(share) = ROOM.share(bytes) {
            return Some(share);
        }
        largest()?.forget_all();
    }
}

/// Who holds most; `None` when nobody holds anything.
fn largest() -> Option<Arc<dyn Holder>> {
    let holders: Vec<_> = lock(&HOLDERS).iter().filter_map(Weak::upgrade).collect();
    let bytes = holders.into_iter().map(|holder| (holder.bytes(), holder));
    let (_, largest) = bytes
        .filter(|(bytes, _)| *bytes > 0)
        .max_by_key(|(bytes, _)| *bytes)?;
    Some(largest)
}
