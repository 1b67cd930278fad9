//! What the audit log keeps of a job until it has ended.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::locks::lock;

/// A job's place in the audit log, and what it asked for.
#[derive(Default)]
pub(super) struct AuditRecord {
    reserved: AtomicBool,
    details: Mutex<String>,
}

impl AuditRecord {
    /// There is a place for its line.
    pub fn reserve(&self) {
        self.reserved.store(true, Ordering::Release);
    }

    /// Notes what the job asks for.
    pub fn note(&self, details: String) {
        *lock(&self.details) = details;
    }

    /// Gives the place up: what was noted, or `None` without a place.
    pub fn take(&self) -> Option<String> {
        let reserved = self.reserved.swap(false, Ordering::AcqRel);
        reserved.then(|| {
            let mut details = lock(&self.details);
            std::mem::take(&mut *details)
        })
    }
}
