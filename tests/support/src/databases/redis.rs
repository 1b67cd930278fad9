//! A Redis with the conformance fixture, and a client for it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use data_encoding::BASE64;
use serde_json::Value;
use url::Url;

use super::{address, server};
use crate::project;

/// A Redis with the conformance fixture. One that is empty is filled first.
pub fn redis() -> Option<String> {
    static FILLED: OnceLock<()> = OnceLock::new();
    let url = server("TEST_REDIS_URL")?;
    FILLED.get_or_init(|| {
        let mut client = RedisClient::connect(&url);
        if client.ask(&["DBSIZE"]) == RedisReply::Int(0) {
            client.fill();
        }
    });
    Some(url)
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisReply {
    /// Nothing.
    Nil,
    /// A word.
    Status(String),
    /// A refusal.
    Error(String),
    /// A number.
    Int(i64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<RedisReply>),
}

/// One connection as the server's default user.
pub struct RedisClient {
    stream: BufReader<TcpStream>,
}

impl RedisClient {
    /// Connects to the server behind a URL, and to the database that its path names.
    pub fn connect(url: &str) -> Self {
        let stream = TcpStream::connect(address(url)).expect("a Redis server");
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("a time limit");
        let mut client = Self {
            stream: BufReader::new(stream),
        };
        let path = Url::parse(url).expect("a Redis URL").path().to_owned();
        let number = path.trim_start_matches('/');
        if !number.is_empty() {
            let selected = client.ask(&["SELECT", number]);
            assert_eq!(selected, RedisReply::Status("OK".into()), "{url}");
        }
        client
    }

    /// Runs a command.
    pub fn ask<T: AsRef<[u8]>>(&mut self, command: &[T]) -> RedisReply {
        self.send(command);
        self.reply()
    }

    /// Sends a command whose reply is read later.
    pub fn send<T: AsRef<[u8]>>(&mut self, command: &[T]) {
        let mut text = format!("*{}\r\n", command.len()).into_bytes();
        for part in command {
            let part = part.as_ref();
            text.extend(format!("${}\r\n", part.len()).into_bytes());
            text.extend(part);
            text.extend(b"\r\n");
        }
        self.stream
            .get_mut()
            .write_all(&text)
            .expect("a server that reads");
    }

    /// Reads the reply to the next command.
    pub fn reply(&mut self) -> RedisReply {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a reply");
        let (kind, rest) = line.trim_end_matches("\r\n").split_at(1);
        let number = || rest.parse::<i64>().expect("a number");
        match kind {
            "+" => RedisReply::Status(rest.to_owned()),
            "-" => RedisReply::Error(rest.to_owned()),
            ":" => RedisReply::Int(number()),
            "$" => match usize::try_from(number()) {
                Err(_) => RedisReply::Nil,
                Ok(length) => {
                    let mut bytes = vec![0; length + 2];
                    self.stream.read_exact(&mut bytes).expect("bytes");
                    bytes.truncate(length);
                    RedisReply::Bytes(bytes)
                }
            },
            "*" => match number() {
                -1 => RedisReply::Nil,
                count => RedisReply::List((0..count).map(|_| self.reply()).collect()),
            },
            other => panic!("{other}{rest}"),
        }
    }

    /// Runs the commands of the fixture: one a line, its parts texts or Base64.
    fn fill(&mut self) {
        let file = project("tests/conformance/fixtures/redis.jsonl");
        let text = fs::read_to_string(file).expect("the fixture");
        for line in text.lines() {
            let parts: Vec<Value> = serde_json::from_str(line).expect("a command");
            let parts: Vec<_> = parts
                .iter()
                .map(|part| match part {
                    Value::String(text) => text.clone().into_bytes(),
                    part => {
                        let code = part["base64"].as_str().expect("Base64");
                        BASE64.decode(code.as_bytes()).expect("Base64")
                    }
                })
                .collect();
            if let RedisReply::Error(error) = self.ask(&parts) {
                panic!("{line}: {error}");
            }
        }
    }
}

/// Keys of one process in a database of the server that no fixture is in, dropped afterwards.
pub struct RedisKeys {
    /// URL of that database.
    pub url: String,
    prefix: String,
}

impl RedisKeys {
    /// None so far. A name that no other process uses stands before every target.
    pub fn on(server: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self {
            url: format!("{server}/9"),
            prefix: format!("t{}_{number}_", process::id()),
        }
    }

    /// The target of a job.
    pub fn target(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Gives a target a key for each of these: what follows the colon, and the value.
    pub fn fill(&self, name: &str, entries: impl Iterator<Item = (String, String)>) {
        /// Keys of one command.
        const BATCH: usize = 1000;
        let target = self.target(name);
        let mut client = RedisClient::connect(&self.url);
        let mut command = vec!["MSET".to_owned()];
        let mut send = |command: &mut Vec<String>| {
            let reply = client.ask(command);
            assert_eq!(reply, RedisReply::Status("OK".into()));
            command.truncate(1);
        };
        for (key, value) in entries {
            command.push(format!("{target}:{key}"));
            command.push(value);
            if command.len() > 2 * BATCH {
                send(&mut command);
            }
        }
        if command.len() > 1 {
            send(&mut command);
        }
    }

    /// Ends every connection to the database, as an administrator does.
    pub fn kill_everybody(&self) {
        let mut client = RedisClient::connect(&self.url);
        let RedisReply::Bytes(list) = client.ask(&["CLIENT", "LIST"]) else {
            panic!("no list of clients");
        };
        for line in String::from_utf8_lossy(&list).lines() {
            let mut words = line.split(' ');
            let number = words.next().and_then(|word| word.strip_prefix("id="));
            if let Some(number) = number
                && words.any(|word| word == "db=9")
            {
                client.ask(&["CLIENT", "KILL", "ID", number, "SKIPME", "yes"]);
            }
        }
    }
}

impl Drop for RedisKeys {
    fn drop(&mut self) {
        let mut client = RedisClient::connect(&self.url);
        let pattern = format!("{}*", self.prefix);
        let mut cursor = b"0".to_vec();
        loop {
            let scan: [&[u8]; 6] = [
                b"SCAN",
                &cursor,
                b"MATCH",
                pattern.as_bytes(),
                b"COUNT",
                b"5000",
            ];
            let RedisReply::List(mut step) = client.ask(&scan) else {
                return;
            };
            let (Some(RedisReply::List(keys)), Some(RedisReply::Bytes(next))) =
                (step.pop(), step.pop())
            else {
                return;
            };
            let mut command = vec![b"UNLINK".to_vec()];
            command.extend(keys.into_iter().filter_map(|key| match key {
                RedisReply::Bytes(key) => Some(key),
                _ => None,
            }));
            if command.len() > 1 {
                client.ask(&command);
            }
            if next == b"0" {
                return;
            }
            cursor = next;
        }
    }
}
