//! MongoDB, in place of the greeting and in place of the answer to the first command behind it.

use std::io::Write;

use serde_json::json;

use super::{Talk, Villain, at_and_after, drip, from_the_first_byte, garbage, hang_up_after};
use crate::bson::{document, text};
use crate::fakes::mongodb::{OP_MSG, head, message};
use crate::fakes::{FakeMongodb, send_forever, stay_silent};

/// Number of a kind of message that is of no use any more.
const OP_REPLY: i32 = 1;

/// The number of a cursor and its next batch, by how many have been before.
type Cursor = fn(u32) -> (i64, Vec<u8>);

/// Cursors that never end.
pub const CURSORS: [(&str, Cursor); 7] = [
    ("batches without end", |_| (7, batch(100, 1))),
    ("empty batches without end", |_| (7, batch(0, 0))),
    ("batches of many megabytes", |_| (7, batch(15, 1 << 20))),
    ("a document of many megabytes a batch", |_| {
        (7, batch(1, 15 << 20))
    }),
    ("a cursor of another number each time", |count| {
        (i64::from(count) + 1, batch(1, 1))
    }),
    ("a cursor below zero", |_| (i64::MIN, batch(1, 1))),
    ("names of many kilobytes without end", |count| {
        (7, FakeMongodb::batch(&vec![named(count, 50 << 10); 20]))
    }),
];

/// Cursors that end, with what no honest collection holds.
const ABSURD: [(&str, Cursor); 3] = [
    ("fields with names of many kilobytes", |count| {
        let more = i64::from(count > 0);
        (7 * more, FakeMongodb::batch(&[fields(count, 30, 60 << 10)]))
    }),
    ("a document of many fields", |count| {
        let nothing = document(&vec![(10, "a", &[][..]); 600_000]);
        (7 * i64::from(count == 0), FakeMongodb::batch(&[nothing]))
    }),
    ("a document of half a megabyte", |_| {
        (0, batch(1, 500 << 10))
    }),
];

/// A document whose field `name` has so many bytes.
fn named(count: u32, bytes: usize) -> Vec<u8> {
    let name = text(&format!("{count:0>bytes$}"));
    document(&[(2, "name", &name), (2, "type", &text("collection"))])
}

/// A document of fields that no other has, with names of so many bytes.
fn fields(count: u32, number: u32, bytes: usize) -> Vec<u8> {
    let names: Vec<_> = (0..number)
        .map(|n| format!("{:0>bytes$}", count * number + n))
        .collect();
    let fields: Vec<_> = names
        .iter()
        .map(|name| (8, name.as_str(), &[1][..]))
        .collect();
    document(&fields)
}

/// So many documents, each with a text of so many bytes.
fn batch(count: usize, bytes: usize) -> Vec<u8> {
    let one = document(&[
        (16, "_id", &1_i32.to_le_bytes()),
        (2, "a", &text(&"x".repeat(bytes))),
        (16, "n", &1_i32.to_le_bytes()),
    ]);
    FakeMongodb::batch(&vec![one; count])
}

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

pub(super) fn villains() -> Vec<Villain> {
    let mut all = at_and_after("greeting", "mongodb", TALKS.iter(), |talk| {
        let early = from_the_first_byte(talk).address;
        [
            format!("mongodb://{early}/d?directConnection=true"),
            FakeMongodb::start(talk).url(),
        ]
    });
    all.extend(CURSORS.iter().chain(&ABSURD).map(|(name, cursor)| {
        let url = FakeMongodb::with_cursor(cursor).url();
        Villain::of("mongodb", "at every command", name, json!({ "url": url }))
    }));
    all
}
