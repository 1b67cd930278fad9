//! A bridge in this process: what it says word for word, and what it does when nobody else is there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use semilayer_runner::bridges::{self, Bridge};
use semilayer_runner::error::JobError;
use semilayer_runner::job::Summary;
use semilayer_runner::job::{ChunkLimits, JobControl, QueueSender, RowSink, Slot, Wakeup};
use semilayer_runner::options::{JobKind, Request};
use semilayer_runner::sources::{CredentialsLocation, Source};
use serde_json::{Value, json};

/// A source of the bridge that people call `short`.
pub fn open(short: &str, config: Value) -> Result<Arc<dyn Bridge>, JobError> {
    bridges::open(&Source {
        id: "src".to_owned(),
        name: "primary-db".to_owned(),
        bridge: format!("@semilayer/bridge-{short}"),
        credentials: CredentialsLocation::Managed,
        config: config.as_object().unwrap().clone(),
    })
}

/// A job with so much time.
pub fn job_within(limit: Duration) -> Arc<JobControl> {
    Arc::new(JobControl::new("j", Instant::now() + limit))
}

/// The rows, or a count, and the rest.
pub type Answer = Result<(Vec<Value>, Summary), JobError>;

/// Runs a job to its end. The text of its frames.
pub fn frames(
    bridge: &dyn Bridge,
    job: &Arc<JobControl>,
    kind: &str,
    target: &str,
    options: Value,
) -> Result<(Vec<String>, Summary), JobError> {
    let (frames, sent) = QueueSender::queue(4096, &Wakeup::default());
    let limits = ChunkLimits::default();
    let mut sink = RowSink::new(Arc::clone(job), frames, limits, Slot::Rows);
    let rules = &bridge.package().options;
    let request = Request::parse(JobKind::of(kind), target, &options, rules)?;
    let summary = bridge.run(job, &request, &mut sink)?;
    sink.flush()?;
    drop(sink);
    let texts = sent
        .into_iter()
        .map(|frame| String::from_utf8(frame.text).unwrap());
    Ok((texts.collect(), summary))
}

/// Runs a job to its end.
pub fn run(
    bridge: &dyn Bridge,
    job: &Arc<JobControl>,
    kind: &str,
    target: &str,
    options: Value,
) -> Answer {
    let (texts, summary) = frames(bridge, job, kind, target, options)?;
    let mut rows = Vec::new();
    for text in texts {
        let chunk: Value = serde_json::from_str(&text).unwrap();
        rows.extend(chunk["rows"].as_array().unwrap().iter().cloned());
        rows.extend(chunk.get("total").cloned());
    }
    Ok((rows, summary))
}

/// Runs a job that has time.
pub fn ask(bridge: &dyn Bridge, kind: &str, target: &str, options: Value) -> Answer {
    run(
        bridge,
        &job_within(Duration::from_secs(30)),
        kind,
        target,
        options,
    )
}

/// All rows of a target, page by page. Every page but the last must be full.
pub fn walk(bridge: &dyn Bridge, target: &str, limit: usize) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let options = json!({ "limit": limit, "cursor": cursor });
        let (rows, summary) = ask(bridge, "read", target, options).unwrap();
        let full = rows.len() == limit;
        all.extend(rows);
        assert!(all.len() <= 100, "{target} goes on for ever");
        match summary.next_cursor {
            Some(next) => {
                assert!(full, "{target}: a page is short");
                cursor = json!(next);
            }
            None => {
                assert_eq!(summary.total, Some(all.len() as u64), "{target}");
                return all;
            }
        }
    }
}
