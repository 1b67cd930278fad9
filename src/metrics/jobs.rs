//! Jobs by kind, outcome and duration.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::ErrorCode;
use crate::metrics::Exposition;
use crate::metrics::histogram::Histogram;
use crate::options::JobKind;

/// Ways to end: every error code, and `done`.
const OUTCOMES: usize = ErrorCode::ALL.len() + 1;

#[derive(Default)]
struct OfKind {
    /// `done` first, then the codes in their order.
    outcomes: [AtomicU64; OUTCOMES],
    durations: Histogram,
}

/// The jobs that have ended so far.
#[derive(Default)]
pub struct JobMetrics {
    kinds: [OfKind; JobKind::ALL.len()],
}

impl JobMetrics {
    /// A job has ended; `error` is `None` when it went well. `took` counts from its arrival.
    pub fn ended(&self, kind: JobKind, error: Option<ErrorCode>, took: Duration) {
        let Some(of_kind) = self.kinds.get(kind as usize) else {
            return;
        };
        let place = error.map_or(0, |code| code as usize + 1);
        if let Some(outcome) = of_kind.outcomes.get(place) {
            outcome.fetch_add(1, Ordering::Relaxed);
        }
        of_kind.durations.observe(took);
    }

    /// Only what has happened: a series for each of the combinations would be noise.
    pub fn render(&self, out: &mut Exposition) {
        const JOBS: &str = "semilayer_runner_jobs_total";
        const DURATION: &str = "semilayer_runner_job_duration_seconds";
        out.counter(
            JOBS,
            "Jobs that have ended; outcome is done or the error code sent.",
        );
        for (kind, of_kind) in JobKind::ALL.iter().zip(&self.kinds) {
            let words = std::iter::once("done").chain(ErrorCode::ALL.iter().map(|c| c.as_str()));
            for (outcome, count) in words.zip(&of_kind.outcomes) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    let labels = [("kind", kind.as_str()), ("outcome", outcome)];
                    out.sample(JOBS, &labels, count);
                }
            }
        }
        out.histogram(DURATION, "From the arrival of a job to its end.");
        for (kind, of_kind) in JobKind::ALL.iter().zip(&self.kinds) {
            let label = ("kind", kind.as_str());
            of_kind.durations.render(DURATION, label, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_own_counter() {
        let jobs = JobMetrics::default();
        let took = Duration::from_millis(3);
        for kind in JobKind::ALL {
            jobs.ended(kind, None, took);
            for code in ErrorCode::ALL {
                jobs.ended(kind, Some(code), took);
            }
        }
        let mut out = Exposition::default();
        jobs.render(&mut out);
        let text = out.finish();
        let counted = text.lines().filter(|line| {
            line.starts_with("semilayer_runner_jobs_total{") && line.ends_with(" 1")
        });
        assert_eq!(counted.count(), JobKind::ALL.len() * OUTCOMES);
        let line = format!("_count{{kind=\"batchRead\"}} {OUTCOMES}\n");
        assert!(text.contains(&line), "{text}");
    }
}
