//! Redis, in place of a login and in place of the answer to the first command that is about keys.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;

use super::{Talk, Villain, at_and_after, drip, from_the_first_byte, garbage, hang_up_after};
use crate::fakes::{Server, send_forever, stay_silent};

const TALKS: [(&str, Talk); 13] = [
    ("silence", |client| stay_silent(client)),
    ("garbage", garbage),
    ("a text that is said to be huge", |mut client| {
        client.write_all(b"$9223372036854775807\r\n")?;
        send_forever(client, b"x")
    }),
    ("a list that is said to be huge", |mut client| {
        client.write_all(b"*9223372036854775807\r\n")?;
        send_forever(client, b"$1\r\nx\r\n")
    }),
    ("a scan without end", |mut client| {
        client.write_all(b"*2\r\n$1\r\n7\r\n*2000000000\r\n")?;
        send_forever(client, b"$3\r\nt:1\r\n")
    }),
    ("scans that never come to an end", |client| {
        send_forever(client, b"*2\r\n$1\r\n7\r\n*1\r\n$3\r\nt:1\r\n")
    }),
    ("lists in lists", |client| send_forever(client, b"*1\r\n")),
    ("a line without end", |mut client| {
        client.write_all(b"+")?;
        send_forever(client, b"x")
    }),
    ("replies that nobody asked for", |client| {
        send_forever(client, b"+OK\r\n")
    }),
    ("lengths that are none", |client| {
        hang_up_after(client, b"*-7\r\n$99999999999999999999\r\n:x\r\n")
    }),
    ("no keys but numbers", |client| {
        send_forever(client, b"*2\r\n:0\r\n*2\r\n:1\r\n*-1\r\n")
    }),
    ("a reply, byte by byte", |client| {
        drip(client, b"*2\r\n$1\r\n0\r\n*1\r\n$3\r\nt:1\r\n")
    }),
    ("half a reply, and gone", |client| {
        hang_up_after(client, b"*2\r\n$1\r\n0\r\n*9\r\n$3\r\nt:")
    }),
];

/// What a server says of itself.
const HELLO: &[u8] = b"*6\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n\
    $4\r\nmode\r\n$10\r\nstandalone\r\n";

/// Answers what a session asks before its first command about keys, which is read and left unanswered.
fn converse(mut client: &TcpStream) -> io::Result<()> {
    let mut input = BufReader::new(client);
    loop {
        match greet(&command(&mut input)?) {
            Some(answer) => client.write_all(answer)?,
            None => return Ok(()),
        }
    }
}

/// The answer to a command that sets a session up.
pub(super) fn greet(name: &[u8]) -> Option<&'static [u8]> {
    match name {
        b"HELLO" => Some(HELLO),
        b"AUTH" | b"SELECT" | b"CLIENT" => Some(b"+OK\r\n"),
        _ => None,
    }
}

/// The name of the next command.
pub(super) fn command(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let parts = number(&mut *input)?;
    let mut name = Vec::new();
    for part in 0..parts {
        let mut text = vec![0; number(&mut *input)? + 2];
        input.read_exact(&mut text)?;
        if part == 0 {
            text.truncate(text.len() - 2);
            name = text;
        }
    }
    Ok(name)
}

/// The number in a line such as `*3` or `$5`.
fn number(input: &mut impl BufRead) -> io::Result<usize> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    let digits = line
        .trim_end()
        .get(1..)
        .and_then(|digits| digits.parse().ok());
    digits.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

pub(super) fn villains() -> Vec<Villain> {
    at_and_after("login", "redis", TALKS.iter(), |talk| {
        let late = Server::start(Arc::new(move |client| {
            converse(&client)?;
            talk(&client)
        }));
        [from_the_first_byte(talk), late].map(|server| format!("redis://{}", server.address))
    })
}
