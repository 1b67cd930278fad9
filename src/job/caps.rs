//! What a job may send at most.

use crate::error::{ErrorCode, JobError};

/// What a job may send at most, and the rule that says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caps {
    /// Rows.
    pub rows: Option<(u64, String)>,
    /// Bytes of their JSON text.
    pub bytes: Option<(u64, String)>,
}

impl Caps {
    /// Refuses what goes beyond.
    pub fn check(&self, rows: u64, bytes: u64) -> Result<(), JobError> {
        for (cap, sent, what) in [(&self.rows, rows, "rows"), (&self.bytes, bytes, "bytes")] {
            if let Some((most, rule)) = cap
                && sent > *most
            {
                return Err(JobError::new(
                    ErrorCode::PolicyDenied,
                    format!("the policy lets a job send {most} {what} at most ({rule})"),
                ));
            }
        }
        Ok(())
    }

    /// True when nothing is capped.
    pub fn is_empty(&self) -> bool {
        self.rows.is_none() && self.bytes.is_none()
    }
}
