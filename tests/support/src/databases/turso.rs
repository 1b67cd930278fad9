//! Tables and views of one test on a server of Turso.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::{Database, address};
use crate::source;

/// Tables and views whose names hold the process id, so that tests that run twice at once do not meet. They are
/// dropped afterwards.
pub struct TursoDatabase {
    /// URL of the server.
    pub url: String,
    prefix: String,
}

impl TursoDatabase {
    /// Runs statements. `None`, and why, where there is no server.
    pub fn create(sql: &str) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let database = Self {
            url: super::turso()?,
            prefix: format!("t{}_{number}_", std::process::id()),
        };
        database.run(sql);
        Some(database)
    }

    /// Runs statements in which `{}` stands for the prefix of every name.
    pub fn run(&self, sql: &str) {
        let sql = sql.replace("{}", &self.prefix);
        let answer = self.ask(&json!({ "type": "sequence", "sql": sql }));
        assert_eq!(answer["type"], "ok", "{sql}: {answer}");
    }

    /// The answer to one request of a pipeline.
    fn ask(&self, request: &Value) -> Value {
        let body = json!({ "requests": [request, { "type": "close" }] }).to_string();
        let mut tcp = TcpStream::connect(address(&self.url)).expect("a server of Turso");
        write!(
            tcp,
            "POST /v3/pipeline HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("a request is sent");
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).expect("an answer");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let answer: Value = serde_json::from_str(body).expect("JSON");
        answer["results"][0].clone()
    }
}

impl Database for TursoDatabase {
    fn source(&self) -> Value {
        source::managed("s", "turso", json!({ "url": self.url }))
    }

    fn target(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl Drop for TursoDatabase {
    fn drop(&mut self) {
        let sql = format!(
            "SELECT type, name FROM sqlite_schema WHERE name LIKE '{}%' AND type IN ('table', 'view')",
            self.prefix
        );
        let found = self.ask(&json!({ "type": "execute", "stmt": { "sql": sql } }));
        let rows = found["response"]["result"]["rows"].as_array();
        for row in rows.into_iter().flatten() {
            let text = |place: usize| row[place]["value"].as_str().unwrap_or_default();
            let sql = format!("DROP {} \"{}\"", text(0), text(1));
            self.ask(&json!({ "type": "sequence", "sql": sql }));
        }
    }
}
