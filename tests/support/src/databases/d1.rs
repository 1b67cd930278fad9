//! Tables and views of one test on a server of D1.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::{Database, address};
use crate::source;

/// Tables and views whose names hold the process id, so that tests that run twice at once do not meet. They are
/// dropped afterwards.
pub struct D1Database {
    /// URL of the API.
    pub url: String,
    prefix: String,
}

impl D1Database {
    /// Runs statements. `None`, and why, where there is no server.
    pub fn create(sql: &str) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let database = Self {
            url: super::d1()?,
            prefix: format!("t{}_{number}_", std::process::id()),
        };
        database.run(sql);
        Some(database)
    }

    /// A configuration of the database with the API at `address`.
    pub fn config(address: &str) -> Value {
        json!({
            "accountId": "acct", "databaseId": "db", "apiToken": "token",
            "baseUrl": format!("http://{address}/client/v4"),
        })
    }

    /// Runs statements in which `{}` stands for the prefix of every name.
    pub fn run(&self, sql: &str) {
        let sql = sql.replace("{}", &self.prefix);
        let answer = self.ask(&sql);
        assert_eq!(answer["success"], true, "{sql}: {answer}");
    }

    fn ask(&self, sql: &str) -> Value {
        let body = json!({ "sql": sql }).to_string();
        let mut tcp = TcpStream::connect(address(&self.url)).expect("a server of D1");
        write!(
            tcp,
            "POST /client/v4/accounts/acct/d1/database/db/query HTTP/1.0\r\nHost: h\r\nAuthorization: Bearer token\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("a request is sent");
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).expect("an answer");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        serde_json::from_str(body).expect("JSON")
    }
}

impl Database for D1Database {
    fn source(&self) -> Value {
        source::managed("s", "d1", Self::config(&address(&self.url).to_string()))
    }

    fn target(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl Drop for D1Database {
    fn drop(&mut self) {
        let sql = format!(
            "SELECT type, name FROM sqlite_schema WHERE name LIKE '{}%' AND type IN ('table', 'view')",
            self.prefix
        );
        let found = self.ask(&sql);
        let rows = found["result"][0]["results"].as_array();
        for row in rows.into_iter().flatten() {
            let text = |name: &str| row[name].as_str().unwrap_or_default();
            self.ask(&format!("DROP {} \"{}\"", text("type"), text("name")));
        }
    }
}
