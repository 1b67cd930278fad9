//! From HTTP to a WebSocket.

use std::io::{self, Read, Write};
use std::time::Duration;

use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::derive_accept_key;

use crate::gateway::address::GatewayAddress;
use crate::gateway::error::GatewayError;
use crate::limits;
use crate::net::http::Head;
use crate::net::{base64, http_date};

/// Asks for a WebSocket at `path` (which is a secret: it holds the token) and returns what the gateway sent
/// right after its answer, the beginning of its first frames.
///
/// # Errors
/// `Refused` for another status than 101, and `Upgrade`, for a stream that timed out as well.
pub fn upgrade(
    mut stream: impl Read + Write,
    address: &GatewayAddress,
    path: &str,
) -> Result<Vec<u8>, GatewayError> {
    let key = generate_key();
    let (head, rest) = stream
        .write_all(request(address, path, &key).as_bytes())
        .and_then(|()| stream.flush())
        .and_then(|()| Head::read_alone(&mut stream))
        .and_then(|answer| check(&answer.0, &key).map(|()| answer))
        .map_err(|source| GatewayError::Upgrade { source })?;
    if head.status == 101 {
        return Ok(rest);
    }
    Err(GatewayError::Refused {
        status: head.status,
        retry_after: retry_after(&head),
    })
}

fn request(address: &GatewayAddress, path: &str, key: &str) -> String {
    let mut request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nUser-Agent: semilayer-runner/{}\r\n",
        address.authority(),
        env!("CARGO_PKG_VERSION")
    );
    if let Some(user) = address.user() {
        let code = base64::encode(user.as_bytes());
        request.push_str(&format!("Authorization: Basic {code}\r\n"));
    }
    request.push_str("\r\n");
    request
}

/// A 101 must prove that whoever sent it speaks WebSocket, and must not ask for more than was offered.
fn check(head: &Head, key: &str) -> io::Result<()> {
    let accepted = derive_accept_key(key.as_bytes());
    let problem = if head.status != 101 {
        return Ok(());
    } else if !head.lists("upgrade", "websocket") || !head.lists("connection", "upgrade") {
        "its answer 101 is no upgrade to a WebSocket"
    } else if head.header("sec-websocket-accept") != Some(accepted.as_str()) {
        "its answer 101 belongs to another request"
    } else if head.header("sec-websocket-extensions").is_some() {
        "its answer 101 names an extension that was not offered"
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::InvalidData, problem))
}

/// `Retry-After` as seconds, or as a date, which is compared with the server's own `Date` because our clock
/// may be wrong.
fn retry_after(head: &Head) -> Option<Duration> {
    let value = head.header("retry-after")?;
    let seconds = match value.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let then = http_date::parse(value)?;
            let now = http_date::parse(head.header("date")?)?;
            then.saturating_sub(now)
        }
    };
    Some(Duration::from_secs(seconds).min(limits::MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn ask(step: usize, answer: fn(&str) -> String) -> (Result<Vec<u8>, GatewayError>, String) {
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
        assert!(request.contains("\r\nAuthorization: Basic dTpw\r\n"));
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
        assert!(matches!(error, GatewayError::Refused { status: 503, .. }));
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
            |_| accept("another key"),
            |key| accept(key).replace("Accept", "Extensions: x\r\nSec-WebSocket-Accept"),
            |_| "x".repeat(1 << 20),
        ] {
            let (result, _) = ask(4096, answer);
            assert!(matches!(result, Err(GatewayError::Upgrade { .. })));
        }
    }
}
