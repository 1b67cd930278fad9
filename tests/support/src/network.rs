//! Hosts that misbehave, and what proxies are made of.

use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A host that takes every connection and never says a word: what a hung database looks like.
pub struct BlackHole {
    /// Where it listens.
    pub address: SocketAddr,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl BlackHole {
    /// Listens on a free port of the loopback interface.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(Mutex::new(Vec::new()));
        let held = connections.clone();
        let hold = move || {
            for stream in listener.incoming().flatten() {
                held.lock().expect("the list").push(stream);
            }
        };
        thread::Builder::new()
            .name("black-hole".into())
            .spawn(hold)
            .expect("a thread");
        Self {
            address,
            connections,
        }
    }

    /// Connections taken so far.
    pub fn connections(&self) -> usize {
        self.connections.lock().expect("the list").len()
    }
}

/// A host that does not even complete a connection: its backlog is full, further packets are dropped. What a
/// firewall that drops looks like.
pub struct FullBacklog {
    /// Where it listens.
    pub address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl FullBacklog {
    /// Fills the backlog of a port of the loopback interface.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            waiting.push(stream);
            assert!(waiting.len() < 10_000, "the backlog does not fill up");
        }
        Self {
            address,
            _listener: listener,
            _waiting: waiting,
        }
    }
}

/// Passes bytes between two connections, both ways, until both are at their end.
pub fn join(one: &TcpStream, other: &TcpStream) -> io::Result<()> {
    let (from, to) = (one.try_clone()?, other.try_clone()?);
    let back = thread::Builder::new()
        .name("join".into())
        .spawn(move || pass(from, to))?;
    pass(other.try_clone()?, one.try_clone()?);
    back.join().expect("bytes are passed without panic");
    Ok(())
}

/// What breaks one side is the other's end.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// The head of an HTTP request, up to its empty line; `None` when the client goes before that.
pub fn read_head(client: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if client.read(&mut byte).unwrap_or(0) == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    Some(String::from_utf8(head).expect("a head in UTF-8"))
}

/// A port of the loopback interface where nothing listens.
pub fn closed_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}
