//! A tunnel through a proxy: by CONNECT, or by SOCKS.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection};

use crate::net::http::{Head, nonsense};
use crate::net::layers::handshake;
use crate::net::socks::open_socks;
use crate::net::{Budget, Proxy, ProxyKind, base64, bracketed, resolve};

/// Why there is no tunnel.
#[derive(Debug)]
pub enum TunnelError {
    /// The proxy answers with this status; 407 when it wants a user.
    Refused(u16),
    /// It breaks off, is silent (`TimedOut`), or does not speak HTTP.
    Broken(io::Error),
}

/// Asks the proxy at the other end of `stream` for a tunnel to a host. The TLS with the proxy itself, if it is reached by
/// that; its certificate is checked by `tls`.
///
/// # Errors
/// The proxy's refusal, or what went wrong.
pub fn open_tunnel<S: Read + Write>(
    stream: &mut S,
    proxy: &Proxy,
    (host, port): (&str, u16),
    tls: &Arc<ClientConfig>,
    budget: Budget,
) -> Result<Option<ClientConnection>, TunnelError> {
    let target = || format!("{}:{port}", bracketed(host));
    let socks = match proxy.kind {
        ProxyKind::Http => return open_http(stream, proxy, &target()).map(|()| None),
        ProxyKind::Https => {
            let outer = handshake(&proxy.host, tls, stream);
            let mut outer = outer.map_err(TunnelError::Broken)?;
            open_http(rustls::Stream::new(&mut outer, stream), proxy, &target())?;
            return Ok(Some(outer));
        }
        ProxyKind::SocksByName => open_socks(stream, proxy, host, port),
        ProxyKind::Socks => budget
            .left()
            .and_then(|left| resolve(host, port, left))
            .and_then(|found| found.first().copied().ok_or(io::ErrorKind::NotFound.into()))
            .and_then(|address| open_socks(stream, proxy, &address.ip().to_string(), port)),
    };
    socks.map(|()| None).map_err(TunnelError::Broken)
}

fn open_http(
    mut stream: impl Read + Write,
    proxy: &Proxy,
    target: &str,
) -> Result<(), TunnelError> {
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some(user) = proxy.user() {
        let code = base64::encode(user.as_bytes());
        request.push_str(&format!("Proxy-Authorization: Basic {code}\r\n"));
    }
    request.push_str("\r\n");
    let answer = stream
        .write_all(request.as_bytes())
        .and_then(|()| Head::read_alone(&mut stream));
    match answer.map_err(TunnelError::Broken)? {
        // In a tunnel the client speaks first.
        (head, rest) if head.is_success() && rest.is_empty() => Ok(()),
        (head, _) if head.is_success() => Err(TunnelError::Broken(nonsense("not HTTP"))),
        (head, _) => Err(TunnelError::Refused(head.status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scripted {
        answer: io::Cursor<&'static [u8]>,
        request: Vec<u8>,
    }

    impl Read for Scripted {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.answer.read(buf)
        }
    }

    impl Write for Scripted {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.request.write(buf)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn ask(proxy: &str, answer: &'static str) -> (Result<(), TunnelError>, String) {
        let mut stream = Scripted {
            answer: io::Cursor::new(answer.as_bytes()),
            request: Vec::new(),
        };
        let proxy = Proxy::parse(proxy).unwrap();
        let result = open_http(&mut stream, &proxy, "gateway.example.com:443");
        (result, String::from_utf8(stream.request).unwrap())
    }

    #[test]
    fn a_tunnel_is_asked_for_with_user() {
        let (result, request) = ask("http://u:p@proxy:3128", "HTTP/1.1 200 OK\r\nVia: x\r\n\r\n");
        result.unwrap();
        assert_eq!(
            request,
            "CONNECT gateway.example.com:443 HTTP/1.1\r\nHost: gateway.example.com:443\r\n\
             Proxy-Authorization: Basic dTpw\r\n\r\n"
        );
    }

    #[test]
    fn refusals_and_nonsense_are_told_apart() {
        let (result, request) = ask("proxy", "HTTP/1.1 407 Who are you\r\n\r\n<html>");
        assert!(matches!(result, Err(TunnelError::Refused(407))));
        assert!(!request.contains("Authorization"));
        for answer in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\n\r\nSSH-2.0",
            "SSH-2.0\r\n\r\n",
            "HTTP/1.1\r\n\r\n",
        ] {
            let (result, _) = ask("proxy", answer);
            assert!(matches!(result, Err(TunnelError::Broken(_))), "{answer}");
        }
    }
}
