//! A MySQL server up to its first statement.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use super::Server;

/// A server that takes any user and leaves the first real statement to the test.
pub struct FakeMySql {
    server: Server,
}

/// What a statement is answered with: columns of text, and rows of the same values.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// How many columns there are.
    pub columns: u16,
    /// Bytes of the name of each.
    pub name: usize,
    /// Parameters that there are beside those of the statement.
    pub parameters: u16,
    /// How many rows there are.
    pub rows: usize,
    /// Bytes of each value.
    pub value: usize,
}

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
/// Protocol 4.1, secure connection, plugins, with a database.
const CAPABILITIES: u32 = 0x0008_a20d;
/// It speaks TLS.
const TLS: u32 = 0x800;

impl FakeMySql {
    /// `answer` gets the connection when the client has sent its first statement but for those that set the
    /// session up or ask how it is set up.
    pub fn start(answer: impl Fn(&TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self {
            server: Server::start(Arc::new(move |mut client| {
                client.write_all(&greeting(CAPABILITIES))?;
                read(&mut client)?;
                client.write_all(&Self::packet(2, OK))?;
                converse(&mut client)?;
                answer(&client)
            })),
        }
    }

    /// Every statement is answered by what `answer` makes of its text. Statements are known as long as the connection lives.
    pub fn answering(answer: impl Fn(&str) -> Told + Send + Sync + 'static) -> Self {
        let serve = move |mut client: TcpStream| {
            client.write_all(&greeting(CAPABILITIES))?;
            read(&mut client)?;
            client.write_all(&Self::packet(2, OK))?;
            let mut prepared = Vec::new();
            loop {
                let command = next(&mut client)?;
                match command.split_first() {
                    Some((0x16, text)) => {
                        let text = String::from_utf8_lossy(text).into_owned();
                        let told = answer(&text);
                        prepared.push(told);
                        let number = u32::try_from(prepared.len()).expect("few");
                        let parameters = u16::try_from(text.matches('?').count()).expect("few");
                        client.write_all(&told.statement(number, parameters))?;
                    }
                    Some((0x17, rest)) => {
                        let number = rest
                            .first_chunk()
                            .map_or(0, |bytes| u32::from_le_bytes(*bytes));
                        let told = prepared
                            .get(number as usize - 1)
                            .ok_or(io::ErrorKind::InvalidData)?;
                        told.send(&mut client)?;
                    }
                    Some((0x19, _)) => {}
                    _ => client.write_all(&Self::packet(1, OK))?,
                }
            }
        };
        Self {
            server: Server::start(Arc::new(serve)),
        }
    }

    /// `answer` gets the connection in place of the server's greeting.
    pub fn at_login(answer: impl Fn(&TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self {
            server: Server::start(Arc::new(move |client| answer(&client))),
        }
    }

    /// It asks for another way to log in, as a MariaDB does whose account has this plugin; for `parsec`, with the salt
    /// that comes next.
    pub fn asking_for(plugin: &'static str) -> Self {
        Self::at_login(move |mut client| {
            client.write_all(&greeting(CAPABILITIES))?;
            read(&mut client)?;
            let switch = [b"\xfe", plugin.as_bytes(), b"\0", &[7; 32]].concat();
            client.write_all(&Self::packet(2, &switch))?;
            read(&mut client)?;
            client.write_all(&Self::packet(4, &[b"\x01P\0", &[7; 18][..]].concat()))?;
            read(&mut client).map(drop)
        })
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("mysql://u:p@{}/d?sslmode=disable", self.server.address)
    }

    /// Connections so far.
    pub fn accepted(&self) -> usize {
        self.server.accepted()
    }

    /// What it says first where there is TLS.
    pub(super) fn greeting_with_tls() -> Vec<u8> {
        greeting(CAPABILITIES | TLS)
    }

    /// A packet with this number.
    pub fn packet(number: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).expect("a short packet");
        let [a, b, c, _] = length.to_le_bytes();
        [&[a, b, c, number], body].concat()
    }

    /// A text column by this name.
    pub fn column(number: u8, name: &str) -> Vec<u8> {
        let mut body = vec![3];
        body.extend(b"def");
        for text in ["", "t", "t", name, name] {
            body.extend(length(text.len()));
            body.extend(text.bytes());
        }
        body.extend([12, 45, 0, 255, 255, 0, 0, 253, 0, 0, 0, 0, 0]);
        Self::packet(number, &body)
    }

    /// The end of columns or rows.
    pub fn end(number: u8) -> Vec<u8> {
        Self::packet(number, &[0xfe, 0, 0, 2, 0])
    }
}

impl Told {
    fn columns(&self, number: &mut u8) -> Vec<u8> {
        let names = (0..self.columns).map(|n| format!("{n:0>width$}", width = self.name));
        definitions(names, number)
    }

