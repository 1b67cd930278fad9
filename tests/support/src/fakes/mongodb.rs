//! A MongoDB server up to its first command, and one that answers each with a cursor.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use super::Server;
use crate::bson::{document, text};

/// Number of the one kind of message.
pub(super) const OP_MSG: i32 = 2013;
/// Before the name of a message's first field: its head, flags, the kind of a section, a length, the field's type.
const BEFORE_NAME: usize = 16 + 4 + 1 + 4 + 1;

/// A server that greets any client and leaves what follows to the test.
pub struct FakeMongodb {
    server: Server,
}

/// A message of a client.
pub struct Asked {
    number: [u8; 4],
    /// It asks for the next batch of a cursor.
    pub more: bool,
}

impl FakeMongodb {
    /// `answer` gets the connection when the client has sent its first command behind the greeting.
    pub fn start(answer: impl Fn(&TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self::conversing(move |client| {
            read(client)?;
            answer(client)
        })
    }

    /// Every command behind the greeting is answered with a cursor: its number and its next batch, which are made from
    /// how many answers there have been on the connection.
    pub fn with_cursor(cursor: impl Fn(u32) -> (i64, Vec<u8>) + Send + Sync + 'static) -> Self {
        Self::conversing(move |mut client| {
            for count in 0.. {
                let asked = read(client)?;
                let (number, batch) = cursor(count);
                let place = if asked.more {
                    "nextBatch"
                } else {
                    "firstBatch"
                };
                let cursor = document(&[
                    (18, "id", &number.to_le_bytes()),
                    (2, "ns", &text("d.t")),
                    (4, place, &batch),
                ]);
                let answer = document(&[(3, "cursor", &cursor), (1, "ok", &1.0_f64.to_le_bytes())]);
                client.write_all(&answer_to(&asked, &answer))?;
            }
            Ok(())
        })
    }

    fn conversing(then: impl Fn(&TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let serve = move |mut client: TcpStream| {
            let asked = read(&client)?;
            client.write_all(&answer_to(&asked, &greeting()))?;
            then(&client)
        };
        Self {
            server: Server::start(Arc::new(serve)),
        }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("mongodb://{}/d?directConnection=true", self.server.address)
    }

    /// An array of these documents.
    pub fn batch(documents: &[Vec<u8>]) -> Vec<u8> {
        let names: Vec<_> = (0..documents.len()).map(|n| n.to_string()).collect();
        let fields = names.iter().zip(documents);
        let fields: Vec<_> = fields
            .map(|(name, document)| (3, name.as_str(), document.as_slice()))
            .collect();
        document(&fields)
    }
}

fn greeting() -> Vec<u8> {
    document(&[
        (8, "isWritablePrimary", &[1]),
        (16, "maxBsonObjectSize", &(16_i32 << 20).to_le_bytes()),
        (16, "maxMessageSizeBytes", &48_000_000_i32.to_le_bytes()),
        (16, "maxWriteBatchSize", &100_000_i32.to_le_bytes()),
        (16, "minWireVersion", &0_i32.to_le_bytes()),
        (16, "maxWireVersion", &17_i32.to_le_bytes()),
        (1, "ok", &1.0_f64.to_le_bytes()),
    ])
}

/// What a message begins with.
pub(super) fn head(length: i32, kind: i32) -> Vec<u8> {
    [length, 1, 1, kind]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect()
}

/// A message with this document, an answer to message 1.
pub(super) fn message(document: &[u8]) -> Vec<u8> {
    let length = i32::try_from(21 + document.len()).expect("short");
    [&head(length, OP_MSG)[..], &[0; 5], document].concat()
}

fn answer_to(asked: &Asked, document: &[u8]) -> Vec<u8> {
    let mut answer = message(document);
    answer[8..12].copy_from_slice(&asked.number);
    answer
}

/// Reads a message.
fn read(mut client: &TcpStream) -> io::Result<Asked> {
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    let rest = u32::from_le_bytes(length).checked_sub(4);
    let rest = rest.ok_or(io::ErrorKind::InvalidData)?;
    let mut message = length.to_vec();
    client.take(rest.into()).read_to_end(&mut message)?;
    let number = message.get(4..8).ok_or(io::ErrorKind::UnexpectedEof)?;
    let name = message.get(BEFORE_NAME..).unwrap_or_default();
    Ok(Asked {
        number: number.try_into().expect("four bytes"),
        more: name.starts_with(b"getMore\0"),
    })
}
