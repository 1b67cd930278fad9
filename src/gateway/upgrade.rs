//! From HTTP to a WebSocket.

use std::io::{self, Read, Write};

use tungstenite::handshake::HandshakeError;
use tungstenite::handshake::client::{ClientHandshake, generate_key};
use tungstenite::http::header::{HeaderMap, RETRY_AFTER};
use tungstenite::http::{self, Request};

use crate::gateway::address::GatewayAddress;
use crate::gateway::error::LinkError;
use crate::limits;
use crate::net::base64;
use crate::net::http_date;

/// Asks for a WebSocket at `path` (which is a secret: it holds the token) and returns what the gateway sent
/// right after its answer, the beginning of its first frames. `TimedOut` from the stream is passed on as
/// [`LinkError::Upgrade`] with that I/O error inside.
pub fn upgrade(
    stream: impl Read + Write,
    address: &GatewayAddress,
    path: &str,
) -> Result<Vec<u8>, LinkError> {
    let request = request(address, path).map_err(|error| LinkError::Upgrade {
        source: Box::new(error.into()),
    })?;
    let head = HeadOnly {
        stream,
        head: Vec::new(),
        given: 0,
        rest: Vec::new(),
    };
    let handshake = ClientHandshake::start(head, request, None).map_err(refused)?;
    match handshake.handshake() {
        Ok((socket, _response)) => Ok(socket.into_inner().rest),
        Err(HandshakeError::Failure(error)) => Err(refused(error)),
        // Only a stream that would block ends up here, and ours times out instead.
        Err(HandshakeError::Interrupted(_)) => {
            Err(refused(io::Error::from(io::ErrorKind::TimedOut).into()))
        }
    }
}

fn request(address: &GatewayAddress, path: &str) -> Result<Request<()>, http::Error> {
    let scheme = if address.tls { "wss" } else { "ws" };
    let mut request = Request::builder()
        .uri(format!("{scheme}://{}{path}", address.authority()))
        .header("Host", address.authority())
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", generate_key())
        .header(
            "User-Agent",
            concat!("semilayer-runner/", env!("CARGO_PKG_VERSION")),
        );
    if let Some(user) = address.user() {
        let value = format!("Basic {}", base64::encode(user.as_bytes()));
        request = request.header("Authorization", value);
    }
    request.body(())
}

fn refused(error: tungstenite::Error) -> LinkError {
    match error {
        tungstenite::Error::Http(response) => LinkError::Refused {
            status: response.status().as_u16(),
            retry_after: retry_after(response.headers()),
        },
        error => LinkError::Upgrade {
            source: Box::new(error),
        },
    }
}

/// `Retry-After` as seconds, or as a date, which is compared with the server's own `Date` because our clock
/// may be wrong.
fn retry_after(headers: &HeaderMap) -> Option<std::time::Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let value = text(RETRY_AFTER)?.trim();
    let seconds = match value.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let then = http_date::parse(value)?;
            let now = http_date::parse(text(http::header::DATE)?)?;
            then.saturating_sub(now)
        }
    };
    Some(std::time::Duration::from_secs(seconds).min(limits::MAX_RETRY_AFTER))
}

/// Lets the handshake see the response's head and nothing after it: the handshake would swallow the frames
/// that may follow at once.
struct HeadOnly<S> {
    stream: S,
    head: Vec<u8>,
    given: usize,
    rest: Vec<u8>,
}

impl<S: Read> Read for HeadOnly<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.given == self.head.len() {
            let mut fresh = [0; 4096];
            let count = self.stream.read(&mut fresh)?;
            self.head.extend(fresh.iter().take(count));
            // The end may have begun in the bytes before.
            let from = self.given.saturating_sub(3);
            let end = self
                .head
                .get(from..)
                .and_then(|new| new.windows(4).position(|w| w == b"\r\n\r\n"));
            if let Some(end) = end {
                self.rest = self.head.split_off(from + end + 4);
            }
        }
        let mut ready = self.head.get(self.given..).unwrap_or_default();
        let count = ready.read(buf)?;
        self.given += count;
        Ok(count)
    }
}

impl<S: Write> Write for HeadOnly<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stream.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tungstenite::handshake::derive_accept_key;

    /// A server in memory that answers as soon as it has read the whole request, `step` bytes a read.
    struct Server {
        request: Vec<u8>,
        answer: fn(key: &str) -> String,
        sent: usize,
        step: usize,
    }

    impl Read for Server {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let request = String::from_utf8_lossy(&self.request).into_owned();
            let key = request
                .lines()
                .find_map(|l| l.strip_prefix("Sec-WebSocket-Key: "));
            let answer = (self.answer)(key.unwrap());
            let rest = &answer.as_bytes()[self.sent..];
            let count = rest.len().min(self.step).min(buf.len());
            buf[..count].copy_from_slice(&rest[..count]);
            self.sent += count;
            Ok(count)
        }
    }

    impl Write for Server {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.request.extend_from_slice(buf);
            Ok(buf.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn ask(step: usize, answer: fn(&str) -> String) -> (Result<Vec<u8>, LinkError>, String) {
        let mut server = Server {
            request: Vec::new(),
            answer,
            sent: 0,
            step,
        };
        let address = GatewayAddress::parse("wss://u:p@h:8443/c?x=1", false).unwrap();
        let path = address.path_with(&[("token", "rk_1")]);
        let result = upgrade(&mut server, &address, &path);
        (result, String::from_utf8(server.request).unwrap())
    }

    fn accept(key: &str) -> String {
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n\u{1}first frame",
            derive_accept_key(key.as_bytes())
        )
    }

    #[test]
    fn frames_right_after_the_answer_are_kept() {
        let (rest, request) = ask(4096, accept);
        assert_eq!(rest.unwrap(), b"\x01first frame");
        assert!(request.starts_with("GET /c?x=1&token=rk_1 HTTP/1.1\r\nHost: h:8443\r\n"));
        assert!(request.contains("\r\nauthorization: Basic dTpw\r\n"));
        // An end of the head that is cut by a packet's end is found, too.
        for step in 70..140 {
            let (rest, _) = ask(step, accept);
            assert!(b"\x01first frame".starts_with(&rest.unwrap()));
        }
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let (result, _) = ask(4096, |_| {
            "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n\r\n".into()
        });
        let error = result.unwrap_err();
        assert!(matches!(error, LinkError::Refused { status: 503, .. }));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        let (result, _) = ask(4096, |_| {
            "HTTP/1.1 429 Slow down\r\nDate: Wed, 21 Oct 2015 07:28:00 GMT\r\n\
             Retry-After: Wed, 21 Oct 2015 07:28:30 GMT\r\n\r\n"
                .into()
        });
        assert_eq!(
            result.unwrap_err().retry_after(),
            Some(Duration::from_secs(30))
        );
        let (result, _) = ask(4096, |_| {
            "HTTP/1.1 401 No\r\nRetry-After: 99999999\r\n\r\n".into()
        });
        let error = result.unwrap_err();
        assert!(error.unauthorized());
        assert_eq!(error.retry_after(), Some(limits::MAX_RETRY_AFTER));
    }

    #[test]
    fn what_is_no_gateway_is_told_so() {
        for answer in [
            (|_| String::new()) as fn(&str) -> String,
            |_| "SSH-2.0-OpenSSH\r\n\r\n".into(),
            |_| "HTTP/1.1 101 x\r\n\r\n".into(),
            |_| "x".repeat(1 << 20),
        ] {
            let (result, _) = ask(4096, answer);
            assert!(matches!(result, Err(LinkError::Upgrade { .. })));
        }
    }
}
