//! What became of the jobs.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use runner_testkit::statistics::percentile;
use runner_testkit::{Job, Terminal};

/// A job that has not ended so long after its deadline is lost.
const PATIENCE: Duration = Duration::from_secs(60);
/// Latencies that are kept: of one job in so many, so that days fit.
const LATENCY_OF: u64 = 16;

/// Counters of one kind of jobs.
#[derive(Default)]
pub struct Tally {
    sent: AtomicU64,
    done: AtomicU64,
    rows: AtomicU64,
    /// Ended with the session they came in on.
    orphaned: AtomicU64,
    lost: AtomicU64,
    errors: Mutex<BTreeMap<String, u64>>,
    latencies: Mutex<Vec<Duration>>,
}

impl Tally {
    /// Forgets everything so far.
    pub fn reset(&self) {
        for counter in [
            &self.sent,
            &self.done,
            &self.rows,
            &self.orphaned,
            &self.lost,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
        self.errors.lock().expect("the errors").clear();
        self.latencies.lock().expect("the latencies").clear();
    }

    /// A job has been sent.
    pub fn sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits for the end of a job with this deadline.
    pub fn count(&self, job: &Job, deadline: Duration) {
        self.ends_well(job, deadline);
    }

    /// The same; tells whether it went well.
    pub fn ends_well(&self, job: &Job, deadline: Duration) -> bool {
        let Some(answer) = job.poll(deadline + PATIENCE) else {
            eprintln!("{} was never answered", job.id);
            self.lost.fetch_add(1, Ordering::Relaxed);
            return false;
        };
        self.rows.fetch_add(answer.rows_counted, Ordering::Relaxed);
        let done = matches!(answer.terminal, Terminal::Done(_));
        match answer.terminal {
            Terminal::Done(_) => {
                let number = self.done.fetch_add(1, Ordering::Relaxed);
                if number.is_multiple_of(LATENCY_OF) {
                    self.latencies
                        .lock()
                        .expect("the latencies")
                        .push(answer.elapsed);
                }
            }
            Terminal::Disconnected => drop(self.orphaned.fetch_add(1, Ordering::Relaxed)),
            Terminal::Error { code, .. } => {
                *self
                    .errors
                    .lock()
                    .expect("the errors")
                    .entry(code)
                    .or_default() += 1;
            }
        }
        done
    }

    /// Jobs without any end.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Jobs that ended in an error of another code than these.
    pub fn failed_otherwise(&self, codes: &[&str]) -> u64 {
        let errors = self.errors.lock().expect("the errors");
        let others = errors
            .iter()
            .filter(|(code, _)| !codes.contains(&code.as_str()));
        others.map(|(_, count)| count).sum()
    }

    /// For people who wait.
    pub fn line(&self) -> String {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (sent, done, lost) = (get(&self.sent), get(&self.done), get(&self.lost));
        format!("{sent} jobs sent, {done} done, {lost} lost")
    }

    /// For people: a name and a figure a line.
    pub fn table(&self) -> Vec<(String, String)> {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let errors = self.errors.lock().expect("the errors");
        let mut lines = vec![
            ("jobs sent".to_owned(), get(&self.sent).to_string()),
            (
                "answered with done".to_owned(),
                format!("{} ({} rows)", get(&self.done), get(&self.rows)),
            ),
            (
                "answered with an error".to_owned(),
                errors.values().sum::<u64>().to_string(),
            ),
        ];
        let codes = errors.iter();
        lines.extend(codes.map(|(code, count)| (format!("  {code}"), count.to_string())));
        lines.push((
            "ended with their session".to_owned(),
            get(&self.orphaned).to_string(),
        ));
        lines.push(("lost".to_owned(), get(&self.lost).to_string()));
        let latencies = self.latencies.lock().expect("the latencies");
        if !latencies.is_empty() {
            let millis = |share| percentile(&latencies, share).as_secs_f64() * 1e3;
            let text = format!(
                "{:.1} / {:.1} / {:.0} ms",
                millis(0.5),
                millis(0.99),
                millis(1.0)
            );
            lines.push(("done after: p50 / p99 / max".to_owned(), text));
        }
        lines
    }
}
