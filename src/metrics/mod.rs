//! What the runner counts about itself, for `/metrics` and `/ready`. Everybody who has something to count holds
//! the registry; counting is a few atomic additions a job or a frame, never one a row. Not for log lines.
//!
//! - `jobs`: jobs by source, kind and outcome; `gauges`: what the engine does at this moment; `gateway`: the
//!   connection to the gateway; `memory`, `process`: of the process
//! - `histogram`, `label`, `text`: how figures are kept and written

mod gateway;
mod gauges;
mod histogram;
mod jobs;
mod label;
mod memory;
mod process;
mod text;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub use gateway::{GatewayMetrics, Readiness};
pub use gauges::Gauges;
pub use jobs::{EndedJob, JobMetrics};
pub use memory::resident_kib;
pub use text::Exposition;

/// The figures of one process.
pub struct Metrics {
    /// Jobs that have ended.
    pub jobs: JobMetrics,
    /// The link to the gateway.
    pub gateway: GatewayMetrics,
    bytes: AtomicU64,
}

impl Metrics {
    /// Nothing counted yet; `start` is the zero of its clock.
    pub fn new(start: Instant) -> Self {
        Self {
            jobs: JobMetrics::default(),
            gateway: GatewayMetrics::new(start),
            bytes: AtomicU64::new(0),
        }
    }

    /// The gateway has acknowledged a session, which counts as up until the guard is dropped. When nothing
    /// comes in for longer than `patience` it is not ready all the same.
    pub fn session_up(self: &Arc<Self>, patience: Duration, now: Instant) -> SessionUp {
        self.gateway.up(patience, now);
        SessionUp {
            metrics: Arc::clone(self),
        }
    }

    /// The text of a frame was handed to the socket.
    pub fn sent(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Everything counted here, at `now`.
    pub fn render(&self, now: Instant, out: &mut Exposition) {
        const BYTES: &str = "semilayer_runner_bytes_total";
        self.jobs.render(out);
        out.counter(
            BYTES,
            "Text of frames sent to the gateway, before encryption.",
        );
        out.sample(BYTES, &[], self.bytes.load(Ordering::Relaxed));
        self.gateway.render(now, out);
        process::render(out);
    }
}

/// A session is up.
pub struct SessionUp {
    metrics: Arc<Metrics>,
}

impl Drop for SessionUp {
    fn drop(&mut self) {
        self.metrics.gateway.down();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_added_up() {
        let metrics = Metrics::new(Instant::now());
        metrics.sent(1000);
        metrics.sent(24);
        let mut out = Exposition::default();
        metrics.render(Instant::now(), &mut out);
        let text = out.finish();
        assert!(
            text.contains("\nsemilayer_runner_bytes_total 1024\n"),
            "{text}"
        );
    }
}
