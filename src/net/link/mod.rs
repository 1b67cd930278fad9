//! A blocking connection to a database: one budget for connecting, a point in time by which every read and
//! write is over, and an end that any thread can bring about.

mod cutter;
mod dial;
mod error;
mod timed;

use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Instant;

use crate::net::{Budget, Layers};

pub use cutter::Cutter;
pub use dial::Peer;
pub use error::DialError;

use timed::Timed;

/// An open connection, encrypted or not.
pub struct Link {
    socket: Timed,
    tls: Option<Box<Layers>>,
}

impl Link {
    /// Connects to a host and port: name, TCP, proxy and TLS share the budget.
    ///
    /// # Errors
    /// The step that failed, or ran out of time, or was cut.
    pub fn open(peer: &Peer, budget: Budget, cutter: &Cutter) -> Result<Self, DialError> {
        dial::open(peer, budget, cutter).map_err(|error| error.in_view_of(budget, cutter))
    }

    /// Connects to a socket of the file system.
    ///
    /// # Errors
    /// As [`Link::open`].
    pub fn open_local(path: &Path, budget: Budget, cutter: &Cutter) -> Result<Self, DialError> {
        dial::open_local(path, budget, cutter).map_err(|error| error.in_view_of(budget, cutter))
    }

    /// From now on reads and writes end at this point in time, by an error of kind `TimedOut`.
    pub fn until(&mut self, at: Instant) {
        self.socket.until = at;
    }

    /// True when the connection is encrypted.
    pub fn encrypted(&self) -> bool {
        self.tls.is_some()
    }
}

impl Read for Link {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => self.socket.read(buf),
            Some(tls) => tls.read_from(&mut self.socket, buf),
        }
    }
}

impl Write for Link {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => self.socket.write(buf),
            Some(tls) => tls.write_to(&mut self.socket, buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            None => Ok(()),
            Some(tls) => tls.flush_to(&mut self.socket),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{ConnectError, Proxy};
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(60);

    fn peer(port: u16) -> Peer {
        Peer {
            host: "127.0.0.1".into(),
            port,
            proxy: None,
            tls: None,
        }
    }

    fn listener() -> (TcpListener, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[test]
    fn a_read_ends_when_another_thread_cuts_the_link() {
        let (listener, port) = listener();
        let cutter = Cutter::default();
        let mut link = Link::open(&peer(port), Budget::new(LONG), &cutter).unwrap();
        let _silent = listener.accept().unwrap();
        let reader = thread::spawn(move || link.read(&mut [0; 8]).unwrap_err().kind());
        cutter.cut();
        assert_eq!(reader.join().unwrap(), io::ErrorKind::ConnectionAborted);
        let again = Link::open(&peer(port), Budget::new(LONG), &cutter);
        assert!(matches!(again, Err(DialError::Cut)));
    }

    #[test]
    fn a_connection_being_made_is_cut_too() {
        // A full queue of a listener that accepts nothing leaves the next connection waiting.
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.unwrap();
        let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
        socket.bind(&any.into()).unwrap();
        socket.listen(0).unwrap();
        let port = socket.local_addr().unwrap().as_socket().unwrap().port();
        let mut waiting = Vec::new();
        while let Ok(link) = Link::open(
            &peer(port),
            Budget::new(Duration::from_millis(50)),
            &Cutter::default(),
        ) {
            waiting.push(link);
        }
        let cutter = Cutter::default();
        let theirs = cutter.clone();
        let dialling =
            thread::spawn(move || Link::open(&peer(port), Budget::new(LONG), &theirs).map(|_| ()));
        let start = Instant::now();
        while !dialling.is_finished() && start.elapsed() < LONG {
            thread::sleep(Duration::from_millis(5));
            cutter.cut();
        }
        assert!(matches!(dialling.join().unwrap(), Err(DialError::Cut)));
    }

    #[test]
    fn reads_end_in_time() {
        let (listener, port) = listener();
        let mut link = Link::open(&peer(port), Budget::new(LONG), &Cutter::default()).unwrap();
        let _silent = listener.accept().unwrap();
        for wait in [0, 30] {
            link.until(Instant::now() + Duration::from_millis(wait));
            let error = link.read(&mut [0; 8]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        }
    }

    #[test]
    fn a_proxy_is_asked_for_the_way() {
        for (answer, opened) in [
            ("HTTP/1.1 200 OK\r\nVia: x\r\n\r\n", true),
            ("HTTP/1.1 407 Who are you\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\n\r\nSSH-2.0", false),
            ("SSH-2.0\r\n\r\n", false),
        ] {
            let (listener, port) = listener();
            let proxied = Peer {
                host: "db.invalid".into(),
                proxy: Some(Proxy::parse(&format!("http://u:p@127.0.0.1:{port}")).unwrap()),
                ..peer(8123)
            };
            let dialling = thread::spawn(move || {
                Link::open(&proxied, Budget::new(LONG), &Cutter::default()).map(|_| ())
            });
            let (mut tcp, _) = listener.accept().unwrap();
            let mut request = [0; 200];
            let count = tcp.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..count]);
            assert_eq!(
                request,
                "CONNECT db.invalid:8123 HTTP/1.1\r\nHost: db.invalid:8123\r\n\
                 Proxy-Authorization: Basic dTpw\r\n\r\n"
            );
            tcp.write_all(answer.as_bytes()).unwrap();
            let result = dialling.join().unwrap();
            assert_eq!(result.is_ok(), opened, "{answer}: {result:?}");
        }
    }

    #[test]
    fn a_dial_that_fails_says_where() {
        let (listener, port) = listener();
        drop(listener);
        let open =
            |peer: &Peer, budget| Link::open(peer, Budget::new(budget), &Cutter::default()).err();
        assert!(matches!(
            open(&peer(port), LONG),
            Some(DialError::Connect(ConnectError {
                address: Some(_),
                ..
            }))
        ));
        let nowhere = Peer {
            host: "nowhere.invalid".into(),
            ..peer(1)
        };
        assert!(matches!(
            open(&nowhere, LONG),
            Some(DialError::Connect(ConnectError { address: None, .. }))
        ));
        assert!(matches!(
            open(&peer(port), Duration::ZERO),
            Some(DialError::TimedOut { .. })
        ));
        let missing = Link::open_local(
            Path::new("/nonexistent/s.sock"),
            Budget::new(LONG),
            &Cutter::default(),
        );
        assert!(matches!(missing, Err(DialError::Local { .. })));
    }
}
