//! The last frame of a job that went well. (`protocol::client_frame::error` is the other one.)

use std::time::Duration;

use crate::job::Summary;
use crate::json::{write_string, write_u64};

/// The `done` frame of a job that sent `rows` rows.
pub(super) fn done_frame(id: &str, rows: u64, took: Duration, summary: &Summary) -> String {
    let mut text = String::with_capacity(128);
    text.push_str("{\"id\":");
    write_string(&mut text, id);
    text.push_str(",\"type\":\"done\",\"meta\":{\"count\":");
    write_u64(&mut text, rows);
    text.push_str(",\"durationMs\":");
    write_u64(
        &mut text,
        u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    );
    if let Some(total) = summary.total {
        text.push_str(",\"total\":");
        write_u64(&mut text, total);
    }
    if let Some(cursor) = &summary.next_cursor {
        text.push_str(",\"nextCursor\":");
        write_string(&mut text, cursor);
    }
    if let Some(server) = &summary.server {
        text.push_str(",\"serverVersion\":");
        write_string(&mut text, &server.version);
        text.push_str(if server.tls {
            ",\"tls\":true"
        } else {
            ",\"tls\":false"
        });
        text.push_str(if server.read_only {
            ",\"readOnly\":true"
        } else {
            ",\"readOnly\":false"
        });
    }
    text.push_str("}}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::ServerFacts;
    use serde_json::{Value, json};

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn done_says_what_the_job_knows() {
        let took = Duration::from_millis(7);
        assert_eq!(
            parsed(&done_frame("a\"b", 2, took, &Summary::default())),
            json!({"id": "a\"b", "type": "done", "meta": {"count": 2, "durationMs": 7}})
        );
        let page = Summary {
            total: Some(9),
            next_cursor: Some("k\"1".into()),
            ..Summary::default()
        };
        assert_eq!(
            parsed(&done_frame("j", 2, took, &page))["meta"],
            json!({"count": 2, "durationMs": 7, "total": 9, "nextCursor": "k\"1"})
        );
        let test = Summary {
            server: Some(ServerFacts {
                version: "PostgreSQL 15".into(),
                tls: true,
                read_only: false,
            }),
            ..Summary::default()
        };
        assert_eq!(
            parsed(&done_frame("j", 0, took, &test))["meta"],
            json!({"count": 0, "durationMs": 7, "serverVersion": "PostgreSQL 15", "tls": true, "readOnly": false})
        );
    }
}
