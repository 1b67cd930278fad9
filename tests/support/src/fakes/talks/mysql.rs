//! MySQL.

use std::io::{self, Write};
use std::net::TcpStream;

use super::{Talk, Villain, at_and_after, drip, garbage, hang_up_after};
use crate::fakes::{FakeMySql, stay_silent};

/// It sends without end what no job is answered with.
pub const FLOODS: [(&str, Talk); 7] = [
    ("more columns than there are", |mut client| {
        let mut count = vec![0xfe];
        count.extend(u64::MAX.to_le_bytes());
        client.write_all(&FakeMySql::packet(1, &count))?;
        packets(client, 1, |number| FakeMySql::column(number, "c"))
    }),
    ("sixty-five thousand columns", |mut client| {
        client.write_all(&FakeMySql::packet(1, &[0xfc, 0xff, 0xff]))?;
        let name = "c".repeat(200);
        packets(client, 1, |number| FakeMySql::column(number, &name))
    }),
    ("packets that never end", |client| {
        let largest = vec![b'x'; (1 << 24) - 1];
        packets(client, 0, |number| FakeMySql::packet(number, &largest))
    }),
    ("garbage", garbage),
    ("rows without end", |client| {
        one_column(client)?;
        packets(client, 3, |number| FakeMySql::packet(number, b"\x01x"))
    }),
    ("rows that are cut short", |client| {
        one_column(client)?;
        packets(client, 3, |number| FakeMySql::packet(number, b"\x70x"))
    }),
    ("results without end", |client| {
        let more = [0, 0, 0, 10, 0, 0, 0];
        packets(client, 0, |number| FakeMySql::packet(number, &more))
    }),
];

const TALKS: [(&str, Talk); 4] = [
    ("silence", |client| stay_silent(client)),
    ("a row that cannot be read, and silence", |mut client| {
        one_column(client)?;
        client.write_all(&FakeMySql::packet(4, b"\x70x"))?;
        stay_silent(client)
    }),
    ("a row, byte by byte", |client| {
        one_column(client)?;
        drip(client, &FakeMySql::packet(4, b"\x05hello"))
    }),
    ("half a row, and gone", |client| {
        one_column(client)?;
        hang_up_after(client, &[200, 0, 0, 4, b'x'])
    }),
];

fn one_column(mut client: &TcpStream) -> io::Result<()> {
    client.write_all(&FakeMySql::packet(1, &[1]))?;
    client.write_all(&FakeMySql::column(2, "c"))?;
    client.write_all(&FakeMySql::end(3))
}

/// Packets whose numbers follow this one, until the client is gone.
fn packets(
    mut client: &TcpStream,
    mut number: u8,
    packet: impl Fn(u8) -> Vec<u8>,
) -> io::Result<()> {
    loop {
        number = number.wrapping_add(1);
        client.write_all(&packet(number))?;
    }
}

pub(super) fn villains() -> Vec<Villain> {
    let talks = FLOODS.iter().chain(&TALKS);
    at_and_after("login", "mysql", talks, |talk| {
        [
            FakeMySql::at_login(talk).url(),
            FakeMySql::start(talk).url(),
        ]
    })
}
