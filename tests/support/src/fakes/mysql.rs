//! A MySQL server up to its first statement.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use super::Server;

/// A server that takes any user and leaves the first real statement to the test.
pub struct FakeMySql {
    server: Server,
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
            body.push(u8::try_from(text.len()).expect("short"));
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
            _ => return Ok(()),
        }
    }
}
