//! What is remembered of a source's tables.

use std::sync::Arc;

use super::key::Key;
use crate::bridges::remembered::Remembered;
use crate::job::TargetColumn;
use crate::options::Target;

/// For a moment: what takes a while to ask.
#[derive(Default)]
pub(in crate::bridges) struct Known {
    pub(super) keys: Remembered<Arc<Key>>,
    pub(super) columns: Remembered<Arc<[TargetColumn]>>,
}

impl Known {
    /// Forgets what was remembered of a table: it may have been changed.
    pub(super) fn forget(&self, target: &Target) {
        let name = target.to_string();
        self.keys.forget(&name);
        self.columns.forget(&name);
    }
}
