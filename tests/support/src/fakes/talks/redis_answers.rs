//! Redis, in place of the answers to commands: they read well, and there is no end to what they say.

use std::io::{BufReader, Write};
use std::sync::Arc;

use serde_json::json;

use super::Villain;
use super::redis::{command, greet};
use crate::fakes::Server;

/// What a command of this name is answered with.
type Answer = fn(&str) -> Vec<u8>;

const ANSWERS: [(&str, Answer); 6] = [
    ("words of kilobytes", |name| match name {
        "SCAN" => scan(&list(600, &line("+", 60_000))),
        _ => list(600, &line("+", 60_000)),
    }),
    ("errors of kilobytes in lists", |_| {
        list(600, &line("-", 60_000))
    }),
    ("scans of eight megabytes", |name| match name {
        "SCAN" => scan(&list(200_000, b"$3\r\nt:1\r\n")),
        _ => list(1000, b"$-1\r\n"),
    }),
    ("values of thirty megabytes", |name| match name {
        "SCAN" => scan(b"*1\r\n$3\r\nt:1\r\n"),
        _ => [b"*1\r\n", text(30 << 20).as_slice()].concat(),
    }),
    ("values of eight megabytes together", |name| match name {
        "SCAN" => scan(&keys()),
        _ => list(60, &text(120 << 10)),
    }),
    ("hashes of a million fields", |name| match name {
        "SCAN" => scan(b"*1\r\n$3\r\nt:1\r\n"),
        "MGET" => b"*1\r\n$-1\r\n".to_vec(),
        "TYPE" => b"+hash\r\n".to_vec(),
        "HLEN" => b":1000\r\n".to_vec(),
        _ => list(500_000, b"$1\r\na\r\n"),
    }),
];

fn line(kind: &str, bytes: usize) -> Vec<u8> {
    format!("{kind}{}\r\n", "x".repeat(bytes)).into_bytes()
}

fn text(bytes: usize) -> Vec<u8> {
    format!("${bytes}\r\n{}\r\n", "x".repeat(bytes)).into_bytes()
}

/// The same member so often.
fn list(count: usize, member: &[u8]) -> Vec<u8> {
    [format!("*{count}\r\n").as_bytes(), &member.repeat(count)].concat()
}

/// The keys `t:100` and so on.
fn keys() -> Vec<u8> {
    let keys = (100..164).map(|n| format!("$5\r\nt:{n}\r\n"));
    format!("*64\r\n{}", keys.collect::<String>()).into_bytes()
}

/// The only step of a scan.
fn scan(keys: &[u8]) -> Vec<u8> {
    [b"*2\r\n$1\r\n0\r\n", keys].concat()
}

pub(super) fn villains() -> Vec<Villain> {
    let each = ANSWERS.iter().map(|(name, answer)| {
        let server = Server::start(Arc::new(move |mut client| {
            let mut input = BufReader::new(client.try_clone()?);
            loop {
                let asked = command(&mut input)?;
                match greet(&asked) {
                    Some(answer) => client.write_all(answer)?,
                    None => client.write_all(&answer(&String::from_utf8_lossy(&asked)))?,
                }
            }
        }));
        let url = format!("redis://{}", server.address);
        Villain::of("redis", "at every command", name, json!({ "url": url }))
    });
    each.collect()
}
