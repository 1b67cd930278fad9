//! The last frame of a job that went well. (`protocol::client_frame::error` is the other one.)

use std::time::Duration;

use crate::job::Summary;
use crate::json::{Object, object};

/// The `done` frame of a job that sent `rows` rows.
pub(super) fn done_frame(id: &str, rows: u64, took: Duration, summary: &Summary) -> String {
    object(|frame| {
        frame.string("id", id).string("type", "done");
        // Where a gateway looks for these two is not public; whoever looks elsewhere ignores them.
        page(frame, summary);
        frame.object("meta", |meta| {
            let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            meta.number("count", rows).number("durationMs", ms);
            page(meta, summary);
            if let Some(server) = &summary.server {
                meta.string("serverVersion", &server.version)
                    .truth("tls", server.tls)
                    .truth("readOnly", server.read_only)
                    .string("readOnlyBy", server.kept_by.as_str());
            }
        });
    })
}

fn page(object: &mut Object<'_>, summary: &Summary) {
    if let Some(total) = summary.total {
        object.number("total", total);
    }
    if let Some(cursor) = &summary.next_cursor {
        object.string("nextCursor", cursor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{KeptBy, ServerFacts};
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
            parsed(&done_frame("j", 2, took, &page)),
            json!({"id": "j", "type": "done", "total": 9, "nextCursor": "k\"1",
                "meta": {"count": 2, "durationMs": 7, "total": 9, "nextCursor": "k\"1"}})
        );
        let test = Summary {
            server: Some(ServerFacts {
                version: "PostgreSQL 15".into(),
                tls: true,
                read_only: false,
                kept_by: KeptBy::Role,
            }),
            ..Summary::default()
        };
        assert_eq!(
            parsed(&done_frame("j", 0, took, &test))["meta"],
            json!({"count": 0, "durationMs": 7, "serverVersion": "PostgreSQL 15", "tls": true, "readOnly": false, "readOnlyBy": "role"})
        );
    }
}
