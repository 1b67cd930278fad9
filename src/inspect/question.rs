//! One question to one source, outside the engine: there is no gateway, and only one job.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, after, bounded, select};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::bridges::Bridge;
use crate::engine::run_permitted;
use crate::error::{ErrorCode, JobError};
use crate::job::Summary;
use crate::job::{
    ChunkLimits, FrameOut, JobControl, Outcome, Phase, QueueSender, RowSink, Slot, Wakeup,
};
use crate::limits;
use crate::options::Request;
use crate::policy::Policy;
use crate::shortage;

/// The answer to a question.
#[derive(Debug)]
pub struct Answer {
    /// What the bridge says besides rows.
    pub summary: Summary,
    /// From the question to the last row; the connection included, if it had to be opened.
    pub took: Duration,
}

/// Whose rules a question obeys.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The customer's policy.
    pub policy: Arc<Policy>,
    /// The source's name.
    pub source: String,
}

/// Asks, and hands over each row as the JSON text that a gateway would get. Gives up after `budget`; the
/// statement is stopped then, as far as its database lets itself be stopped.
pub fn ask(
    bridge: &Arc<dyn Bridge>,
    rules: Option<Rules>,
    mut request: Request,
    budget: Duration,
    mut each: impl FnMut(&str),
) -> Result<Answer, JobError> {
    let started = Instant::now();
    let budget = rules.as_ref().map_or(budget, |rules| rules.time(budget));
    let job = Arc::new(JobControl::new("question", started + budget));
    job.enter(Phase::Connecting);
    let (frames, chunks) = QueueSender::queue(limits::WRITER_QUEUE, &Wakeup::default());
    let (result, results) = bounded(1);
    let sink = RowSink::new(Arc::clone(&job), frames, ChunkLimits::default(), Slot::Rows);
    let (bridge, control) = (Arc::clone(bridge), Arc::clone(&job));
    spawn("question", move || {
        let mut sink = sink;
        let answer = match rules {
            Some(Rules { policy, source }) => {
                policy.admit(&source, &source, true).and_then(|permit| {
                    run_permitted(&permit, &*bridge, &control, &mut request, &mut sink, |_| {
                        Ok(())
                    })
                })
            }
            None => bridge.run(&control, &request, &mut sink),
        };
        let answer = answer.and_then(|summary| sink.flush().map(|()| summary));
        // Chunks are taken until the sink is gone, and the result only after that.
        drop(sink);
        // Nobody waits any more when the time was over first.
        let _ = result.send(answer);
    })?;
    let over = after(budget);
    let late = || {
        let phase = job.phase().describe();
        job.end(Outcome::Aborted(ErrorCode::DeadlineExceeded));
        let control = Arc::clone(&job);
        // It may hang in the network; the process ends soon.
        let _ = spawn("stopper", move || control.stop_statement());
        JobError::new(
            ErrorCode::DeadlineExceeded,
            format!("no answer after {} s of {phase}", budget.as_secs_f64()),
        )
    };
    take_rows(&chunks, &over, &mut each).map_err(|failure| failure.unwrap_or_else(late))?;
    select! {
        recv(results) -> answer => {
            let broken = |_| JobError::new(ErrorCode::Internal, "the bridge has panicked");
            Ok(Answer {
                summary: answer.map_err(broken)??,
                took: started.elapsed(),
            })
        }
        recv(over) -> _ => Err(late()),
    }
}

impl Rules {
    /// The time that the policy leaves of `own`.
    fn time(&self, own: Duration) -> Duration {
        let permit = self.policy.admit(&self.source, &self.source, true);
        let seconds = permit.ok().and_then(|permit| permit.seconds());
        seconds.map_or(own, |(seconds, _)| own.min(Duration::from_secs(seconds)))
    }
}

/// Takes chunks until there are no more. `Err(None)` when time is up.
fn take_rows(
    chunks: &Receiver<FrameOut>,
    over: &Receiver<Instant>,
    each: &mut impl FnMut(&str),
) -> Result<(), Option<JobError>> {
    /// The part of a `chunk` frame that is of interest here.
    #[derive(Deserialize)]
    struct Chunk<'a> {
        #[serde(borrow)]
        rows: Vec<&'a RawValue>,
    }
    loop {
        select! {
            recv(chunks) -> chunk => {
                let Ok(chunk) = chunk else {
                    return Ok(());
                };
                let parsed: Chunk<'_> = serde_json::from_slice(&chunk.text).map_err(|error| {
                    let message = format!("a row that is not JSON: {error}");
                    Some(JobError::new(ErrorCode::Internal, message))
                })?;
                for row in parsed.rows {
                    each(row.get());
                }
            }
            recv(over) -> _ => return Err(None),
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), JobError> {
    match shortage::spawn(name, work) {
        Ok(_) => Ok(()),
        Err(error) => Err(JobError::new(ErrorCode::Overloaded, error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridges::pool::PoolState;
    use crate::job::{Columns, Package, fixture};
    use crate::options::Target;

    /// `rows`: two of them. `hang`: until the job is ended. `panic`: as it says.
    struct Fake;

    impl Bridge for Fake {
        fn package(&self) -> &'static Package {
            &fixture::FILE
        }

        fn run(
            &self,
            job: &Arc<JobControl>,
            request: &Request,
            sink: &mut RowSink,
        ) -> Result<Summary, JobError> {
            let Request::IntrospectTarget(target) = request else {
                panic!("{request:?}");
            };
            match target.text() {
                "rows" => {
                    for text in ["{\"n\":12345678901234567890123}", "{\"n\":2.50}"] {
                        sink.row(|out| {
                            out.push_str(text);
                            Ok(())
                        })?;
                    }
                    Ok(Summary::default())
                }
                "hang" => {
                    let _ = job.aborted().recv();
                    Err(JobError::query_failed("stopped"))
                }
                _ => panic!("as asked"),
            }
        }

        fn concurrency(&self) -> usize {
            1
        }

        fn columns(&self, _: &Arc<JobControl>, _: &Target) -> Result<Columns, JobError> {
            Ok(Columns::NoSuchTarget)
        }

        fn pool_state(&self) -> PoolState {
            PoolState::default()
        }
    }

    fn run(target: &str, budget: Duration) -> (Result<Answer, JobError>, Vec<String>) {
        let bridge: Arc<dyn Bridge> = Arc::new(Fake);
        let mut rows = Vec::new();
        let request = Request::IntrospectTarget(Target::whole(target));
        let answer = ask(&bridge, None, request, budget, |row| {
            rows.push(row.to_owned());
        });
        (answer, rows)
    }

    #[test]
    fn rows_come_as_the_gateway_would_get_them() {
        let (answer, rows) = run("rows", Duration::from_secs(60));
        answer.unwrap();
        assert_eq!(rows, ["{\"n\":12345678901234567890123}", "{\"n\":2.50}"]);
    }

    #[test]
    fn a_source_that_hangs_or_panics_is_an_error() {
        let (answer, _) = run("hang", Duration::from_millis(20));
        let error = answer.unwrap_err();
        assert_eq!(error.code, ErrorCode::DeadlineExceeded);
        assert!(error.message.contains("connecting"), "{error}");
        let (answer, _) = run("panic", Duration::from_secs(60));
        assert_eq!(answer.unwrap_err().code, ErrorCode::Internal);
    }
}
