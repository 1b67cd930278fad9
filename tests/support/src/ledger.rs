//! The frame contract: which frames a runner may send for which job. Knows nothing of sockets.
//!
//! `rows` is an array on every chunk; a job ends in exactly one `done` or `error`; nothing of it follows; no
//! frame names a job that was not dispatched on this connection; `hello` and `heartbeat` have their shapes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::answer::{Answer, Terminal};
use crate::secrets;

/// A frame read without building its rows: enough to count them, and fast enough never to be the bottleneck
/// of a measurement.
#[derive(Debug, Deserialize)]
pub struct Glance<'a> {
    /// The frame's `type`.
    #[serde(borrow, rename = "type")]
    pub kind: Cow<'a, str>,
    /// The job it belongs to.
    #[serde(borrow, default)]
    pub id: Option<Cow<'a, str>>,
    #[serde(default)]
    rows: Option<Rows>,
}

/// What stands under `rows`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    List(u64),
    SomethingElse,
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Counter;
        impl<'de> Visitor<'de> for Counter {
            type Value = Rows;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Rows, A::Error> {
                let mut count = 0;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Rows::List(count))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Rows, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Rows::SomethingElse)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Rows, E> {
                Ok(Rows::SomethingElse)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Rows, E> {
                Ok(Rows::SomethingElse)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Rows, E> {
                Ok(Rows::SomethingElse)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Rows, E> {
                Ok(Rows::SomethingElse)
            }

            fn visit_str<E>(self, _: &str) -> Result<Rows, E> {
                Ok(Rows::SomethingElse)
            }

            fn visit_unit<E>(self) -> Result<Rows, E> {
                Ok(Rows::SomethingElse)
            }
        }
        deserializer.deserialize_any(Counter)
    }
}

/// One dispatched job.
struct Entry {
    connection: usize,
    dispatched: Instant,
    count_only: bool,
    chunks: Vec<Value>,
    frames: usize,
    rows: u64,
    bytes: u64,
    largest: usize,
    first: Option<Instant>,
    /// Gone once the job has ended.
    answer: Option<Sender<Answer>>,
}

/// Every job of a gateway and every breach of the contract so far.
#[derive(Default)]
pub struct Ledger {
    jobs: HashMap<String, Entry>,
    /// Frames of jobs whose ids begin so are nobody's.
    strangers: Option<String>,
    violations: Vec<String>,
}

impl Ledger {
    /// Enters a job; its answer arrives on the channel.
    pub fn open(&mut self, id: &str, connection: usize, count_only: bool) -> Receiver<Answer> {
        let (sender, receiver) = bounded(1);
        let entry = Entry {
            connection,
            dispatched: Instant::now(),
            count_only,
            chunks: Vec::new(),
            frames: 0,
            rows: 0,
            bytes: 0,
            largest: 0,
            first: None,
            answer: Some(sender),
        };
        assert!(
            self.jobs.insert(id.to_owned(), entry).is_none(),
            "job {id} dispatched twice"
        );
        receiver
    }

    /// From now on nothing is said about jobs whose ids begin so: what a hostile gateway sends need be no job, and
    /// may be two.
    pub fn ignore(&mut self, prefix: &str) {
        self.strangers = Some(prefix.to_owned());
    }

    /// True when the rows of this job are only counted.
    pub fn counts_only(&self, id: &str) -> bool {
        self.jobs.get(id).is_some_and(|job| job.count_only)
    }

    /// Chunks received so far for a job.
    pub fn frames_of(&self, id: &str) -> usize {
        self.jobs.get(id).map_or(0, |job| job.frames)
    }

    /// Jobs dispatched and not ended.
    pub fn live(&self) -> usize {
        self.jobs
            .values()
            .filter(|job| job.answer.is_some())
            .count()
    }

    /// Notes a breach.
    pub fn violation(&mut self, what: impl Into<String>) {
        // The first few say what is wrong; a broken runner may produce millions.
        if self.violations.len() < 100 {
            self.violations.push(what.into());
        }
    }

    /// Takes the breaches noted so far.
    pub fn take_violations(&mut self) -> Vec<String> {
        std::mem::take(&mut self.violations)
    }

