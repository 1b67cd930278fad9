//! The WebSocket upgrade of a runner: what it asked for, and whether it is let in.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use url::Url;

/// What a runner's upgrade request said.
#[derive(Debug, Clone)]
pub struct Upgrade {
    /// The how-manieth upgrade of this gateway, from 1.
    pub number: usize,
    /// Path of the request, without its query.
    pub path: String,
    /// Query parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Headers in lower case, in order.
    pub headers: Vec<(String, String)>,
}

impl Upgrade {
    /// The first query parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut found = self.query.iter().filter(|(key, _)| key == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

/// What a gateway does with an upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Lets the runner in.
    Accept,
    /// Accepts the upgrade and closes at once, as the real gateway does with bad credentials.
    Close(u16, &'static str),
    /// Answers the upgrade with this HTTP status and these headers.
    Refuse(u16, Vec<(&'static str, String)>),
    /// The same with a body.
    RefuseSaying(u16, Vec<(&'static str, String)>, String),
    /// Closes the TCP connection without a word.
    Drop,
}

/// Serves one accepted TCP connection up to the end of the upgrade. `None` when it is over: refused, or a
/// plain HTTP request such as the `/health` probe of `doctor`.
#[expect(
    clippy::result_large_err,
    reason = "the shape of tungstenite's callback"
)]
pub fn accept(
    mut stream: TcpStream,
    number: usize,
    admit: impl FnOnce(&Upgrade) -> Admission,
) -> io::Result<Option<(TcpStream, Upgrade, Admission)>> {
    if answer_plain_http(&mut stream)? {
        return Ok(None);
    }
    let admitted = RefCell::new(None);
    let callback = |request: &Request, response: Response| {
        let upgrade = describe(request, number);
        let admission = admit(&upgrade);
        let refused = match &admission {
            Admission::Refuse(status, headers) | Admission::RefuseSaying(status, headers, _) => {
                let mut refused = ErrorResponse::new(match &admission {
                    Admission::RefuseSaying(_, _, body) => Some(body.clone()),
                    _ => None,
                });
                *refused.status_mut() = (*status).try_into().expect("an HTTP status");
                for (name, value) in headers {
                    let value = value.parse().expect("a header value");
                    refused.headers_mut().insert(*name, value);
                }
                Err(refused)
            }
            _ => Ok(response),
        };
        admitted.replace(Some((upgrade, admission)));
        refused
    };
    let handshake = tungstenite::accept_hdr(stream, callback);
    let admitted = admitted.take();
    match (handshake, admitted) {
        // Nothing is lost by taking the socket out: a client may not send before it has read the response.
        (Ok(socket), Some((upgrade, admission))) => {
            Ok(Some((socket.into_inner(), upgrade, admission)))
        }
        (Err(_), Some(_)) => Ok(None),
        (_, None) => Err(ErrorKind::InvalidData.into()),
    }
}

/// Answers `GET /health` the way a gateway's host does. False when the request is something else.
fn answer_plain_http(stream: &mut TcpStream) -> io::Result<bool> {
    const PROBE: &[u8] = b"GET /health";
    let mut start = [0; PROBE.len()];
    let seen = stream.peek(&mut start)?;
    if seen < PROBE.len() || start != PROBE {
        return Ok(false);
    }
    let _ = stream.read(&mut [0; 4096])?;
    stream.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{\"ok\":true}",
    )?;
    Ok(true)
}

fn describe(request: &Request, number: usize) -> Upgrade {
    let target = format!("ws://gateway{}", request.uri());
    let url = Url::parse(&target).expect("a request target");
    let headers = request.headers().iter();
    Upgrade {
        number,
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers: headers
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.as_str().to_owned(), value.into_owned())
            })
            .collect(),
    }
}
