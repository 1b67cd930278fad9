//! PostgreSQL.

use std::io::Write;

use super::{Talk, Villain, at_and_after, drip, garbage, hang_up_after};
use crate::fakes::{FakePostgres, send_forever, stay_silent};

/// It sends without end what no job is answered with.
pub const FLOODS: [(&str, Talk); 10] = [
    ("a message that is said to be huge", |mut client| {
        client.write_all(&FakePostgres::columns(&[25]))?;
        client.write_all(&FakePostgres::head(b'D', i32::MAX as u32))?;
        send_forever(client, b"x")
    }),
    ("an error that is said to be huge", |mut client| {
        client.write_all(&FakePostgres::head(b'E', i32::MAX as u32))?;
        send_forever(client, b"x")
    }),
    ("notices", |client| {
        let text = b"SNOTICE\0VNOTICE\0C00000\0Mhello\0\0";
        send_forever(client, &FakePostgres::message(b'N', text))
    }),
    ("notifications", |client| {
        let body = b"\0\0\0\x01channel\0payload\0";
        send_forever(client, &FakePostgres::message(b'A', body))
    }),
    ("parameters", |client| {
        let many: Vec<u8> = (0..2000)
            .flat_map(|n| FakePostgres::message(b'S', format!("p{n}\0{n}\0").as_bytes()))
            .collect();
        send_forever(client, &many)
    }),
    ("garbage", garbage),
    ("rows without columns", |mut client| {
        client.write_all(&FakePostgres::columns(&[]))?;
        send_forever(client, &FakePostgres::row(&[]))
    }),
    ("ends of statements", |mut client| {
        client.write_all(&FakePostgres::columns(&[25]))?;
        send_forever(client, &FakePostgres::message(b'C', b"SELECT 1\0"))
    }),
    ("rows that are not what their columns say", |mut client| {
        client.write_all(&FakePostgres::columns(&[23]))?;
        send_forever(client, &FakePostgres::row(&[b"123"]))
    }),
    ("a column count that lies", |mut client| {
        client.write_all(&FakePostgres::message(b'1', &[]))?;
        client.write_all(&FakePostgres::message(b'2', &[]))?;
        client.write_all(&FakePostgres::message(b'T', &[0x7f, 0xff]))?;
        send_forever(client, &FakePostgres::row(&[b"x"]))
    }),
];

const TALKS: [(&str, Talk); 5] = [
    ("silence", |client| stay_silent(client)),
    ("a row that cannot be read, and silence", |mut client| {
        client.write_all(&FakePostgres::columns(&[23]))?;
        client.write_all(&FakePostgres::row(&[b"123"]))?;
        stay_silent(client)
    }),
    ("rows without end", |mut client| {
        client.write_all(&FakePostgres::columns(&[25]))?;
        send_forever(client, &FakePostgres::row(&[b"hello"]))
    }),
    ("a few rows, byte by byte", |client| {
        let rows = FakePostgres::row(&[b"hello"]).repeat(3);
        drip(client, &[FakePostgres::columns(&[25]), rows].concat())
    }),
    ("half a row, and gone", |client| {
        let columns = FakePostgres::columns(&[25]);
        let head = FakePostgres::head(b'D', 400);
        hang_up_after(client, &[columns, head].concat())
    }),
];

pub(super) fn villains() -> Vec<Villain> {
    let talks = FLOODS.iter().chain(&TALKS);
    at_and_after("login", "postgres", talks, |talk| {
        [
            FakePostgres::at_login(talk).url(),
            FakePostgres::start(talk).url(),
        ]
    })
}
