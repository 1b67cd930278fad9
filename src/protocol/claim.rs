//! Memory that frames take, from before one is parsed until its job is over.

use std::sync::Arc;

use serde_json::Value;

use crate::error::{ErrorCode, JobError};
use crate::job::{Held, Pool};
use crate::limits;

/// What the frames of all jobs take together.
static FRAMES: Pool = Pool::new(limits::FRAMES_BYTES);

/// A frame's part of what all may take, given back with the last clone. It says nothing of what the frame is, and so all
/// are equal.
#[derive(Debug, Default, Clone)]
pub struct Claim {
    _held: Option<Arc<Held>>,
}

impl PartialEq for Claim {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Claim {
    /// For a text that holds so many values. One of [`limits::LIGHT_JOB`] or less takes nothing: of those only so many may
    /// wait.
    ///
    /// # Errors
    /// `OVERLOADED` while the others take too much.
    pub(super) fn of(text: &str, values: usize) -> Result<Self, JobError> {
        Self::from(&FRAMES, text.len(), values)
    }

    fn from(frames: &'static Pool, text: usize, values: usize) -> Result<Self, JobError> {
        let bytes = text + values * size_of::<Value>();
        if bytes <= limits::LIGHT_JOB {
            return Ok(Self::default());
        }
        let mut held = Held::of(frames);
        match held.try_add(bytes) {
            true => Ok(Self {
                _held: Some(Arc::new(held)),
            }),
            false => Err(JobError::new(
                ErrorCode::Overloaded,
                "jobs as large as this one take all the memory that there is for them already",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_frame_has_room_when_it_is_alone() {
        static APART: Pool = Pool::new(limits::FRAMES_BYTES);
        let largest = || Claim::from(&APART, limits::MAX_FRAME_BYTES, limits::MAX_VALUES);
        let one = largest().unwrap();
        let error = largest().unwrap_err();
        assert_eq!(error.code, ErrorCode::Overloaded);
        // Small ones have room nevertheless.
        Claim::from(&APART, 1 << 20, 10_000).unwrap();
        Claim::from(&APART, limits::LIGHT_JOB, 0).unwrap();
        let copy = one.clone();
        drop(one);
        largest().unwrap_err();
        drop(copy);
        largest().unwrap();
    }
}
