//! From HTTP to a WebSocket.

use std::io::{self, Read, Write};

use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::derive_accept_key;

use crate::gateway::address::GatewayAddress;
use crate::gateway::credentials::{Credentials, quote};
use crate::gateway::error::GatewayError;
use crate::gateway::refusal::Refusal;
use crate::gateway::transport::{Destination, Transport, TransportStream, or_timed_out};
use crate::limits;
use crate::net::http::Head;
use crate::net::{Budget, base64};

/// Asks for a WebSocket and returns what the gateway sent right after its answer, the beginning of its first
/// frames.
///
/// # Errors
/// `Refused` for another status than 101, and `Upgrade`, for a stream that timed out as well.
pub fn upgrade(
    transport: &mut Transport,
    destination: &Destination<'_>,
    budget: Budget,
) -> Result<Vec<u8>, GatewayError> {
    let mut stream = transport.stream(budget);
    // A body that does not end is not worth the whole budget.
    let hurry = |stream: &mut TransportStream<'_>| {
        stream.until(budget.at_most(limits::REFUSAL_PATIENCE));
    };
    exchange(
        &mut stream,
        destination.address,
        destination.credentials,
        hurry,
    )
    .map_err(|error| or_timed_out(error, budget))
}

fn exchange<S: Read + Write>(
    stream: &mut S,
    address: &GatewayAddress,
    credentials: Option<&Credentials>,
    hurry: impl FnOnce(&mut S),
) -> Result<Vec<u8>, GatewayError> {
    let key = generate_key();
    let (head, rest) = stream
        .write_all(request(address, credentials, &key).as_bytes())
        .and_then(|()| stream.flush())
        .and_then(|()| Head::read_alone(&mut *stream))
        .and_then(|answer| check(&answer.0, &key).map(|()| answer))
        .map_err(|source| GatewayError::Upgrade { source })?;
    if head.status == 101 {
        return Ok(rest);
    }
    hurry(stream);
    let refusal = Refusal::read(head, rest, stream, address, |said| match credentials {
        Some(credentials) => credentials.quote(said),
        None => quote(said),
    });
    Err(GatewayError::Refused(refusal))
}

/// The request; a secret, for it holds the token.
fn request(address: &GatewayAddress, credentials: Option<&Credentials>, key: &str) -> String {
    let path = match credentials {
        Some(credentials) => credentials.path(address),
        None => address.path_with(&[]),
    };
    let mut request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nUser-Agent: semilayer-runner/{}\r\n",
        address.authority(),
        env!("CARGO_PKG_VERSION")
    );
    // There is one such header; who asks for the token in it needs no user of the URL.
    let bearer = credentials.and_then(Credentials::authorization);
    let basic = || {
        Some(format!(
            "Basic {}",
            base64::encode(address.user()?.as_bytes())
        ))
    };
    if let Some(authorization) = bearer.or_else(basic) {
        request.push_str(&format!("Authorization: {authorization}\r\n"));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use std::time::Duration;

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
        ask_with(false, step, answer)
    }

    fn ask_with(
        header: bool,
        step: usize,
        answer: fn(&str) -> String,
    ) -> (Result<Vec<u8>, GatewayError>, String) {
        let mut server = Server {
            request: Vec::new(),
            answer,
            sent: 0,
            step,
        };
        let address = GatewayAddress::parse("wss://u:p@h:8443/c?x=1", false).unwrap();
        let credentials = Credentials {
            runner_id: "id".into(),
            token: Secret::new("rk_1".into()),
            token_parameter: Some("token".into()),
            id_parameter: None,
            header,
        };
        let result = exchange(&mut server, &address, Some(&credentials), |_| {});
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
        assert!(matches!(&error, GatewayError::Refused(refusal) if refusal.status == 503));
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
    fn the_token_goes_as_a_bearer_header_if_asked_to() {
        let (_, request) = ask_with(true, 4096, accept);
        assert!(request.contains("\r\nAuthorization: Bearer rk_1\r\n"));
        assert_eq!(request.matches("Authorization").count(), 1);
    }

    #[test]
    fn a_refusal_is_told_in_its_own_words_without_the_token() {
        for (answer, location, body) in [
            (
                (|_| {
                    "HTTP/1.1 401 No\r\nContent-Length: 23\r\n\r\n{\"error\":\n\"bad rk_1 \u{1b}\"}and more"
                        .into()
                }) as fn(&str) -> String,
                None,
                "{\"error\": \"bad … \u{fffd}\"}",
            ),
            (
                |_| {
                    "HTTP/1.1 308 x\r\nLocation: https://n/connect?token=rk_1\r\n\
                     Transfer-Encoding: chunked\r\n\r\n5\r\nmoved\r\n0\r\n\r\n"
                        .into()
                },
                Some("wss://n/connect"),
                "moved",
            ),
            (
                |_| "HTTP/1.1 403 x\r\nContent-Length: 99\r\n\r\ncut".into(),
                None,
                "cut",
            ),
            (|_| "HTTP/1.1 404 x\r\n\r\n".into(), None, ""),
        ] {
            let (result, _) = ask(7, answer);
            let Err(GatewayError::Refused(refusal)) = result else {
                panic!("{result:?}")
            };
            assert_eq!(refusal.location.as_deref(), location);
            assert_eq!(refusal.body, body);
        }
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
