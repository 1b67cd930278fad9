//! A PostgreSQL server up to its first statement.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use super::Server;

/// A server that takes any user and leaves the first real statement to the test.
pub struct FakePostgres {
    server: Server,
}

impl FakePostgres {
    /// `answer` gets the connection when the client has sent its first statement, but for those that ask
    /// whether the session is read-only and those that begin and end transactions.
    pub fn start(answer: impl Fn(&TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self {
            server: Server::start(Arc::new(move |mut client| {
                login(&mut client)?;
                converse(&mut client)?;
                answer(&client)
            })),
        }
    }

    /// `answer` gets the connection in place of the answer to the first message.
    pub fn at_login(answer: impl Fn(&TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self {
            server: Server::start(Arc::new(move |mut client| {
                startup(&mut client)?;
                answer(&client)
            })),
        }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("postgres://u:p@{}/d", self.server.address)
    }

    /// Connections so far.
    pub fn accepted(&self) -> usize {
        self.server.accepted()
    }

    /// A message of this type.
    pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).expect("a short message");
        [&[kind], &length.to_be_bytes()[..], body].concat()
    }

    /// A message that says it is this long, with no more than its head.
    pub fn head(kind: u8, length: u32) -> Vec<u8> {
        [&[kind], &length.to_be_bytes()[..]].concat()
    }

    /// What comes before the rows of an unnamed statement: parsed, bound, and columns of this type.
    pub fn columns(types: &[u32]) -> Vec<u8> {
        let mut row = u16::try_from(types.len())
            .expect("few")
            .to_be_bytes()
            .to_vec();
        for (n, oid) in types.iter().enumerate() {
            row.extend(format!("c{n}\0").bytes());
            row.extend([0; 6]);
            row.extend(oid.to_be_bytes());
            row.extend((-1_i16).to_be_bytes());
            row.extend((-1_i32).to_be_bytes());
            row.extend(1_u16.to_be_bytes());
        }
        let parsed = Self::message(b'1', &[]);
        let bound = Self::message(b'2', &[]);
        [parsed, bound, Self::message(b'T', &row)].concat()
    }

    /// A row of these values.
    pub fn row(values: &[&[u8]]) -> Vec<u8> {
        let mut body = u16::try_from(values.len())
            .expect("few")
            .to_be_bytes()
            .to_vec();
        for value in values {
            body.extend(u32::try_from(value.len()).expect("short").to_be_bytes());
            body.extend(*value);
        }
        Self::message(b'D', &body)
    }

    /// The end of a statement.
    pub fn complete() -> Vec<u8> {
        [Self::message(b'C', b"SELECT 1\0"), Self::ready()].concat()
    }

    fn ready() -> Vec<u8> {
        Self::message(b'Z', b"I")
    }
}

/// Reads the first message, refusing TLS before it.
pub(super) fn startup(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    loop {
        let mut length = [0; 4];
        client.read_exact(&mut length)?;
        let mut rest = vec![0; u32::from_be_bytes(length) as usize - 4];
        client.read_exact(&mut rest)?;
        match rest.get(..4) {
            Some([0x04, 0xd2, 0x16, 0x2f]) => client.write_all(b"N")?,
            _ => return Ok(rest),
        }
    }
}

fn login(client: &mut TcpStream) -> io::Result<()> {
    startup(client)?;
    let mut hello = FakePostgres::message(b'R', &[0; 4]);
    for (name, value) in [("server_version", "15.4"), ("client_encoding", "UTF8")] {
        let status = format!("{name}\0{value}\0");
        hello.extend(FakePostgres::message(b'S', status.as_bytes()));
    }
    hello.extend(FakePostgres::message(b'K', &[0, 0, 0, 7, 0, 0, 0, 9]));
    hello.extend(FakePostgres::ready());
    client.write_all(&hello)
}

/// Answers what a session asks before its first real statement, which is read and left unanswered.
fn converse(client: &mut TcpStream) -> io::Result<()> {
    loop {
        let (kind, body) = read(client)?;
        let text = String::from_utf8_lossy(&body).into_owned();
        let asks = text.contains("read_only") && !text.contains("BEGIN");
        match kind {
            b'Q' if asks => {
                let column = [
                    b"\0\x01c\0".as_slice(),
                    &[0; 6],
                    &25_u32.to_be_bytes(),
                    &[255; 6],
                    &[0; 2],
                ]
                .concat();
                client.write_all(&FakePostgres::message(b'T', &column))?;
                client.write_all(&FakePostgres::row(&[b"on"]))?;
                client.write_all(&FakePostgres::complete())?;
            }
            b'Q' if text.contains("BEGIN") || text.contains("ROLLBACK") => {
                client.write_all(&FakePostgres::complete())?;
            }
            b'P' if asks => {
                while read(client)?.0 != b'S' {}
                client.write_all(&FakePostgres::columns(&[25]))?;
                client.write_all(&FakePostgres::row(&[b"on"]))?;
                client.write_all(&FakePostgres::complete())?;
            }
            b'Q' => return Ok(()),
            b'P' => {
                while read(client)?.0 != b'S' {}
                return Ok(());
            }
            b'X' => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => {}
        }
    }
}

fn read(client: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    client.read_exact(&mut head)?;
    let [kind, length @ ..] = head;
    let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
    client.read_exact(&mut body)?;
    Ok((kind, body))
}
