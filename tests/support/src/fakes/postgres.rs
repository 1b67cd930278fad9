//! A PostgreSQL server up to its first statement.

use std::collections::HashMap;
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

    /// Every statement is answered by what `answer` makes of its text: the columns of its rows, and the rows. Names of
    /// statements are known as long as the connection lives.
    pub fn answering(
        answer: impl Fn(&str) -> Arc<(Vec<u8>, Vec<u8>)> + Send + Sync + 'static,
    ) -> Self {
        let serve = move |mut client: TcpStream| {
            login(&mut client)?;
            let mut named = HashMap::new();
            loop {
                let asked = converse(&mut client)?;
                let text = match asked.prepares {
                    true => asked.text,
                    false => named.get(&asked.name).cloned().unwrap_or_default(),
                };
                let (columns, rows) = &*answer(&text);
                if asked.prepares {
                    client.write_all(&Self::message(b'1', &[]))?;
                }
                if asked.runs {
                    client.write_all(&Self::message(b'2', &[]))?;
                } else {
                    let type_of = if text.contains("t.oid = $1") { 26 } else { 25 };
                    client.write_all(&parameters(text.matches('$').count(), type_of))?;
                }
                if asked.prepares {
                    client.write_all(columns)?;
                }
                match asked.runs {
                    true => client.write_all(&[rows.as_slice(), &Self::complete()].concat())?,
                    false => client.write_all(&Self::ready())?,
                }
                named.insert(asked.name, text);
            }
        };
        Self {
            server: Server::start(Arc::new(serve)),
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
        let parsed = Self::message(b'1', &[]);
        let bound = Self::message(b'2', &[]);
        let names = |n: usize| format!("c{n}");
        [parsed, bound, Self::described(types, names)].concat()
    }

    /// Columns of these types, with a name for each number.
    pub fn described(types: &[u32], name: impl Fn(usize) -> String) -> Vec<u8> {
        let mut row = u16::try_from(types.len())
            .expect("few")
            .to_be_bytes()
            .to_vec();
        for (n, oid) in types.iter().enumerate() {
            row.extend(name(n).bytes());
            row.extend([0; 7]);
            row.extend(oid.to_be_bytes());
            row.extend((-1_i16).to_be_bytes());
            row.extend((-1_i32).to_be_bytes());
            row.extend(1_u16.to_be_bytes());
        }
        Self::message(b'T', &row)
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

/// That a statement has so many parameters of this type.
fn parameters(count: usize, oid: u32) -> Vec<u8> {
    let count = u16::try_from(count).expect("few");
    let types = oid.to_be_bytes().repeat(count.into());
    FakePostgres::message(b't', &[&count.to_be_bytes()[..], &types].concat())
}

/// A real statement of a session.
#[derive(Default)]
struct Asked {
    /// The name it has, and its text if it comes along.
    name: String,
    text: String,
    prepares: bool,
    runs: bool,
}

/// Answers what a session asks before its next real statement, which is read and left unanswered.
fn converse(client: &mut TcpStream) -> io::Result<Asked> {
    let mut asked = Asked::default();
    loop {
        let (kind, body) = read(client)?;
        let text = String::from_utf8_lossy(&body).into_owned();
        let mut names = text.split('\0').map(str::to_owned);
        match kind {
            b'Q' if asks_itself(&text) => {
                let columns = FakePostgres::described(&[25], |_| "c".into());
                client.write_all(&[columns, FakePostgres::row(&[b"on"])].concat())?;
                client.write_all(&FakePostgres::complete())?;
            }
            b'Q' if ["BEGIN", "ROLLBACK", "SET "]
                .iter()
                .any(|word| text.contains(word)) =>
            {
                client.write_all(&FakePostgres::complete())?;
            }
            b'Q' => return Ok(asked),
            b'P' => {
                asked.prepares = true;
                asked.name = names.next().unwrap_or_default();
                asked.text = names.next().unwrap_or_default();
            }
            b'B' => {
                asked.runs = true;
                asked.name = names.nth(1).unwrap_or_default();
            }
            b'S' if asks_itself(&asked.text) => {
                asked = Asked::default();
                client.write_all(&FakePostgres::columns(&[25]))?;
                client.write_all(&FakePostgres::row(&[b"on"]))?;
                client.write_all(&FakePostgres::complete())?;
            }
            // Statements that are closed are no questions.
            b'S' if !asked.prepares && !asked.runs => client.write_all(&FakePostgres::ready())?,
            b'S' => return Ok(asked),
            b'X' => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => {}
        }
    }
}

/// The session asks how it is set up.
fn asks_itself(text: &str) -> bool {
    text.contains("read_only") && !text.contains("BEGIN")
}

fn read(client: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    client.read_exact(&mut head)?;
    let [kind, length @ ..] = head;
    let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
    client.read_exact(&mut body)?;
    Ok((kind, body))
}
