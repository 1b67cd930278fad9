//! The hostile source: behind it is one villain after the other.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use runner_testkit::fakes::{Villain, villains};
use runner_testkit::{Gateway, Job};
use serde_json::{Value, json};

use super::witness::Witness;
use crate::random::Random;
use crate::tally::Tally;

/// How long the source has the same villain.
const PHASE: Duration = Duration::from_secs(3);
/// Jobs at a time, as many as there are workers by default.
const WAVE: usize = 16;
/// Connections it asks for.
const POOL: usize = 15;

/// The source, and what became of its jobs.
pub struct HostileSource<'a> {
    gateway: &'a Gateway,
    tally: &'a Tally,
    witness: &'a Witness,
    villains: Vec<Villain>,
    /// The index of the present one, and since when.
    present: Mutex<(usize, Instant)>,
}

impl<'a> HostileSource<'a> {
    /// At this gateway.
    pub fn new(gateway: &'a Gateway, tally: &'a Tally, witness: &'a Witness) -> Self {
        Self {
            gateway,
            tally,
            witness,
            villains: villains(),
            present: Mutex::new((0, Instant::now())),
        }
    }

    /// It as a source; the villain behind it changes now and then.
    pub fn source(&self, random: &mut Random) -> Value {
        let mut present = self.present.lock().expect("the villain");
        if present.1.elapsed() > PHASE {
            let next = random.below(self.villains.len() as u64) as usize;
            *present = (next, Instant::now());
            self.witness.saw(&self.villains[next].name);
        }
        self.villains[present.0].source("hostile", POOL)
    }

    /// One job with a short deadline, or as many as there are workers, to their ends.
    pub fn ask(&self, random: &mut Random) {
        let jobs = if random.below(8) == 0 { WAVE } else { 1 };
        let deadline = random.millis(100, 3_000);
        let source = self.source(random);
        let jobs: Vec<Job> = (0..jobs)
            .map_while(|_| self.send(&source, deadline, random))
            .collect();
        if jobs.is_empty() {
            std::thread::sleep(Duration::from_millis(50));
        }
        for job in &jobs {
            if random.below(10) == 0 {
                let cancel = json!({ "id": job.id, "type": "cancel" }).to_string();
                let current = self.gateway.state().current();
                current.inspect(|connection| connection.text(cancel));
            }
        }
        jobs.iter().for_each(|job| self.tally.count(job, deadline));
    }

    fn send(&self, source: &Value, deadline: Duration, random: &mut Random) -> Option<Job> {
        let (kind, options) = match random.below(8) {
            0 => ("query", json!({ "where": { "id": 1 }, "limit": 10 })),
            1 => ("read", json!({ "limit": 100 })),
            2 => ("count", json!({})),
            3 => ("listTargets", json!({})),
            4 => ("introspectTarget", json!({})),
            5 => ("test", json!({})),
            6 => (
                "aggregate",
                json!({ "dimensions": [{ "field": "id" }], "measures": { "n": { "agg": "count" } } }),
            ),
            _ => ("batchRead", json!({})),
        };
        let millis = deadline.as_millis() as u64;
        let job = self
            .gateway
            .try_dispatch(source, kind, "t", options, millis, true);
        job.inspect(|_| self.tally.sent())
    }
}
