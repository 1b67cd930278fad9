//! Asks a running process' health listener, for images without a shell.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::limits;
use crate::net::http::Head;
use crate::net::{Budget, Budgeted};

/// Asks the listener at `address` for `path`: `Ok` with the body if it answers 200.
///
/// # Errors
/// What is wrong, for people: nobody listens there, no answer in time, another answer.
pub fn ask(address: SocketAddr, path: &str) -> Result<String, String> {
    let (status, body) = exchange(address, path).map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("nobody listens on {address}"),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            format!("no answer from {address} in time")
        }
        _ => format!("{address}: {error}"),
    })?;
    if status == 200 {
        Ok(body)
    } else {
        Err(format!("{path} answers {status} {body}")
            .trim_end()
            .to_owned())
    }
}

fn exchange(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let budget = Budget::new(limits::HEALTH_PATIENCE);
    let tcp = TcpStream::connect_timeout(&address, budget.left()?)?;
    let mut stream = Budgeted { tcp: &tcp, budget };
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let (head, mut body) = Head::read_alone(&mut stream)?;
    stream
        .take(limits::HEALTH_HEAD as u64)
        .read_to_end(&mut body)?;
    Ok((head.status, String::from_utf8_lossy(&body).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    fn answering(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut tcp, _) = listener.accept().unwrap();
            let _ = tcp.read(&mut [0; 1024]);
            tcp.write_all(answer.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn only_200_is_good() {
        let good = answering("HTTP/1.1 200 OK\r\n\r\nfine");
        assert_eq!(ask(good, "/ready"), Ok("fine".to_owned()));
        let bad = answering("HTTP/1.1 503 Service Unavailable\r\n\r\nno");
        assert_eq!(ask(bad, "/ready"), Err("/ready answers 503 no".to_owned()));
        assert!(ask(answering("nonsense"), "/").is_err());
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = closed.local_addr().unwrap();
        drop(closed);
        assert!(ask(address, "/").unwrap_err().starts_with("nobody listens"));
    }
}
