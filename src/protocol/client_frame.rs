//! The frames of a session that we send. Rows and `done` are written where the rows are.

use crate::error::JobError;
use crate::json::{object, write_string};
use crate::limits;
use crate::text::{clipped, printable_lines};

/// The first frame of a session.
pub fn hello(runner_id: &str, capabilities: &[&str], version_label: &str) -> String {
    object(|frame| {
        frame
            .string("type", "hello")
            .number("version", limits::PROTOCOL_VERSION.into())
            .string("runnerId", runner_id)
            .list("capabilities", capabilities, |out, name| {
                write_string(out, name)
            })
            .string("runtimeVersion", version_label);
    })
}

/// A sign of life. `memory_mb` is left out where the system does not tell it.
pub fn heartbeat(active_jobs: usize, memory_mb: Option<u64>) -> String {
    object(|frame| {
        frame.string("type", "heartbeat").object("stats", |stats| {
            stats.number("activeJobs", active_jobs as u64);
            if let Some(memory_mb) = memory_mb {
                stats.number("memoryMb", memory_mb);
            }
        });
    })
}

/// The failed end of a job. An endless message is cut: databases quote whole statements in theirs. It is shown to
/// people, so nothing is in it that a terminal acts on.
pub fn error(id: &str, error: &JobError) -> String {
    let start = clipped(&error.message, limits::ERROR_MESSAGE_BYTES);
    let mut message = printable_lines(start.chars());
    if start.len() < error.message.len() {
        message.push_str(" …");
    }
    object(|frame| {
        frame
            .string("id", id)
            .string("type", "error")
            .string("code", error.code.as_str())
            .string("message", &message);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn frames_have_the_published_shape() {
        assert_eq!(
            parsed(&hello("a\"b", &["x", "y"], "0.1.0")),
            json!({"type": "hello", "version": 1, "runnerId": "a\"b", "capabilities": ["x", "y"],
                   "runtimeVersion": "0.1.0"})
        );
        assert_eq!(
            parsed(&heartbeat(3, Some(7))),
            json!({"type": "heartbeat", "stats": {"activeJobs": 3, "memoryMb": 7}})
        );
        assert_eq!(
            parsed(&heartbeat(0, None)),
            json!({"type": "heartbeat", "stats": {"activeJobs": 0}})
        );
        assert_eq!(
            parsed(&error(
                "j1",
                &JobError::new(ErrorCode::Cancelled, "a \"b\"\n")
            )),
            json!({"id": "j1", "type": "error", "code": "CANCELLED", "message": "a \"b\"\n"})
        );
    }

    #[test]
    fn nothing_in_a_message_moves_a_cursor() {
        let nasty = JobError::query_failed("a\u{1b}[31mb\u{202e}c\n\td");
        assert_eq!(
            parsed(&error("j", &nasty))["message"],
            "a\u{fffd}[31mb\u{fffd}c\n\td"
        );
    }

    #[test]
    fn an_endless_message_is_cut_between_characters() {
        let long = JobError::query_failed("é".repeat(5000));
        let frame = parsed(&error("j", &long));
        let message = frame["message"].as_str().unwrap();
        assert_eq!(message.chars().filter(|c| *c == 'é').count(), 4096);
        assert!(message.ends_with('…'));
    }
}