    /// That it is prepared.
    fn statement(&self, id: u32, parameters: u16) -> Vec<u8> {
        let mut body = vec![0];
        let parameters = parameters + self.parameters;
        body.extend(id.to_le_bytes());
        body.extend(self.columns.to_le_bytes());
        body.extend(parameters.to_le_bytes());
        body.extend([0; 3]);
        let mut number = 1;
        let mut all = FakeMySql::packet(number, &body);
        if parameters > 0 {
            let names = (0..parameters).map(|_| String::new());
            all.extend(definitions(names, &mut number));
        }
        all.extend(self.columns(&mut number));
        all
    }

    /// Its result.
    fn send(&self, client: &mut TcpStream) -> io::Result<()> {
        let mut number = 1;
        client.write_all(&FakeMySql::packet(number, &length(self.columns.into())))?;
        client.write_all(&self.columns(&mut number))?;
        let columns = usize::from(self.columns);
        let value = [length(self.value), vec![b'7'; self.value]].concat();
        let row = [vec![0; 1 + (columns + 9) / 8], value.repeat(columns)].concat();
        let mut packet = FakeMySql::packet(0, &row);
        for _ in 0..self.rows {
            number = number.wrapping_add(1);
            packet[3] = number;
            client.write_all(&packet)?;
        }
        client.write_all(&FakeMySql::end(number.wrapping_add(1)))
    }
}

/// Columns of these names, and their end.
fn definitions(names: impl Iterator<Item = String>, number: &mut u8) -> Vec<u8> {
    let mut all = Vec::new();
    for name in names {
        *number = number.wrapping_add(1);
        all.extend(FakeMySql::column(*number, &name));
    }
    *number = number.wrapping_add(1);
    all.extend(FakeMySql::end(*number));
    all
}

/// An integer whose first byte says how long it is.
fn length(number: usize) -> Vec<u8> {
    let bytes = number.to_le_bytes();
    match number {
        0..=250 => vec![bytes[0]],
        251..=0xffff => vec![0xfc, bytes[0], bytes[1]],
        _ => vec![0xfd, bytes[0], bytes[1], bytes[2]],
    }
}

fn greeting(capabilities: u32) -> Vec<u8> {
    let mut body = vec![10];
    body.extend(b"8.0.36\0");
    body.extend(7_u32.to_le_bytes());
    body.extend(b"abcdefgh\0");
    body.extend(&capabilities.to_le_bytes()[..2]);
    body.push(45);
    body.extend(2_u16.to_le_bytes());
    body.extend(&capabilities.to_le_bytes()[2..]);
    body.push(21);
    body.extend([0; 10]);
    body.extend(b"ijklmnopqrst\0");
    body.extend(b"mysql_native_password\0");
    FakeMySql::packet(0, &body)
}

fn read(client: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = [0; 4];
    client.read_exact(&mut head)?;
    let [a, b, c, _] = head;
    let mut body = vec![0; u32::from_le_bytes([a, b, c, 0]) as usize];
    client.read_exact(&mut body)?;
    Ok(body)
}

/// Answers what a session asks before its first real statement, which is read and left unanswered.
fn converse(client: &mut TcpStream) -> io::Result<()> {
    next(client).map(drop)
}

/// The next real statement, after the answers to what a session asks before.
fn next(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    loop {
        let command = read(client)?;
        let text = String::from_utf8_lossy(command.get(1..).unwrap_or_default()).into_owned();
        match command.first() {
            Some(3) if text.starts_with("SET") || text.starts_with("START") => {
                client.write_all(&FakeMySql::packet(1, OK))?;
            }
            Some(3) if text.contains("@@") || text.contains("read_only") => {
                client.write_all(&FakeMySql::packet(1, &[1]))?;
                client.write_all(&FakeMySql::column(2, "c"))?;
                client.write_all(&FakeMySql::end(3))?;
                client.write_all(&FakeMySql::packet(4, b"\x011"))?;
                client.write_all(&FakeMySql::end(5))?;
            }
            Some(1) => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => return Ok(command),
        }
    }
}
