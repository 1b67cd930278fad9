//! Durations in buckets, as Prometheus wants them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::metrics::Exposition;

/// Upper bounds in milliseconds, and as they are written. Point jobs take about one, a deadline is 30,000.
const BOUNDS: [(u64, &str); 14] = [
    (1, "0.001"),
    (2, "0.002"),
    (5, "0.005"),
    (10, "0.01"),
    (25, "0.025"),
    (50, "0.05"),
    (100, "0.1"),
    (250, "0.25"),
    (500, "0.5"),
    (1_000, "1"),
    (2_500, "2.5"),
    (5_000, "5"),
    (10_000, "10"),
    (30_000, "30"),
];

/// A histogram with fixed bounds.
#[derive(Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS.len()],
    longer: AtomicU64,
    micros: AtomicU64,
}

impl Histogram {
    /// Counts one.
    pub fn observe(&self, took: Duration) {
        let place = BOUNDS
            .iter()
            .position(|(bound, _)| took <= Duration::from_millis(*bound));
        let bucket = place.and_then(|place| self.buckets.get(place));
        bucket
            .unwrap_or(&self.longer)
            .fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Writes the samples, unless nothing was counted yet.
    pub fn render(&self, name: &str, labels: &[(&str, &str)], out: &mut Exposition) {
        let counts = self.buckets.iter().map(|b| b.load(Ordering::Relaxed));
        let counts: Vec<u64> = counts.collect();
        let total = counts.iter().sum::<u64>() + self.longer.load(Ordering::Relaxed);
        if total == 0 {
            return;
        }
        let with = |bound| [labels, &[bound]].concat();
        let mut sum = 0;
        let bucket = format!("{name}_bucket");
        for ((_, bound), count) in BOUNDS.iter().zip(counts) {
            sum += count;
            out.sample(&bucket, &with(("le", bound)), sum);
        }
        out.sample(&bucket, &with(("le", "+Inf")), total);
        let micros = self.micros.load(Ordering::Relaxed);
        out.sample(&format!("{name}_sum"), labels, micros as f64 / 1e6);
        out.sample(&format!("{name}_count"), labels, total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_bounds_included() {
        let histogram = Histogram::default();
        for micros in [1_000, 1_001, 40_000, 60_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        let mut out = Exposition::default();
        histogram.render("x", &[("kind", "read")], &mut out);
        let text = out.finish();
        for line in [
            "x_bucket{kind=\"read\",le=\"0.001\"} 1\n",
            "x_bucket{kind=\"read\",le=\"0.002\"} 2\n",
            "x_bucket{kind=\"read\",le=\"0.025\"} 2\n",
            "x_bucket{kind=\"read\",le=\"0.05\"} 3\n",
            "x_bucket{kind=\"read\",le=\"30\"} 3\n",
            "x_bucket{kind=\"read\",le=\"+Inf\"} 4\n",
            "x_sum{kind=\"read\"} 60.042001\n",
            "x_count{kind=\"read\"} 4\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
    }
}
