//! Memory that goes round: the writer gives back the texts that it has sent, and the next chunks are written into
//! them. Memory of their size would otherwise be asked of the system, filled with zeroes by it and given back, a
//! hundred times a second.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::limits;
use crate::locks::lock;

/// Texts that are of no more use; clones share them.
#[derive(Clone, Default)]
pub struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    /// One of them, if there is one.
    pub fn take(&self) -> Option<Vec<u8>> {
        self.kept().pop()
    }

    /// Keeps a text if it is neither so small nor so large that nothing is won, and if few are kept.
    pub fn give(&self, text: Vec<u8>) {
        let mut kept = self.kept();
        if kept.len() < limits::KEPT_BUFFERS && limits::KEPT_BUFFER.contains(&text.capacity()) {
            kept.push(text);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_kept_and_none_that_is_large() {
        let buffers = Buffers::default();
        let usual = limits::KEPT_BUFFER.start + 1;
        for size in [0, 10, limits::KEPT_BUFFER.end] {
            buffers.give(Vec::with_capacity(size));
            assert_eq!(buffers.take(), None, "{size}");
        }
        for _ in 0..2 * limits::KEPT_BUFFERS {
            buffers.clone().give(Vec::with_capacity(usual));
        }
        for _ in 0..limits::KEPT_BUFFERS {
            assert_eq!(buffers.take().unwrap().capacity(), usual);
        }
        assert_eq!(buffers.take(), None);
    }
}
