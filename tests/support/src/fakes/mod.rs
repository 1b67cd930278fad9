//! Database servers that log a client in and then misbehave. What they do from there on is the test's own; they
//! know just enough of their protocol to get that far.

mod http;
mod mongodb;
mod mysql;
mod pooler;
mod postgres;
mod sealed;
mod talks;
mod upstash;

pub use http::{FaultyHttp, encrypted};
pub use mongodb::FakeMongodb;
pub use mysql::{FakeMySql, Told};
pub use pooler::Pooler;
pub use postgres::FakePostgres;
pub use sealed::{Opening, Sealed, SealedServer};
pub use talks::{MONGODB_CURSORS, MYSQL_FLOODS, POSTGRES_FLOODS, Villain, villains};
pub use upstash::{UPSTASH_READ_ONLY_TOKEN, UPSTASH_TOKEN, upstash};

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What a server does with a client; it ends when the client is gone.
pub type Behaviour = Arc<dyn Fn(TcpStream) -> io::Result<()> + Send + Sync>;

/// A listener that gives every client a thread. It ends with the test's process.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Server {
    /// Starts to listen on a free port of the loopback interface.
    pub fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let accept = move || {
            for client in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let behaviour = Arc::clone(&behaviour);
                // A client that hangs up is what many of the tests are about.
                let serve = move || drop(behaviour(client));
                let _ = thread::Builder::new().name("fake".into()).spawn(serve);
            }
        };
        thread::Builder::new()
            .name("fake-accept".into())
            .spawn(accept)
            .expect("a thread");
        Self { address, accepted }
    }

    /// Connections so far.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// Sends the same bytes until the client is gone.
pub fn send_forever(mut client: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    let many = bytes.repeat((64 << 10) / bytes.len().max(1) + 1);
    loop {
        client.write_all(&many)?;
    }
}

/// Says nothing until the client is gone.
pub fn stay_silent(mut client: &TcpStream) -> io::Result<()> {
    io::copy(&mut client, &mut io::sink()).map(drop)
}
