//! A Redis with the conformance fixture, and a client for it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::time::Duration;

use data_encoding::BASE64;
use serde_json::Value;

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
    /// Connects to the server behind a URL.
    pub fn connect(url: &str) -> Self {
        let stream = TcpStream::connect(address(&url.replacen("redis:", "http:", 1)));
        let stream = stream.expect("a Redis server");
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("a time limit");
        Self {
            stream: BufReader::new(stream),
        }
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
