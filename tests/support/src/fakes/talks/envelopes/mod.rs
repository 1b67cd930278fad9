//! Services of HTTP whose answers have the right form and absurd contents: ClickHouse, Upstash, Turso and D1.

mod clickhouse;
mod lite;
mod upstash;

use std::io::{self, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;

use serde_json::Value;

use super::Villain;
use crate::fakes::Server;
use crate::fakes::http::read_message;

/// Bytes of what is as long as a row may be.
const LONG: usize = 31 << 20;
/// Bytes of what is as long as an answer may be that is held as one text.
const HELD: usize = 10 << 20;
/// Bytes of what is so short that no job waits its turn for it.
const SHORT: usize = 500 << 10;

/// The body of an answer: bytes, and how often they come.
type Body = Vec<(Vec<u8>, usize)>;

/// What a service says to a request with this path and this body.
type Says = Arc<dyn Fn(&str, &str) -> Body + Send + Sync>;

pub(super) fn villains() -> Vec<Villain> {
    [
        lite::villains(),
        clickhouse::villains(),
        upstash::villains(),
    ]
    .concat()
}

/// A service that says so. Its configuration is what `config` makes of its URL.
fn villain(bridge: &'static str, name: &str, says: Says, config: fn(String) -> Value) -> Villain {
    let server = Server::start(Arc::new(move |client| serve(&client, &says)));
    let url = format!("http://{}", server.address);
    Villain::of(bridge, "in the right form", name, config(url))
}

/// Answers one request after the other.
fn serve(mut client: &TcpStream, says: &Says) -> io::Result<()> {
    let mut reader = BufReader::new(client);
    loop {
        let message = read_message(&mut reader)?;
        let parts = says(&message.path, &String::from_utf8_lossy(&message.body));
        let length: usize = parts.iter().map(|(bytes, times)| bytes.len() * times).sum();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        client.write_all(head.as_bytes())?;
        for (bytes, times) in parts {
            let many = (64 << 10) / bytes.len().max(1) + 1;
            let block = bytes.repeat(many.min(times));
            for _ in 0..times / many {
                client.write_all(&block)?;
            }
            client.write_all(&block[..times % many * bytes.len()])?;
        }
    }
}

/// These bytes.
fn text(bytes: impl Into<Vec<u8>>) -> Body {
    vec![(bytes.into(), 1)]
}

/// These bytes as often as it takes to be so long.
fn filled(bytes: impl Into<Vec<u8>>, length: usize) -> Body {
    let bytes = bytes.into();
    let times = length / bytes.len();
    vec![(bytes, times)]
}

/// One after the other.
fn joined(parts: impl IntoIterator<Item = Body>) -> Body {
    parts.into_iter().flatten().collect()
}

/// A list or an object of one part after the other, of so many bytes.
fn list_of(part: &str, length: usize, (open, close): (&str, &str)) -> Body {
    let inner = filled(format!("{part},"), length);
    joined([text(open), inner, text(format!("{part}{close}"))])
}

/// The texts that `each` makes of numbers, separated by commas, of so many bytes.
fn numbered(length: usize, each: impl Fn(usize) -> String) -> String {
    let mut all = each(0);
    for number in 1.. {
        if all.len() >= length {
            break;
        }
        all.push(',');
        all.push_str(&each(number));
    }
    all
}
