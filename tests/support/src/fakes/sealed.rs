//! Servers that complete the TLS handshake, and misbehave behind it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection};

use super::{FakeMySql, Server, stay_silent};

/// What comes before the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Nothing.
    Direct,
    /// PostgreSQL's question whether there is TLS, or nothing.
    Postgres,
    /// MySQL's greeting.
    MySql,
}

/// How it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealed {
    /// Not at all.
    Silence,
    /// The head of a record and a part of it.
    HalfARecord,
    /// A record, a byte a second.
    DrippingRecord,
    /// Records of a byte, one a second.
    DrippingBytes,
    /// Records of zeros without end.
    Flood,
}

/// Such a server.
pub struct SealedServer {
    server: Server,
    handshakes: Arc<AtomicUsize>,
}

impl SealedServer {
    /// Goes on so with every client.
    pub fn start(opening: Opening, then: Sealed, config: Arc<ServerConfig>) -> Self {
        let handshakes = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&handshakes);
        let server = Server::start(Arc::new(move |client| {
            open(&client, opening)?;
            let mut tls = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
            while tls.is_handshaking() || tls.wants_write() {
                tls.complete_io(&mut &client)?;
            }
            count.fetch_add(1, Ordering::SeqCst);
            go_on(&client, &mut tls, then)
        }));
        Self { server, handshakes }
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Handshakes that were completed so far.
    pub fn handshakes(&self) -> usize {
        self.handshakes.load(Ordering::SeqCst)
    }
}

fn open(mut client: &TcpStream, opening: Opening) -> io::Result<()> {
    match opening {
        Opening::Direct => Ok(()),
        Opening::Postgres => {
            let mut first = [0];
            client.peek(&mut first)?;
            if first != [0] {
                return Ok(());
            }
            client.read_exact(&mut [0; 8])?;
            client.write_all(b"S")
        }
        Opening::MySql => {
            client.write_all(&FakeMySql::greeting_with_tls())?;
            let mut head = [0; 4];
            client.read_exact(&mut head)?;
            let [a, b, c, _] = head;
            let rest = u32::from_le_bytes([a, b, c, 0]);
            io::copy(&mut client.take(rest.into()), &mut io::sink()).map(drop)
        }
    }
}

fn go_on(mut client: &TcpStream, tls: &mut ServerConnection, then: Sealed) -> io::Result<()> {
    let slowly = Duration::from_secs(1);
    match then {
        Sealed::Silence => {}
        Sealed::HalfARecord => client.write_all(b"\x17\x03\x03\x40\x00half")?,
        Sealed::DrippingRecord => {
            for byte in record(tls, &[0; 4000])? {
                client.write_all(&[byte])?;
                thread::sleep(slowly);
            }
        }
        Sealed::DrippingBytes => loop {
            client.write_all(&record(tls, &[0])?)?;
            thread::sleep(slowly);
        },
        Sealed::Flood => loop {
            client.write_all(&record(tls, &[0; 16_000])?)?;
        },
    }
    stay_silent(client)
}

fn record(tls: &mut ServerConnection, plain: &[u8]) -> io::Result<Vec<u8>> {
    tls.writer().write_all(plain)?;
    let mut bytes = Vec::new();
    while tls.wants_write() {
        tls.write_tls(&mut bytes)?;
    }
    Ok(bytes)
}
