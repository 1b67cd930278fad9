//! The health listener: tells a platform that insists on a port that the process is alive.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use log::debug;

use crate::gateway::{Budget, Budgeted};

/// A client has this long to ask and to take its answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Clients at a time. More are hung up on: a probe comes alone, and every few seconds.
const CLIENTS: usize = 16;
/// Longest request line and headers.
const MAX_HEAD: usize = 8 << 10;

/// Listens on all addresses. Each client has a short-lived thread, so that a slow one holds up nobody.
///
/// # Errors
/// The port is taken, or may not be used.
pub fn listen(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))
        .map_err(|e| io::Error::new(e.kind(), format!("PORT {port} cannot be used: {e}")))?;
    thread::Builder::new()
        .name("health".into())
        .spawn(move || accept(&listener))?;
    Ok(())
}

fn accept(listener: &TcpListener) {
    // Each client holds one more reference.
    let clients = Arc::new(());
    for client in listener.incoming() {
        match client {
            Ok(tcp) if Arc::strong_count(&clients) <= CLIENTS => {
                let place = Arc::clone(&clients);
                let served = thread::Builder::new()
                    .name("health-client".into())
                    .spawn(move || {
                        let _place = place;
                        if let Err(error) = serve(&tcp) {
                            debug!("health client: {error}");
                        }
                    });
                if let Err(error) = served {
                    debug!("health client: {error}");
                }
            }
            Ok(_) => {}
            Err(error) => {
                debug!("health listener: {error}");
                // Out of file descriptors, most likely: trying again at once would only burn CPU.
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

fn serve(tcp: &TcpStream) -> io::Result<()> {
    let budget = Budget::new(PATIENCE);
    let mut stream = Budgeted { tcp, budget };
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        let count = stream.read(&mut part)?;
        if count == 0 || head.len() > MAX_HEAD {
            return Ok(());
        }
        head.extend(part.iter().take(count));
    }
    stream.write_all(answer(&head).as_bytes())
}

/// The official answers: `/health` and nothing else, whatever the method, whatever the state of the link.
fn answer(head: &[u8]) -> &'static str {
    let mut words = head.split(|b| *b == b' ');
    if words.nth(1) == Some(b"/health") {
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\
         connection: close\r\n\r\n{\"ok\":true}"
    } else {
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_path_is_healthy() {
        for good in [
            "GET /health HTTP/1.1\r\n\r\n",
            "POST /health HTTP/1.0\r\n\r\n",
        ] {
            assert!(answer(good.as_bytes()).starts_with("HTTP/1.1 200"));
        }
        for bad in [
            "GET /health?x HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert!(answer(bad.as_bytes()).starts_with("HTTP/1.1 404"));
        }
    }

    #[test]
    fn a_silent_client_holds_up_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || accept(&listener));
        let _silent: Vec<_> = (0..3)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        let mut tcp = TcpStream::connect(address).unwrap();
        tcp.write_all(b"GET /health HTTP/1.1\r\n\r\n").unwrap();
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("{\"ok\":true}"));
    }
}
