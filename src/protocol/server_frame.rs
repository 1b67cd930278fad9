//! The frames that the gateway sends, from text to types. Fields we do not know are ignored, as the published
//! codec does; a frame we cannot use says why, and a `job` among them still names its id.

use std::fmt;

use log::warn;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::JobError;
use crate::limits;
use crate::protocol::frame_error::{Keys, shortened};
use crate::protocol::job_parts::{deadline, job_of, params, source_of};
use crate::protocol::scan::scan;
use crate::protocol::{FrameError, JobFrame};
use crate::sources::Source;

/// What the gateway says.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerFrame {
    /// The session is accepted.
    HelloAck {
        /// The gateway's protocol version, if it is a number.
        server_version: Option<u64>,
        /// Sources this runner is to serve.
        sources: Vec<Source>,
    },
    /// The list of sources has changed; this one replaces it.
    AssignmentsChanged {
        /// Sources this runner is to serve.
        sources: Vec<Source>,
    },
    /// Run this.
    Job(JobFrame),
    /// Stop the job with this id.
    Cancel {
        /// The job's id.
        id: String,
    },
    /// Are you alive? Answered by a heartbeat.
    Ping,
    /// Something is wrong with the session, in the gateway's own words.
    Error {
        /// Code and message, as far as they are there.
        text: String,
    },
}

impl ServerFrame {
    /// Parses a text frame.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        Self::check_size(text)?;
        Self::parse_checked(text)
    }

    /// The number of values, as [`scan`] tells it.
    pub(super) fn check_size(text: &str) -> Result<usize, FrameError> {
        scan(text)
            .map_err(|problem| unusable(text, problem).unwrap_or(FrameError::TooMuch(problem)))
    }

    pub(super) fn parse_checked(text: &str) -> Result<Self, FrameError> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            // What JavaScript reads and we do not: `1e999`, half a surrogate pair.
            unusable(text, "not readable as JSON").unwrap_or(FrameError::Syntax {
                length: text.len(),
                column: error.column(),
            })
        })?;
        let Value::Object(mut frame) = value else {
            let keys = Keys::default();
            return Err(FrameError::NoType { keys });
        };
        let Some(Value::String(kind)) = frame.shift_remove("type") else {
            let keys = Keys::of(&frame);
            return Err(FrameError::NoType { keys });
        };
        match kind.as_str() {
            "job" => job(frame).map(Self::Job),
            "cancel" => match frame.remove("id") {
                Some(Value::String(id)) => Ok(Self::Cancel { id }),
                _ => Err(FrameError::Incomplete {
                    kind: "cancel",
                    field: "id",
                }),
            },
            "ping" => Ok(Self::Ping),
            "hello-ack" => Ok(Self::HelloAck {
                server_version: frame.get("serverVersion").and_then(Value::as_u64),
                // The session is good without a list: every job carries its source.
                sources: assignments(&mut frame).unwrap_or_default(),
            }),
            "assignments-changed" => match assignments(&mut frame) {
                Some(sources) => Ok(Self::AssignmentsChanged { sources }),
                None => Err(FrameError::Incomplete {
                    kind: "assignments-changed",
                    field: "assignedSources",
                }),
            },
            "error" => Ok(Self::Error {
                text: complaint(&frame),
            }),
            _ => Err(FrameError::Unknown {
                keys: Keys::of(&frame),
                kind: shortened(kind),
            }),
        }
    }
}

/// `CODE: message`, whatever of the two is there.
fn complaint(frame: &Map<String, Value>) -> String {
    let parts = ["code", "message", "reason", "error"].map(|key| match frame.get(key) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::Object(inner)) => Some(complaint(inner)),
        _ => None,
    });
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    parts.join(": ")
}

fn unusable(text: &str, problem: impl fmt::Display) -> Option<FrameError> {
    refuse_job(text, JobError::invalid_options("params", problem))
}

/// A text that is not parsed may still be a job with an id. Reading only that costs no memory, and
/// serde_json skips what is inside unknown fields without recursion.
pub(super) fn refuse_job(text: &str, error: JobError) -> Option<FrameError> {
    #[derive(Deserialize)]
    struct Head {
        id: String,
        #[serde(rename = "type")]
        kind: String,
    }
    let head: Head = serde_json::from_str(text).ok()?;
    (head.kind == "job").then_some(match head.id.len() > limits::MAX_ID_BYTES {
        true => FrameError::LongId,
        false => FrameError::Job { id: head.id, error },
    })
}

fn job(mut frame: Map<String, Value>) -> Result<JobFrame, FrameError> {
    let Some(Value::String(id)) = frame.remove("id") else {
        return Err(FrameError::Incomplete {
            kind: "job",
            field: "id",
        });
    };
    let deadline = deadline(frame.get("deadlineMs"));
    job_of(id, deadline, params(frame.remove("params")))
}

