//! All lanes, and which of them are kept when no job needs them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::bridges::Bridge;
use crate::engine::lane::Lane;
use crate::protocol::JobFrame;
use crate::sources::SourceKey;

/// What the caller drops outside the lock.
#[derive(Default)]
pub(super) struct Leftovers {
    /// Closing a connection talks to the network.
    pub bridges: Vec<Arc<dyn Bridge>>,
    /// A job's options may be megabytes in many pieces.
    pub frame: Option<JobFrame>,
}

/// The lanes by source configuration.
pub(super) struct Lanes {
    /// Few, and looked for half a dozen times a job: comparing keys is faster than hashing them.
    lanes: BTreeMap<SourceKey, Lane>,
    assigned: HashSet<SourceKey>,
    /// Most lanes without a job.
    keep: usize,
}

impl Lanes {
    pub fn new(keep: usize) -> Self {
        Self {
            lanes: BTreeMap::new(),
            assigned: HashSet::new(),
            keep,
        }
    }

    pub fn get(&mut self, key: SourceKey) -> Option<&mut Lane> {
        self.lanes.get_mut(&key)
    }

    /// Every lane.
    pub fn iter(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.values()
    }

    /// The lane of a job that arrives. A source that comes with another configuration than before leaves its
    /// old lane to the jobs that are in it.
    pub fn enter(&mut self, key: SourceKey, name: &str, left: &mut Leftovers) -> &mut Lane {
        if !self.lanes.contains_key(&key) {
            self.retire(left, |other| {
                other.source == key.source && other.configuration != key.configuration
            });
        }
        self.lanes
            .entry(key)
            .or_insert_with(|| Lane::new(key, name))
    }

    /// Replaces the assignment list.
    pub fn assign(&mut self, assigned: HashSet<SourceKey>, left: &mut Leftovers) {
        for key in &assigned {
            if let Some(lane) = self.lanes.get_mut(key) {
                lane.retired = false;
            }
        }
        self.retire(left, |key| !assigned.contains(key));
        self.assigned = assigned;
    }

    /// A job left the lane: closes the lane, or another, if it is not worth keeping.
    pub fn left(&mut self, key: SourceKey, left: &mut Leftovers) {
        let Some(lane) = self.lanes.get(&key) else {
            return;
        };
        if !lane.is_idle() {
            return;
        }
        if lane.retired || lane.bridge.is_none() {
            self.remove(key, left);
        } else if self.lanes.len() > self.keep && self.idle().count() > self.keep {
            let worst = self
                .idle()
                .min_by_key(|lane| (self.assigned.contains(&lane.key), lane.used))
                .map(|lane| lane.key);
            if let Some(worst) = worst {
                self.remove(worst, left);
            }
        }
    }

    /// Lanes without a job. Those with one do not count against what is kept: many sources that hang would have a
    /// healthy one forgotten after each of its jobs.
    fn idle(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.values().filter(|lane| lane.is_idle())
    }

    fn retire(&mut self, left: &mut Leftovers, concerned: impl Fn(&SourceKey) -> bool) {
        self.lanes.retain(|key, lane| {
            lane.retired |= concerned(key);
            let keep = !(lane.retired && lane.is_idle());
            if !keep {
                left.bridges.extend(lane.close());
            }
            keep
        });
    }

    fn remove(&mut self, key: SourceKey, left: &mut Leftovers) {
        if let Some(mut lane) = self.lanes.remove(&key) {
            left.bridges.extend(lane.close());
        }
    }
}
