//! Hosts that misbehave.

use std::io::{Read, Write};
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

/// A port of the loopback interface where nothing listens.
pub fn closed_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A relay in front of a host that can stop passing bytes on, as a network that fails mid-way does.
pub struct Relay {
    /// Where it listens.
    pub address: SocketAddr,
    links: Arc<Mutex<Links>>,
}

#[derive(Default)]
struct Links {
    frozen: bool,
    streams: Vec<TcpStream>,
}

impl Relay {
    /// Relays a free port of the loopback interface to `target`.
    pub fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let links = Arc::new(Mutex::new(Links::default()));
        let shared = links.clone();
        let relay = move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(target) else {
                    continue;
                };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let from = from.try_clone().expect("a socket");
                    let to = to.try_clone().expect("a socket");
                    let links = shared.clone();
                    let spawned = thread::Builder::new().name("relay".into());
                    spawned
                        .spawn(move || pump(from, to, &links))
                        .expect("a thread");
                }
                shared
                    .lock()
                    .expect("the list")
                    .streams
                    .extend([client, server]);
            }
        };
        thread::Builder::new()
            .name("relay-accept".into())
            .spawn(relay)
            .expect("a thread");
        Self { address, links }
    }

    /// From now on swallows every byte, without closing anything.
    pub fn freeze(&self) {
        self.links.lock().expect("the list").frozen = true;
    }

    /// Cuts every connection so far.
    pub fn cut(&self) {
        for stream in self.links.lock().expect("the list").streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, links: &Mutex<Links>) {
    let mut buffer = [0; 16 << 10];
    loop {
        let count = from.read(&mut buffer).unwrap_or(0);
        if links.lock().expect("the list").frozen && count > 0 {
            continue;
        }
        if count == 0 || to.write_all(&buffer[..count]).is_err() {
            let _ = to.shutdown(Shutdown::Both);
            return;
        }
    }
}
