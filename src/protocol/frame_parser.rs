//! The frames of one session, parsed with what is known from the frames before them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::limits;
use crate::protocol::job_parts::{deadline, job_of, source_of};
use crate::protocol::server_frame::refuse_job;
use crate::protocol::{Claim, FrameError, JobFrame, ServerFrame};
use crate::sources::Source;

/// Parses the gateway's text frames. Every job carries its whole source, nearly always one of a few with the
/// same bytes as before: those are recognized by their text, and share one [`Source`].
#[derive(Default)]
pub struct FrameParser {
    known: BTreeMap<Box<str>, Arc<Source>>,
    /// Of all texts in it.
    bytes: usize,
}

impl FrameParser {
    /// As [`ServerFrame::parse`], but faster for jobs, and with a claim to the memory that one takes.
    ///
    /// # Errors
    /// Those of [`ServerFrame::parse`], and `OVERLOADED` for a job that has none.
    pub fn parse(&mut self, text: &str) -> Result<ServerFrame, FrameError> {
        let values = ServerFrame::check_size(text)?;
        let claim = match Claim::of(text, values) {
            Ok(claim) => claim,
            // Other frames are let go at once.
            Err(error) => refuse_job(text, error).map_or(Ok(Claim::default()), Err)?,
        };
        let frame = match self.job(text) {
            Some(job) => job.map(ServerFrame::Job),
            // Another frame, or a job with something odd in it, which is named there.
            None => ServerFrame::parse_checked(text),
        };
        frame.map(|frame| match frame {
            ServerFrame::Job(job) => ServerFrame::Job(JobFrame { claim, ..job }),
            other => other,
        })
    }

    fn job(&mut self, text: &str) -> Option<Result<JobFrame, FrameError>> {
        let frame: Frame<'_> = serde_json::from_str(text).ok()?;
        if frame.kind != "job" {
            return None;
        }
        let source = self.source(frame.params.source.get())?;
        let job = frame.params.job;
        let params = (source, job.kind, job.target, job.options);
        let deadline = deadline(frame.deadline.as_ref());
        Some(job_of(frame.id.into_owned(), deadline, Ok(params)))
    }

    fn source(&mut self, text: &str) -> Option<Arc<Source>> {
        if let Some(source) = self.known.get(text) {
            return Some(Arc::clone(source));
        }
        let value = serde_json::from_str(text).ok()?;
        let source = Arc::new(source_of(Some(value), "").ok()?);
        if text.len() <= limits::KNOWN_SOURCE_BYTES {
            self.bytes += text.len();
            if self.bytes > limits::KNOWN_SOURCES_BYTES {
                self.known.clear();
                self.bytes = text.len();
            }
            self.known.insert(text.into(), Arc::clone(&source));
        }
        Some(source)
    }
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(rename = "deadlineMs")]
    deadline: Option<Value>,
    #[serde(borrow)]
    params: Params<'a>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    source: &'a RawValue,
    job: Job,
}

#[derive(Deserialize)]
struct Job {
    kind: String,
    target: Option<String>,
    options: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn job(id: &str, password: &str) -> Value {
        json!({"id": id, "type": "job", "deadlineMs": 1500, "params": {
            "source": {"id": "s", "bridge": "b", "config": {"password": password}},
            "job": {"kind": "query", "target": "t", "options": {"limit": 1, "where": {"a": "\u{e9}\n"}}}}})
    }

    /// Both ways say the same.
    fn parsed(parser: &mut FrameParser, text: &str) -> Result<ServerFrame, FrameError> {
        let frame = parser.parse(text);
        assert_eq!(frame, ServerFrame::parse(text), "{text}");
        frame
    }

    fn source(parser: &mut FrameParser, job: &Value) -> Arc<Source> {
        match parsed(parser, &job.to_string()) {
            Ok(ServerFrame::Job(job)) => job.source,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_source_is_parsed_once() {
        let mut parser = FrameParser::default();
        let one = source(&mut parser, &job("1", "p"));
        assert!(Arc::ptr_eq(&one, &source(&mut parser, &job("2", "p"))));
        let other = source(&mut parser, &job("3", "q"));
        assert_eq!(other.config["password"], "q");
        assert_ne!(one, other);
    }

    #[test]
    fn hundreds_of_sources_are_remembered() {
        let mut parser = FrameParser::default();
        let ask = |parser: &mut FrameParser| -> Vec<_> {
            let jobs = (0..500).map(|n| job("1", &format!("{n:0>250}")));
            jobs.map(|job| source(parser, &job)).collect()
        };
        let first = ask(&mut parser);
        let again = ask(&mut parser);
        let mut pairs = first.iter().zip(&again);
        assert!(pairs.all(|(one, other)| Arc::ptr_eq(one, other)));
    }

    #[test]
    fn what_is_remembered_is_bounded_in_bytes() {
        let mut parser = FrameParser::default();
        for n in 0..3 * limits::KNOWN_SOURCES_BYTES / 1000 {
            source(&mut parser, &job("1", &format!("{n:0>1000}")));
            let bytes: usize = parser.known.keys().map(|text| text.len()).sum();
            assert_eq!(bytes, parser.bytes);
            assert!((1000..=limits::KNOWN_SOURCES_BYTES).contains(&bytes));
        }
        let before = parser.known.len();
        let long = "x".repeat(limits::KNOWN_SOURCE_BYTES);
        source(&mut parser, &job("1", &long));
        assert_eq!(parser.known.len(), before);
    }

    #[test]
    fn what_is_odd_is_told_as_ever() {
        let mut parser = FrameParser::default();
        let whole = job("1", "p");
        for (path, odd) in [
            ("/id", json!(7)),
            ("/id", json!("\u{e9}\n\"")),
            ("/id", json!("x".repeat(limits::MAX_ID_BYTES + 1))),
            ("/type", json!("cancel")),
            ("/type", json!("ping")),
            ("/type", json!("jo\u{e9}")),
            ("/deadlineMs", json!("soon")),
            ("/deadlineMs", json!(null)),
            ("/params", json!([])),
            ("/params/source", json!(null)),
            ("/params/source/id", json!(7)),
            ("/params/source/config", json!(7)),
            ("/params/job", json!("query")),
            ("/params/job/kind", json!(null)),
            ("/params/job/target", json!(null)),
            ("/params/job/target", json!({})),
            ("/params/job/options", json!(null)),
            ("/params/job/options", json!("x")),
        ] {
            let mut frame = whole.clone();
            *frame.pointer_mut(path).unwrap() = odd;
            let _ = parsed(&mut parser, &frame.to_string());
        }
        let whole = whole.to_string();
        let twice = whole.replacen("\"id\":\"1\"", "\"id\":\"1\",\"id\":\"2\"", 1);
        assert_ne!(twice, whole);
        for text in ["", "[]", "{}", &whole[1..], &twice, &format!("{whole}x")] {
            let _ = parsed(&mut parser, text);
        }
    }
}
