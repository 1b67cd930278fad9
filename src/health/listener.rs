//! Accepts clients. Each has a short-lived thread and a budget, so that a slow one holds up nobody; when there
//! are too many the oldest is hung up on, so that a crowd of silent clients does not lock out a probe.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use log::debug;

use crate::health::Response;
use crate::limits;
use crate::net::{Budget, Budgeted};

/// Answers a request line; called on a client's thread.
type Respond = dyn Fn(&[u8]) -> Response + Send + Sync;

/// Listens at `address` for the life of the process. `respond` is given the request's first line and headers.
///
/// # Errors
/// The address is taken, or may not be used.
pub fn listen(address: SocketAddr, respond: Arc<Respond>) -> io::Result<()> {
    let listener = TcpListener::bind(address).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("the health listener cannot use {address}: {error}"),
        )
    })?;
    thread::Builder::new()
        .name("health".into())
        .spawn(move || accept(&listener, &respond))?;
    Ok(())
}

fn accept(listener: &TcpListener, respond: &Arc<Respond>) {
    // Oldest first. Only its thread keeps a client's socket open.
    let mut clients: VecDeque<Weak<TcpStream>> = VecDeque::new();
    for client in listener.incoming() {
        let tcp = match client {
            Ok(tcp) => Arc::new(tcp),
            Err(error) => {
                debug!("health listener: {error}");
                // Out of file descriptors, most likely: trying again at once would only burn CPU.
                thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        clients.retain(|client| client.strong_count() > 0);
        if clients.len() >= limits::HEALTH_CLIENTS
            && let Some(oldest) = clients.pop_front().and_then(|client| client.upgrade())
        {
            // It may be gone already.
            let _ = oldest.shutdown(Shutdown::Both);
        }
        let client = Arc::downgrade(&tcp);
        let respond = Arc::clone(respond);
        let served = thread::Builder::new()
            .name("health-client".into())
            .spawn(move || {
                if let Err(error) = serve(&tcp, &*respond) {
                    debug!("health client: {error}");
                }
            });
        match served {
            Ok(_) => clients.push_back(client),
            Err(error) => debug!("health client: {error}"),
        }
    }
}

fn serve(tcp: &TcpStream, respond: &Respond) -> io::Result<()> {
    let budget = Budget::new(limits::HEALTH_PATIENCE);
    let mut stream = Budgeted { tcp, budget };
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        let count = stream.read(&mut part)?;
        if count == 0 || head.len() > limits::HEALTH_HEAD {
            return Ok(());
        }
        head.extend(part.iter().take(count));
    }
    stream.write_all(&respond(&head).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let respond: Arc<Respond> = Arc::new(|_| Response::ok("text/plain", "fine"));
            accept(&listener, &respond);
        });
        address
    }

    fn answer(address: SocketAddr) -> String {
        let mut tcp = TcpStream::connect(address).unwrap();
        tcp.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn a_crowd_of_silent_clients_locks_out_nobody() {
        let address = started();
        let silent: Vec<_> = (0..2 * limits::HEALTH_CLIENTS)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        assert!(answer(address).ends_with("fine"));
        // The first of them made room for the others.
        let mut first = &silent[0];
        assert_eq!(first.read(&mut [0; 1]).unwrap(), 0);
    }

    #[test]
    fn an_endless_head_is_not_read_to_its_end() {
        let mut tcp = TcpStream::connect(started()).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let line = [b'x'; 1024];
        // Whether writing or reading fails first depends on who is faster.
        let sent = (0..64).try_for_each(|_| tcp.write_all(&line));
        let read = tcp.read(&mut [0; 64]);
        assert!(
            sent.is_err() || !matches!(read, Ok(1..)),
            "{sent:?} {read:?}"
        );
    }
}
