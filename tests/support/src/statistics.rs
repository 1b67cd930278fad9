//! Figures over many measurements.

use std::time::Duration;

/// The value below which this share of the sample lies, `share` in 0..=1; the nearest rank. Panics on an
/// empty sample.
pub fn percentile(sample: &[Duration], share: f64) -> Duration {
    let mut sorted = sample.to_vec();
    sorted.sort();
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentile_is_the_nearest_rank() {
        let sample: Vec<_> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&sample, 0.99), Duration::from_millis(198));
        assert_eq!(percentile(&sample, 0.5), Duration::from_millis(100));
        assert_eq!(percentile(&sample, 1.0), Duration::from_millis(200));
        assert_eq!(percentile(&sample[..1], 0.0), Duration::from_millis(200));
    }
}
