//! The jobs of a soak run.

use std::thread;
use std::time::Duration;

use runner_testkit::{Gateway, Job};
use serde_json::{Value, json};

use crate::databases::Database;
use crate::random::Random;
use crate::tally::Tally;

/// Jobs of a burst: more than may wait.
const BURST: u64 = 1_500;

/// Whoever was refused waits so long before the next job.
const AGAIN: Duration = Duration::from_millis(200);

/// Sends jobs.
pub struct Load<'a> {
    /// To the runner of this gateway.
    pub gateway: &'a Gateway,
    /// For these databases.
    pub databases: &'a [Database],
    /// Who counts what becomes of them.
    pub tally: &'a Tally,
}

impl Load<'_> {
    fn send(
        &self,
        database: &Database,
        kind: &str,
        target: &str,
        options: Value,
        deadline: Duration,
    ) -> Option<Job> {
        let target = database.target(target);
        let deadline = deadline.as_millis() as u64;
        let job =
            self.gateway
                .try_dispatch(&database.source, kind, &target, options, deadline, true);
        match &job {
            Some(_) => self.tally.sent(),
            // Nobody is connected.
            None => thread::sleep(Duration::from_millis(50)),
        }
        job
    }

    /// One job that should succeed, to its end.
    pub fn plain(&self, random: &mut Random) {
        const USUAL: Duration = Duration::from_secs(30);
        let database = random.of(self.databases);
        let (kind, target, options) = match random.below(100) {
            0..50 => ("count", "people", json!({})),
            50..70 => (
                "query",
                "people",
                json!({ "limit": 10, "orderBy": { "field": "id" } }),
            ),
            70..88 => ("read", "people", json!({ "limit": 30 })),
            88..96 => ("batchRead", "large", json!({})),
            96..98 => ("listTargets", "", json!({})),
            _ => ("test", "", json!({})),
        };
        if let Some(job) = self.send(database, kind, target, options, USUAL)
            && !self.tally.ends_well(&job, USUAL)
        {
            thread::sleep(AGAIN);
        }
    }

    /// One job of any sort, or a burst of them, to its end.
    pub fn one(&self, random: &mut Random) {
        const USUAL: Duration = Duration::from_secs(10);
        let database = random.of(self.databases);
        let send = |kind: &str, target: &str, options, deadline| {
            let job = self.send(database, kind, target, options, deadline);
            job.inspect(|job| self.tally.count(job, deadline));
        };
        match random.below(1000) {
            0..400 => send("count", "people", json!({}), USUAL),
            400..600 => send(
                "query",
                "people",
                json!({ "limit": 10, "orderBy": { "field": "id" } }),
                USUAL,
            ),
            600..750 => send("read", "people", json!({ "limit": 30 }), USUAL),
            750..850 => send("batchRead", "large", json!({}), USUAL),
            850..880 => send("listTargets", "", json!({}), USUAL),
            880..900 => send("introspectTarget", "people", json!({}), USUAL),
            900..920 => send("test", "", json!({}), USUAL),
            920..940 => send("count", "no_such_table", json!({}), USUAL),
            940..970 => send("batchRead", "slow", json!({}), random.millis(50, 800)),
            970..999 => {
                let target = *random.of(&["slow", "large", "people"]);
                let after = random.millis(0, 300);
                if let Some(job) = self.send(database, "batchRead", target, json!({}), USUAL) {
                    thread::sleep(after);
                    self.cancel(&job);
                    self.tally.count(&job, USUAL);
                }
            }
            _ => {
                let jobs: Vec<_> = (0..BURST)
                    .map_while(|_| self.send(database, "count", "people", json!({}), USUAL))
                    .collect();
                jobs.iter().for_each(|job| self.tally.count(job, USUAL));
            }
        }
    }

    fn cancel(&self, job: &Job) {
        let current = self.gateway.state().current();
        let cancel = json!({ "id": job.id, "type": "cancel" });
        current.inspect(|connection| connection.text(cancel.to_string()));
    }
}
