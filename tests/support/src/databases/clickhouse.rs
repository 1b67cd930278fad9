//! Tables and views of one test on a ClickHouse.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use serde_json::{Value, json};
use url::Url;

use super::{Database, ServerDatabase};
use crate::source;

/// Tables and views whose names hold the process id, so that tests that run twice at once do not meet. They are
/// dropped afterwards.
pub struct ClickhouseDatabase {
    /// URL of the database they are in.
    pub url: String,
    prefix: String,
}

impl ClickhouseDatabase {
    /// Makes `one`, `sleeper` and `nap`. The sleepers are asleep before their first row.
    pub const USUAL: &str =
        "CREATE TABLE {}one (id UInt8) ENGINE = TinyLog; INSERT INTO {}one VALUES (1);
         CREATE VIEW {}sleeper AS SELECT sum(s) AS id FROM
           (SELECT sleep(0.1) AS s FROM (SELECT number FROM system.numbers LIMIT 40000000));
         CREATE VIEW {}nap AS SELECT sleep(2) AS id";

    /// Runs statements on the current engine. `None`, and why, where there is no server.
    pub fn current(sql: &str) -> Option<Self> {
        Some(Self::on(&super::clickhouse()?, sql))
    }

    /// The same on the real server of 2018.
    pub fn old(sql: &str) -> Option<Self> {
        Some(Self::on(&super::clickhouse_old()?, sql))
    }

    /// The same on the server at this URL.
    pub fn on(url: &str, sql: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let database = Self {
            url: url.to_owned(),
            prefix: format!("t{}_{number}_", std::process::id()),
        };
        database.run(sql);
        database
    }

    /// A view or table as a job's target.
    pub fn target(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Runs statements, separated by `;`, in which `{}` stands for the prefix of every name.
    pub fn run(&self, sql: &str) {
        for statement in sql.split(';').filter(|text| !text.trim().is_empty()) {
            let statement = statement.replace("{}", &self.prefix);
            if let Err(error) = self.ask(&statement) {
                panic!("{statement}: {error}");
            }
        }
    }

    /// Runs one statement; what comes back is text with tabs.
    pub fn ask(&self, statement: &str) -> Result<String, String> {
        let url = Url::parse(&self.url).expect("a ClickHouse URL");
        let address = url.socket_addrs(|| None).expect("an address");
        let mut tcp = TcpStream::connect(&*address).expect("a ClickHouse");
        let user = format!("{}:{}", url.username(), url.password().unwrap_or_default());
        let database = url.path().trim_start_matches('/');
        write!(
            tcp,
            "POST /?database={database} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: Basic {}\r\n\
             Content-Length: {}\r\n\r\n{statement}",
            BASE64.encode(user.as_bytes()),
            statement.len()
        )
        .expect("a statement is sent");
        let mut answer = BufReader::new(tcp);
        let mut line = String::new();
        answer.read_line(&mut line).expect("a status");
        let good = line.contains(" 200 ");
        let mut chunked = false;
        while line.trim() != "" {
            line.clear();
            answer.read_line(&mut line).expect("a header");
            chunked |= line
                .to_lowercase()
                .starts_with("transfer-encoding: chunked");
        }
        let mut body = Vec::new();
        while chunked {
            line.clear();
            answer.read_line(&mut line).expect("a chunk");
            let size = usize::from_str_radix(line.trim(), 16).expect("its length");
            let mut chunk = vec![0; size + 2];
            answer.read_exact(&mut chunk).expect("a whole chunk");
            body.extend_from_slice(&chunk[..size]);
            chunked = size > 0;
        }
        answer.read_to_end(&mut body).expect("a body");
        let text = String::from_utf8_lossy(&body).into_owned();
        if good { Ok(text) } else { Err(text) }
    }
}

impl Database for ClickhouseDatabase {
    fn source(&self) -> Value {
        source::managed("s", "clickhouse", json!({ "url": self.url }))
    }

    fn target(&self, name: &str) -> String {
        self.target(name)
    }
}

impl ServerDatabase for ClickhouseDatabase {
    fn wait_active(&self, count: usize, limit: Duration) -> Duration {
        let sql = format!(
            "SELECT count() FROM system.processes WHERE query LIKE '%{}%' AND query NOT LIKE '%system.processes%'",
            self.prefix
        );
        let start = Instant::now();
        loop {
            let active = self.ask(&sql).expect("the processes");
            if active.trim() == count.to_string() {
                return start.elapsed();
            }
            assert!(
                start.elapsed() < limit,
                "not {count} running after {limit:?} but {active}"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for ClickhouseDatabase {
    fn drop(&mut self) {
        let sql = format!(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE '{}%'",
            self.prefix
        );
        for name in self.ask(&sql).unwrap_or_default().lines() {
            let _ = self.ask(&format!("DROP TABLE `{name}`"));
        }
    }
}
