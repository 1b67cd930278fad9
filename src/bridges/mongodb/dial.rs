//! An attempt to find a server, which makes one connection after the other; the end of its job cuts the one that is
//! being made.

use std::sync::{Arc, Mutex};

use crate::error::JobError;
use crate::job::JobControl;
use crate::locks::lock;
use crate::net::{Budget, Cutter, DialError};

/// One attempt to find a server, which its job's end cuts off.
pub struct Dial<'a> {
    /// The job.
    pub job: &'a JobControl,
    /// The time for all of it.
    pub budget: Budget,
    /// Counts the attempts of the source.
    pub turn: usize,
    /// Cuts whatever is being waited for.
    pub current: Arc<Current>,
}

/// The connection that is being made now.
#[derive(Default)]
pub struct Current(Mutex<(bool, Option<Cutter>)>);

impl Current {
    /// Ends the attempt.
    pub fn cut(&self) {
        let mut current = lock(&self.0);
        current.0 = true;
        if let Some(cutter) = current.1.take() {
            cutter.cut();
        }
    }
}

impl<'a> Dial<'a> {
    /// An attempt for this job.
    pub fn new(job: &'a JobControl, budget: Budget, turn: usize) -> Self {
        Self {
            job,
            budget,
            turn,
            current: Arc::default(),
        }
    }

    /// What cuts the next connection that is made.
    pub fn cutter(&self) -> Result<Cutter, JobError> {
        let cutter = Cutter::default();
        let mut current = lock(&self.current.0);
        if current.0 {
            return Err(DialError::Cut.into());
        }
        current.1 = Some(cutter.clone());
        Ok(cutter)
    }
}
