//! The frames of a session that we send. Rows and `done` are written where the rows are.

use crate::error::JobError;
use crate::json::{write_string, write_u64};
use crate::limits;

/// The first frame of a session.
pub fn hello(runner_id: &str, capabilities: &[&str], version_label: &str) -> String {
    let mut text = String::from("{\"type\":\"hello\",\"version\":");
    write_u64(&mut text, limits::PROTOCOL_VERSION.into());
    text.push_str(",\"runnerId\":");
    write_string(&mut text, runner_id);
    text.push_str(",\"capabilities\":[");
    for (n, bridge) in capabilities.iter().enumerate() {
        if n > 0 {
            text.push(',');
        }
        write_string(&mut text, bridge);
    }
    text.push_str("],\"runtimeVersion\":");
    write_string(&mut text, version_label);
    text.push('}');
    text
}

/// A sign of life. `memory_mb` is left out where the system does not tell it.
pub fn heartbeat(active_jobs: usize, memory_mb: Option<u64>) -> String {
    let mut text = String::from("{\"type\":\"heartbeat\",\"stats\":{\"activeJobs\":");
    write_u64(&mut text, active_jobs as u64);
    if let Some(memory_mb) = memory_mb {
        text.push_str(",\"memoryMb\":");
        write_u64(&mut text, memory_mb);
    }
    text.push_str("}}");
    text
}

/// The failed end of a job. An endless message is cut: databases quote whole statements in theirs.
pub fn error(id: &str, error: &JobError) -> String {
    let mut text = String::from("{\"id\":");
    write_string(&mut text, id);
    text.push_str(",\"type\":\"error\",\"code\":");
    write_string(&mut text, error.code.as_str());
    text.push_str(",\"message\":");
    let mut cut = error.message.len().min(limits::ERROR_MESSAGE_BYTES);
    while !error.message.is_char_boundary(cut) {
        cut -= 1;
    }
    match error.message.get(..cut) {
        Some(start) if cut < error.message.len() => {
            write_string(&mut text, &format!("{start} …"));
        }
        _ => write_string(&mut text, &error.message),
    }
    text.push('}');
    text
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
    fn an_endless_message_is_cut_between_characters() {
        let long = JobError::new(ErrorCode::QueryFailed, "é".repeat(5000));
        let frame = parsed(&error("j", &long));
        let message = frame["message"].as_str().unwrap();
        assert_eq!(message.chars().filter(|c| *c == 'é').count(), 4096);
        assert!(message.ends_with('…'));
    }
}