/// The usable sources of a list; one that is not usable is left out, since a job would say what is wrong. So are those
/// beyond [`limits::ASSIGNED_BYTES`]: what is done for each of them takes its time.
fn assignments(frame: &mut Map<String, Value>) -> Option<Vec<Source>> {
    let Some(Value::Array(list)) = frame.remove("assignedSources") else {
        return None;
    };
    let whole = list.len();
    let (mut sources, mut bytes) = (Vec::new(), 0);
    for (n, value) in list.into_iter().enumerate() {
        match source_of(Some(value), &format!("assignedSources[{n}]")) {
            Ok(source) => {
                let texts = [&source.id, &source.name, &source.bridge];
                bytes += size_of::<Source>() + texts.iter().map(|text| text.len()).sum::<usize>();
                if bytes > limits::ASSIGNED_BYTES {
                    warn!("only the first {n} of {whole} assigned sources are looked at");
                    break;
                }
                sources.push(source);
            }
            Err(error) if n < limits::TOLD_SOURCES => {
                warn!("assignment ignored: {}", error.message);
            }
            Err(_) => {}
        }
    }
    Some(sources)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::options::JobKind;
    use crate::protocol::scan::TooMuch;
    use crate::sources::CredentialsLocation;

    fn parse(value: Value) -> Result<ServerFrame, FrameError> {
        ServerFrame::parse(&value.to_string())
    }

    fn a_job() -> Value {
        json!({"id": "j1", "type": "job", "deadlineMs": 1500, "params": {
            "source": {"id": "s", "name": "primary-db", "bridge": "bridge-of-a-test",
                "credentialsLocation": "managed", "config": {"url": "postgres://u:p@h/d"}},
            "job": {"kind": "query", "target": "t", "options": {"limit": 1}}}})
    }

    fn job_with(change: impl FnOnce(&mut Value)) -> Result<JobFrame, FrameError> {
        let mut frame = a_job();
        change(&mut frame);
        match parse(frame)? {
            ServerFrame::Job(job) => Ok(job),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_job_is_typed() {
        let job = job_with(|_| {}).unwrap();
        assert_eq!(
            (job.id.as_str(), job.kind, job.target.as_str()),
            ("j1", JobKind::Query, "t")
        );
        assert_eq!(job.options, json!({"limit": 1}));
        assert_eq!(job.deadline, Duration::from_millis(1500));
        assert_eq!(job.source.config["url"], "postgres://u:p@h/d");
        assert!(!format!("{job:?}").contains("u:p@"));
    }

    #[test]
    fn deadlines_are_sane_whatever_is_sent() {
        let of = |ms: Value| job_with(|frame| frame["deadlineMs"] = ms).unwrap().deadline;
        assert_eq!(of(json!("5000")), limits::JOB_DEADLINE);
        assert_eq!(of(Value::Null), limits::JOB_DEADLINE);
        assert_eq!(of(json!(0)), Duration::ZERO);
        assert_eq!(of(json!(-1)), Duration::ZERO);
        assert_eq!(of(json!(0.5)), Duration::from_micros(500));
        assert_eq!(of(json!(1e300)), limits::MAX_DEADLINE);
    }

    #[test]
    fn an_unusable_job_keeps_its_id() {
        for (path, problem) in [
            ("/params", "params: expected an object"),
            ("/params/source", "params.source: expected an object"),
            ("/params/source/id", "params.source.id: expected a string"),
            (
                "/params/source/bridge",
                "params.source.bridge: expected a string",
            ),
            (
                "/params/source/config",
                "params.source.config: expected an object",
            ),
            ("/params/job", "params.job: expected an object"),
            ("/params/job/kind", "params.job.kind: expected a string"),
            ("/params/job/target", "params.job.target: expected a string"),
        ] {
            let broken = job_with(|frame| *frame.pointer_mut(path).unwrap() = json!(7));
            let Err(FrameError::Job { id, error }) = broken else {
                panic!("{path}: {broken:?}")
            };
            assert_eq!((id.as_str(), error.message.as_str()), ("j1", problem));
        }
        let no_id = job_with(|frame| frame["id"] = json!(7));
        assert!(matches!(
            no_id,
            Err(FrameError::Incomplete { field: "id", .. })
        ));
        let long = job_with(|frame| frame["id"] = json!("x".repeat(limits::MAX_ID_BYTES + 1)));
        assert_eq!(long, Err(FrameError::LongId));
        let deep = "[".repeat(limits::MAX_NESTING + 1);
        let long = "x".repeat(limits::MAX_ID_BYTES + 1);
        let text = format!(r#"{{"type":"job","id":"{long}","params":{deep}"#);
        assert!(!matches!(
            ServerFrame::parse(&text),
            Err(FrameError::Job { .. })
        ));
    }

    #[test]
    fn names_and_configurations_have_an_end() {
        let long = "x".repeat(limits::MAX_NAME_BYTES + 1);
        for path in [
            "/params/source/id",
            "/params/source/name",
            "/params/source/bridge",
            "/params/job/target",
        ] {
            let refused = job_with(|frame| *frame.pointer_mut(path).unwrap() = json!(long));
            let Err(FrameError::Job { error, .. }) = refused else {
                panic!("{path}: {refused:?}")
            };
            assert!(error.message.contains("longer than"), "{error}");
        }
        let large = "x".repeat(limits::MAX_CONFIG_BYTES);
        let refused = job_with(|frame| frame["params"]["source"]["config"]["url"] = json!(large));
        assert!(matches!(refused, Err(FrameError::Job { .. })));
    }

    #[test]
    fn a_job_that_is_too_deep_keeps_its_id() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let text = format!(r#"{{"params":{deep},"type":"job","id":"j9"}}"#);
        let Err(FrameError::Job { id, .. }) = ServerFrame::parse(&text) else {
            panic!("not refused")
        };
        assert_eq!(id, "j9");
        for text in [format!(r#"{{"type":"job","id":{deep}}}"#), deep] {
            assert_eq!(
                ServerFrame::parse(&text),
                Err(FrameError::TooMuch(TooMuch::Nesting))
            );
        }
    }

    #[test]
    fn a_job_that_only_javascript_reads_keeps_its_id() {
        for value in ["1e999", r#""\ud800""#] {
            let text = format!(r#"{{"id":"j1","type":"job","params":{value}}}"#);
            assert!(matches!(
                ServerFrame::parse(&text),
                Err(FrameError::Job { .. })
            ));
        }
    }

    #[test]
    fn where_credentials_live_is_guessed_only_when_unsaid() {
        let source = |location: Value, config: Value| {
            job_with(|frame| {
                frame["params"]["source"]["credentialsLocation"] = location;
                frame["params"]["source"]["config"] = config;
            })
            .unwrap()
            .source
        };
        let local = source(json!("runner-local"), json!({"url": "x"}));
        assert_eq!(local.credentials, CredentialsLocation::RunnerLocal);
        assert!(local.config.is_empty());
        let managed = source(json!("vault"), json!({"url": "x"}));
        assert_eq!(managed.credentials, CredentialsLocation::Managed);
        assert_eq!(managed.config.len(), 1);
        assert_eq!(
            source(json!("vault"), Value::Null).credentials,
            CredentialsLocation::RunnerLocal
        );
        let empty = source(json!("managed"), Value::Null);
        assert_eq!(empty.credentials, CredentialsLocation::Managed);
        assert!(empty.config.is_empty());
    }

    #[test]
    fn unusable_assignments_are_left_out() {
        let good = a_job()["params"]["source"].clone();
        let frame = parse(json!({"type": "hello-ack", "serverVersion": 1,
            "assignedSources": [7, good, {"id": "x"}]}));
        let Ok(ServerFrame::HelloAck {
            server_version,
            sources,
        }) = frame
        else {
            panic!("{frame:?}")
        };
        assert_eq!((server_version, sources.len()), (Some(1), 1));
        assert!(parse(json!({"type": "hello-ack"})).is_ok());
        assert!(parse(json!({"type": "assignments-changed"})).is_err());
    }

    #[test]
    fn an_error_is_told_in_the_gateways_words() {
        for (frame, text) in [
            (
                json!({"type": "error", "code": "NO_TOKEN", "message": "who?"}),
                "NO_TOKEN: who?",
            ),
            (json!({"type": "error", "code": 4401}), "4401"),
            (
                json!({"type": "error", "error": {"message": "m", "code": "C"}}),
                "C: m",
            ),
            (json!({"type": "error"}), ""),
        ] {
            let text = text.to_owned();
            assert_eq!(parse(frame), Ok(ServerFrame::Error { text }));
        }
    }

    #[test]
    fn other_frames_are_named_without_their_content() {
        let kind = parse(json!({"type": "shutdown", "secret": "s3cret"})).unwrap_err();
        assert_eq!(
            kind.to_string(),
            "unknown type \"shutdown\" (its keys: secret)"
        );
        let kind = parse(json!({"event": "hello", "data": "s3cret"})).unwrap_err();
        assert_eq!(
            kind.to_string(),
            "no object with a `type` (its keys: event, data)"
        );
        for text in ["", "{", "nil", "[]", "7", r#"{"type":7}"#, r#"{"id":"j1"}"#] {
            assert!(ServerFrame::parse(text).is_err(), "{text}");
        }
        let cut = ServerFrame::parse(r#"{"type":"job","password":"s3cret"#).unwrap_err();
        assert!(!cut.to_string().contains("s3cret"));
        assert_eq!(parse(json!({"type": "ping"})), Ok(ServerFrame::Ping));
    }
}
