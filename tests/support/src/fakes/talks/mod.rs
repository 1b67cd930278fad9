//! Every way in which a hostile database talks: it falls silent, floods, says that something huge follows, sends rows
//! that cannot be read, garbage, one byte at a time, or hangs up in the middle.

mod envelopes;
mod http;
mod mongodb;
mod mysql;
mod mysql_answers;
mod postgres;
mod postgres_answers;
mod redis;
mod redis_answers;

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::Server;
use crate::source;

pub use mongodb::CURSORS as MONGODB_CURSORS;
pub use mysql::FLOODS as MYSQL_FLOODS;
pub use postgres::FLOODS as POSTGRES_FLOODS;

/// What a server says to a client, until that is gone.
pub type Talk = fn(&TcpStream) -> io::Result<()>;

/// A running server and how it misbehaves.
#[derive(Clone)]
pub struct Villain {
    /// For people.
    pub name: String,
    bridge: &'static str,
    config: Value,
}

impl Villain {
    /// It as a managed source that may have so many connections.
    pub fn source(&self, id: &str, connections: usize) -> Value {
        let mut config = self.config.clone();
        config["pool"] = json!({ "max": connections });
        source::managed(id, self.bridge, config)
    }

    fn of(bridge: &'static str, moment: &str, name: &str, config: Value) -> Self {
        Self {
            name: format!("{bridge}, {moment}: {name}"),
            bridge,
            config,
        }
    }
}

/// A server for every talk of every protocol. They run until the process ends.
pub fn villains() -> Vec<Villain> {
    [
        postgres::villains(),
        postgres_answers::villains(),
        mysql::villains(),
        mysql_answers::villains(),
        mongodb::villains(),
        redis::villains(),
        redis_answers::villains(),
        http::villains(),
        envelopes::villains(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Two servers for each talk: one that talks so instead of this first step, and one that does after it.
fn at_and_after(
    step: &str,
    bridge: &'static str,
    talks: impl Iterator<Item = &'static (&'static str, Talk)>,
    urls: impl Fn(Talk) -> [String; 2],
) -> Vec<Villain> {
    let each = talks.flat_map(|(name, talk)| {
        let [at, after] = urls(*talk);
        [("at", at), ("after", after)].map(|(when, url)| {
            let moment = format!("{when} the {step}");
            Villain::of(bridge, &moment, name, json!({ "url": url }))
        })
    });
    each.collect()
}

/// A server that talks so from its first byte on.
fn from_the_first_byte(talk: Talk) -> Server {
    Server::start(Arc::new(move |client| talk(&client)))
}

/// Bytes that are no message of any protocol.
fn garbage(client: &TcpStream) -> io::Result<()> {
    super::send_forever(client, &[0xff, 0x7f, 0x33, 0x01])
}

/// These bytes, one after the other, and then silence.
fn drip(mut client: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    for byte in bytes {
        client.write_all(&[*byte])?;
        thread::sleep(Duration::from_millis(20));
    }
    super::stay_silent(client)
}

/// These bytes, and then the end.
fn hang_up_after(mut client: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    client.write_all(bytes)
}
