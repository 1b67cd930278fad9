//! HTTP, in place of the answer to any request: ClickHouse, Upstash, Turso and D1.

use std::io::{self, Write};
use std::net::TcpStream;

use serde_json::json;

use super::{Talk, Villain, drip, from_the_first_byte, garbage, hang_up_after};
use crate::fakes::{send_forever, stay_silent};

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

const TALKS: [(&str, Talk); 24] = [
    ("silence", |client| stay_silent(client)),
    ("garbage", garbage),
    ("a head without end", |mut client| {
        client.write_all(b"HTTP/1.1 200 OK\r\n")?;
        send_forever(client, b"X-Header: value\r\n")
    }),
    ("a first line without end", |mut client| {
        client.write_all(b"HTTP/1.1 200 ")?;
        send_forever(client, b"x")
    }),
    ("interim answers without end", |client| {
        send_forever(client, b"HTTP/1.1 100 Continue\r\n\r\n")
    }),
    ("a body that is said to be huge", |mut client| {
        client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n")?;
        send_forever(client, b"x")
    }),
    ("a chunk that is said to be huge", |mut client| {
        client.write_all(CHUNKED)?;
        client.write_all(b"7fffffffffffffff\r\n")?;
        send_forever(client, b"x")
    }),
    ("a length of a chunk without end", |mut client| {
        client.write_all(CHUNKED)?;
        send_forever(client, b"0")
    }),
    ("one line without end", |client| chunks(client, b"x")),
    ("lists in lists", |client| chunks(client, b"[")),
    ("objects in objects", |client| {
        chunks(client, b"{\"results\":")
    }),
    ("a text in JSON without end", |mut client| {
        client.write_all(CHUNKED)?;
        client.write_all(b"b\r\n{\"baton\":\"x\r\n")?;
        send_forever(client, b"10\r\nxxxxxxxxxxxxxxxx\r\n")
    }),
    ("a number without end", |mut client| {
        client.write_all(CHUNKED)?;
        client.write_all(b"b\r\n{\"results\":\r\n")?;
        send_forever(client, b"10\r\n1111111111111111\r\n")
    }),
    ("rows without end", |client| {
        chunks(client, b"{\"id\":1,\"name\":\"hello\"}\n")
    }),
    ("rows that are none, and silence", |mut client| {
        client.write_all(CHUNKED)?;
        client.write_all(b"12\r\n{\"id\":1\n[]\n{{{\xff\xfe\n\n\r\n")?;
        stay_silent(client)
    }),
    ("trailers without end", |mut client| {
        client.write_all(CHUNKED)?;
        client.write_all(b"0\r\n")?;
        send_forever(client, b"X-Trailer: value\r\n")
    }),
    ("an error without end", |mut client| {
        client.write_all(b"HTTP/1.1 500 No\r\nConnection: close\r\n\r\n")?;
        send_forever(client, b"Code: 1. DB::Exception: no. ")
    }),
    ("extensions of a chunk without end", |mut client| {
        client.write_all(CHUNKED)?;
        client.write_all(b"5;")?;
        send_forever(client, b"name=value;")
    }),
    ("chunks of one byte", |mut client| {
        client.write_all(CHUNKED)?;
        send_forever(client, b"1\r\n[\r\n")
    }),
    ("a body that is said to be packed", |mut client| {
        client.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        )?;
        // Deflate's blocks of zeros: what a thousandth of the memory packs.
        send_forever(
            client,
            b"1000\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03\xec\xc1\x01\r\n",
        )
    }),
    ("two lengths", |client| {
        hang_up_after(
            client,
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 900\r\n\r\n{\"id\":1}\n",
        )
    }),
    ("to somewhere else", |client| {
        hang_up_after(
            client,
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        )
    }),
    ("an answer, byte by byte", |client| {
        drip(
            client,
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"id\":1}\n",
        )
    }),
    ("half an answer, and gone", |client| {
        hang_up_after(
            client,
            b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"id\":1}\n",
        )
    }),
];

/// A body of these bytes, again and again.
fn chunks(mut client: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    client.write_all(CHUNKED)?;
    let body = bytes.repeat((32 << 10) / bytes.len());
    let chunk = [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n"].concat();
    send_forever(client, &chunk)
}

pub(super) fn villains() -> Vec<Villain> {
    let each = TALKS.iter().flat_map(|(name, talk)| {
        let server = from_the_first_byte(*talk);
        let url = format!("http://{}", server.address);
        [
            ("clickhouse", json!({ "url": url })),
            ("upstash", json!({ "url": url, "token": "t" })),
            ("turso", json!({ "url": url, "authToken": "t" })),
            (
                "d1",
                json!({ "accountId": "a", "databaseId": "b", "apiToken": "t", "baseUrl": url }),
            ),
        ]
        .map(|(bridge, config)| Villain::of(bridge, "at the first request", name, config))
    });
    each.collect()
}
