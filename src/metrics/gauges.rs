//! What the engine is doing at this moment, as figures.

use std::collections::BTreeMap;

use crate::limits;
use crate::metrics::Exposition;
use crate::metrics::label::{OTHERS, label};

/// The connections of a pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Pool {
    connections: u32,
    idle: u32,
}

/// Taken under the dispatcher's lock, written outside it.
#[derive(Debug, Default)]
pub struct Gauges {
    active: usize,
    waiting: usize,
    stuck: usize,
    pools: BTreeMap<String, Pool>,
}

impl Gauges {
    /// Of jobs that have not ended: all of them, and those that wait for a worker or a place in their source's
    /// lane. And of workers that were given up and have not come back.
    pub fn of_jobs(active: usize, waiting: usize, stuck: usize) -> Self {
        Self {
            active,
            waiting,
            stuck,
            pools: BTreeMap::new(),
        }
    }

    /// Adds the pool of a source: its connections, and how many of them are idle. Names are the gateway's, so
    /// their number is bounded here.
    pub fn add_pool(&mut self, source: &str, connections: u32, idle: u32) {
        let source = label(source);
        let known = self.pools.contains_key(source) || self.pools.len() < limits::METRIC_SOURCES;
        let source = if known { source } else { OTHERS };
        // A source that was configured anew may have two lanes for a while.
        let sum = self.pools.entry(source.to_owned()).or_default();
        sum.connections += connections;
        sum.idle += idle;
    }

    /// Writes the samples.
    pub fn render(&self, out: &mut Exposition) {
        for (name, help, value) in [
            (
                "semilayer_runner_active_jobs",
                "Jobs that have not ended, waiting ones included.",
                self.active,
            ),
            (
                "semilayer_runner_queued_jobs",
                "Jobs that wait for a worker or a connection of their source.",
                self.waiting,
            ),
            (
                "semilayer_runner_stuck_workers",
                "Workers that a database call has not given back, and that were replaced.",
                self.stuck,
            ),
        ] {
            out.gauge(name, help);
            out.sample(name, &[], value);
        }
        const POOL: &str = "semilayer_runner_source_connections";
        out.gauge(POOL, "Database connections by source and state.");
        for (source, pool) in &self.pools {
            let busy = pool.connections.saturating_sub(pool.idle);
            for (state, count) in [("busy", busy), ("idle", pool.idle)] {
                out.sample(POOL, &[("source", source), ("state", state)], count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_of_one_name_are_one_series_and_the_number_of_series_is_bounded() {
        let mut gauges = Gauges::default();
        gauges.add_pool("db", 3, 1);
        gauges.add_pool("db", 3, 1);
        for n in 0..1000 {
            gauges.add_pool(&format!("s{n}"), 3, 1);
        }
        let mut out = Exposition::default();
        gauges.render(&mut out);
        let text = out.finish();
        let name = "semilayer_runner_source_connections";
        for line in [
            format!("{name}{{source=\"db\",state=\"busy\"}} 4\n"),
            format!("{name}{{source=\"db\",state=\"idle\"}} 2\n"),
            format!("{name}{{source=\"(others)\",state=\"idle\"}} 901\n"),
        ] {
            assert!(text.contains(&line), "{line}{text}");
        }
        let series = text.lines().filter(|l| l.starts_with(name)).count();
        assert_eq!(series, 2 * (limits::METRIC_SOURCES + 1));
    }
}
