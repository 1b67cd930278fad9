//! Jobs by source, kind, outcome and duration, and their rows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use crate::error::ErrorCode;
use crate::limits;
use crate::locks::{read, write};
use crate::metrics::Exposition;
use crate::metrics::histogram::Histogram;
use crate::metrics::label::{OTHERS, label};
use crate::options::JobKind;

/// Ways to end: every error code, and `done`.
const OUTCOMES: usize = ErrorCode::ALL.len() + 1;

#[derive(Default)]
struct OfKind {
    /// `done` first, then the codes in their order.
    outcomes: [AtomicU64; OUTCOMES],
    durations: Histogram,
}

#[derive(Default)]
struct OfSource {
    kinds: [OfKind; JobKind::ALL.len()],
    rows: AtomicU64,
}

/// A job that has ended.
#[derive(Debug, Clone, Copy)]
pub struct EndedJob<'a> {
    /// The source's name; empty when the job's frame could not be read.
    pub source: &'a str,
    /// What it asked for.
    pub kind: JobKind,
    /// `None` when it went well.
    pub error: Option<ErrorCode>,
    /// From its arrival.
    pub took: Duration,
    /// That it handed over.
    pub rows: u64,
}

/// The jobs that have ended so far.
#[derive(Default)]
pub struct JobMetrics {
    sources: RwLock<BTreeMap<String, Arc<OfSource>>>,
}

impl JobMetrics {
    /// Counts a job.
    pub fn ended(&self, job: EndedJob<'_>) {
        let source = self.of(label(job.source));
        let Some(of_kind) = source.kinds.get(job.kind as usize) else {
            return;
        };
        let place = job.error.map_or(0, |code| code as usize + 1);
        if let Some(outcome) = of_kind.outcomes.get(place) {
            outcome.fetch_add(1, Ordering::Relaxed);
        }
        of_kind.durations.observe(job.took);
        source.rows.fetch_add(job.rows, Ordering::Relaxed);
    }

    fn of(&self, source: &str) -> Arc<OfSource> {
        let known = read(&self.sources);
        if let Some(of_source) = known.get(source) {
            return Arc::clone(of_source);
        }
        drop(known);
        let mut known = write(&self.sources);
        let has_room = known.contains_key(source) || known.len() < limits::METRIC_SOURCES;
        let source = if has_room { source } else { OTHERS };
        Arc::clone(known.entry(source.to_owned()).or_default())
    }

    /// Only what has happened: a series for each of the combinations would be noise.
    pub fn render(&self, out: &mut Exposition) {
        const JOBS: &str = "semilayer_runner_jobs_total";
        const DURATION: &str = "semilayer_runner_job_duration_seconds";
        const ROWS: &str = "semilayer_runner_rows_total";
        let sources = read(&self.sources);
        let sources = sources.clone();
        out.counter(
            JOBS,
            "Jobs that have ended; outcome is done or the error code sent.",
        );
        for (source, of_source) in &sources {
            for (kind, of_kind) in JobKind::ALL.iter().zip(&of_source.kinds) {
                let words =
                    std::iter::once("done").chain(ErrorCode::ALL.iter().map(|c| c.as_str()));
                for (outcome, count) in words.zip(&of_kind.outcomes) {
                    let count = count.load(Ordering::Relaxed);
                    if count > 0 {
                        let kind = kind.as_str();
                        let labels = [
                            ("source", source.as_str()),
                            ("kind", kind),
                            ("outcome", outcome),
                        ];
                        out.sample(JOBS, &labels, count);
                    }
                }
            }
        }
        out.histogram(DURATION, "From the arrival of a job to its end.");
        for (source, of_source) in &sources {
            for (kind, of_kind) in JobKind::ALL.iter().zip(&of_source.kinds) {
                let labels = [("source", source.as_str()), ("kind", kind.as_str())];
                of_kind.durations.render(DURATION, &labels, out);
            }
        }
        out.counter(
            ROWS,
            "Rows and aggregate buckets of jobs that have ended, handed over to be sent.",
        );
        for (source, of_source) in &sources {
            let rows = of_source.rows.load(Ordering::Relaxed);
            out.sample(ROWS, &[("source", source)], rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: EndedJob<'static> = EndedJob {
        source: "shop",
        kind: JobKind::Read,
        error: None,
        took: Duration::from_millis(3),
        rows: 2,
    };

    fn page(jobs: &JobMetrics) -> String {
        let mut out = Exposition::default();
        jobs.render(&mut out);
        out.finish()
    }

    #[test]
    fn every_outcome_has_its_own_counter() {
        let jobs = JobMetrics::default();
        for kind in JobKind::ALL {
            jobs.ended(EndedJob { kind, ..JOB });
            for code in ErrorCode::ALL {
                let error = Some(code);
                jobs.ended(EndedJob { kind, error, ..JOB });
            }
        }
        let text = page(&jobs);
        let counted = text.lines().filter(|line| {
            line.starts_with("semilayer_runner_jobs_total{source=\"shop\",kind=\"")
                && line.ends_with(" 1")
        });
        assert_eq!(counted.count(), JobKind::ALL.len() * OUTCOMES);
        let line = format!("_count{{source=\"shop\",kind=\"batchRead\"}} {OUTCOMES}\n");
        assert!(text.contains(&line), "{text}");
        let rows = 2 * JobKind::ALL.len() * OUTCOMES;
        let line = format!("\nsemilayer_runner_rows_total{{source=\"shop\"}} {rows}\n");
        assert!(text.contains(&line), "{text}");
    }

    #[test]
    fn a_gateway_cannot_make_sources_without_end() {
        let jobs = JobMetrics::default();
        for n in 0..1000 {
            let source = &format!("s{n}");
            jobs.ended(EndedJob { source, ..JOB });
        }
        let text = page(&jobs);
        let series = text
            .lines()
            .filter(|l| l.starts_with("semilayer_runner_rows_total{"));
        assert_eq!(series.count(), limits::METRIC_SOURCES + 1);
        assert!(
            text.contains("_rows_total{source=\"(others)\"} 1800\n"),
            "{text}"
        );
    }
}
