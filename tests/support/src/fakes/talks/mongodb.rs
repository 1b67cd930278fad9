//! MongoDB, in place of the greeting and in place of the answer to the first command behind it.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use serde_json::json;

use super::{Talk, Villain, drip, from_the_first_byte, garbage, hang_up_after};
use crate::bson::document;
use crate::fakes::{Server, send_forever, stay_silent};

/// Numbers of messages.
const OP_MSG: i32 = 2013;
const OP_REPLY: i32 = 1;

const TALKS: [(&str, Talk); 12] = [
    ("silence", |client| stay_silent(client)),
    ("garbage", garbage),
    ("a message that is said to be huge", |mut client| {
        client.write_all(&head(i32::MAX, OP_MSG))?;
        send_forever(client, b"x")
    }),
    ("a message shorter than its head", |client| {
        hang_up_after(client, &head(3, OP_MSG))
    }),
    ("a message of another kind", |client| {
        hang_up_after(client, &[&head(20, OP_REPLY)[..], &[0; 4]].concat())
    }),
    ("documents that are none", |client| {
        send_forever(client, &message(&[0xff; 400]))
    }),
    ("a document longer than its message", |client| {
        hang_up_after(client, &message(&[0xff, 0xff, 0xff, 0x7f, 0]))
    }),
    ("fields without end", |mut client| {
        client.write_all(&head(16 << 20, OP_MSG))?;
        client.write_all(&[0; 5])?;
        client.write_all(&(16_i32 << 20).to_le_bytes())?;
        send_forever(client, b"\x10a\0\x01\0\0\0")
    }),
    ("documents in documents", |client| {
        hang_up_after(client, &message(&nested(100_000)))
    }),
    ("answers to nobody", |client| send_forever(client, &fine())),
    ("an answer, byte by byte", |client| drip(client, &fine())),
    ("half an answer, and gone", |client| {
        hang_up_after(client, &fine()[..30])
    }),
];

fn head(length: i32, kind: i32) -> Vec<u8> {
    [length, 1, 1, kind]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect()
}

/// A message with this document.
fn message(document: &[u8]) -> Vec<u8> {
    let length = i32::try_from(21 + document.len()).expect("short");
    [&head(length, OP_MSG)[..], &[0; 5], document].concat()
}

/// So many documents, each in the one before.
fn nested(depth: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(depth * 8 + 5);
    for left in (1..=depth).rev() {
        let length = i32::try_from(left * 8 + 5).expect("short");
        bytes.extend(length.to_le_bytes());
        bytes.extend(b"\x03a\0");
    }
    bytes.extend([5, 0, 0, 0, 0]);
    bytes.resize(bytes.len() + depth, 0);
    bytes
}

/// An answer that says no more than that all is well.
fn fine() -> Vec<u8> {
    message(&document(&[(1, "ok", &1.0_f64.to_le_bytes())]))
}

/// Answers the greeting, to the message that it was in. The next message is read and left unanswered.
fn converse(mut client: &TcpStream) -> io::Result<()> {
    let asked = read(client)?;
    let mut answer = message(&document(&[
        (8, "isWritablePrimary", &[1]),
        (16, "maxBsonObjectSize", &(16_i32 << 20).to_le_bytes()),
        (16, "maxMessageSizeBytes", &48_000_000_i32.to_le_bytes()),
        (16, "maxWriteBatchSize", &100_000_i32.to_le_bytes()),
        (16, "minWireVersion", &0_i32.to_le_bytes()),
        (16, "maxWireVersion", &17_i32.to_le_bytes()),
        (1, "ok", &1.0_f64.to_le_bytes()),
    ]));
    answer[8..12].copy_from_slice(&asked);
    client.write_all(&answer)?;
    read(client).map(drop)
}

/// Reads a message and tells its number.
fn read(mut client: &TcpStream) -> io::Result<[u8; 4]> {
    let mut head = [0; 16];
    client.read_exact(&mut head)?;
    let [a, b, c, d, e, f, g, h, ..] = head;
    let length = u32::from_le_bytes([a, b, c, d]);
    let rest = length.checked_sub(16).ok_or(io::ErrorKind::InvalidData)?;
    io::copy(&mut client.take(rest.into()), &mut io::sink())?;
    Ok([e, f, g, h])
}

pub(super) fn villains() -> Vec<Villain> {
    let each = TALKS.iter().flat_map(|(name, talk)| {
        let late = Server::start(Arc::new(move |client| {
            converse(&client)?;
            talk(&client)
        }));
        let early = from_the_first_byte(*talk);
        [("after the greeting", late), ("at the greeting", early)].map(|(moment, server)| {
            let url = format!("mongodb://{}/d?directConnection=true", server.address);
            Villain::of("mongodb", moment, name, json!({ "url": url }))
        })
    });
    each.collect()
}