    /// A frame about a job. `glance` is the frame without its rows, `frame` the whole one (null for a chunk
    /// whose rows are only counted), `length` its bytes.
    pub fn job_frame(
        &mut self,
        connection: usize,
        glance: &Glance<'_>,
        frame: Value,
        length: usize,
    ) {
        let kind = glance.kind.as_ref();
        let id = glance.id.as_deref().unwrap_or_default();
        if kind == "error"
            && let Some(secret) = secrets::found_in(&frame.to_string())
        {
            self.violation(format!("{secret} is in the error of {id}: {frame}"));
        }
        let mut strangers = self.strangers.iter();
        if strangers.any(|prefix| id.starts_with(prefix)) {
            return;
        }
        let Some(job) = self
            .jobs
            .get_mut(id)
            .filter(|job| job.connection == connection)
        else {
            return self.violation(format!("{kind} for unknown job {id:?}"));
        };
        if job.answer.is_none() {
            return self.violation(format!("{kind} after the end of {id}"));
        }
        let terminal = match kind {
            "chunk" => {
                let Some(Rows::List(count)) = glance.rows else {
                    return self.violation(format!("chunk of {id} without a rows array"));
                };
                job.frames += 1;
                job.rows += count;
                job.bytes += length as u64;
                job.largest = job.largest.max(length);
                job.first.get_or_insert_with(Instant::now);
                if !job.count_only {
                    job.chunks.push(frame);
                }
                return;
            }
            "done" => Terminal::Done(frame["meta"].clone()),
            "error" => match (frame["code"].as_str(), frame["message"].as_str()) {
                (Some(code), Some(message)) => Terminal::Error {
                    code: code.to_owned(),
                    message: message.to_owned(),
                },
                _ => return self.violation(format!("error of {id} without code and message")),
            },
            other => return self.violation(format!("unexpected frame {other:?}")),
        };
        job.end(terminal);
    }

    /// The connection is gone: its live jobs end.
    pub fn disconnect(&mut self, connection: usize) {
        for job in self
            .jobs
            .values_mut()
            .filter(|job| job.connection == connection)
        {
            job.end(Terminal::Disconnected);
        }
    }
}

impl Entry {
    /// Hands out the answer. Nothing happens to a job that has ended before.
    fn end(&mut self, terminal: Terminal) {
        let Some(sender) = self.answer.take() else {
            return;
        };
        // Nobody may be waiting any more.
        let _ = sender.send(Answer {
            terminal,
            chunks: std::mem::take(&mut self.chunks),
            frames: self.frames,
            rows_counted: self.rows,
            bytes: self.bytes,
            largest_frame: self.largest,
            first: self.first.map(|at| at - self.dispatched),
            elapsed: self.dispatched.elapsed(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(ledger: &mut Ledger, connection: usize, text: &str) {
        let glance: Glance<'_> = serde_json::from_str(text).unwrap();
        ledger.job_frame(
            connection,
            &glance,
            serde_json::from_str(text).unwrap(),
            text.len(),
        );
    }

    #[test]
    fn a_job_is_chunks_and_one_terminal_frame() {
        let mut ledger = Ledger::default();
        let answer = ledger.open("j", 1, false);
        feed(
            &mut ledger,
            1,
            r#"{"id":"j","type":"chunk","rows":[{"a":1},{"a":[2]}]}"#,
        );
        feed(
            &mut ledger,
            1,
            r#"{"id":"j","type":"done","meta":{"count":2}}"#,
        );
        let answer = answer.recv().unwrap();
        assert_eq!(answer.rows_counted, 2);
        assert_eq!(answer.rows().len(), 2);
        assert_eq!(answer.expect_done()["count"], 2);
        assert!(ledger.take_violations().is_empty());
    }

    #[test]
    fn breaches_are_noted() {
        for (text, breach) in [
            (r#"{"id":"j","type":"chunk"}"#, "without a rows array"),
            (
                r#"{"id":"j","type":"chunk","rows":{"a":1}}"#,
                "without a rows array",
            ),
            (
                r#"{"id":"j","type":"chunk","rows":null}"#,
                "without a rows array",
            ),
            (r#"{"id":"x","type":"done"}"#, "unknown job"),
            (r#"{"id":"j","type":"pong"}"#, "unexpected frame"),
            (r#"{"id":"j","type":"error","code":1}"#, "without code"),
        ] {
            let mut ledger = Ledger::default();
            let _answer = ledger.open("j", 1, false);
            feed(&mut ledger, 1, text);
            let violations = ledger.take_violations();
            assert!(
                violations.len() == 1 && violations[0].contains(breach),
                "{text}: {violations:?}"
            );
        }
    }

    #[test]
    fn nothing_is_said_about_strangers() {
        let mut ledger = Ledger::default();
        ledger.ignore("strange-");
        feed(&mut ledger, 1, r#"{"id":"strange-1","type":"done"}"#);
        assert!(ledger.take_violations().is_empty());
        feed(&mut ledger, 1, r#"{"id":"x","type":"done"}"#);
        assert_eq!(ledger.take_violations().len(), 1);
    }

    #[test]
    fn nothing_follows_the_end_of_a_job_or_of_its_connection() {
        let mut ledger = Ledger::default();
        let ended = ledger.open("j", 1, false);
        let lost = ledger.open("k", 1, false);
        feed(&mut ledger, 1, r#"{"id":"j","type":"done"}"#);
        feed(
            &mut ledger,
            1,
            r#"{"id":"j","type":"error","code":"CANCELLED","message":""}"#,
        );
        ledger.disconnect(1);
        feed(&mut ledger, 2, r#"{"id":"k","type":"done"}"#);
        assert_eq!(ended.recv().unwrap().terminal, Terminal::Done(Value::Null));
        assert_eq!(lost.recv().unwrap().terminal, Terminal::Disconnected);
        assert_eq!(ledger.take_violations().len(), 2);
    }
}
