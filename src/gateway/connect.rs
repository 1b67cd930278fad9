//! A way through an HTTP proxy.

use std::io::{Read, Write};

use crate::gateway::address::GatewayAddress;
use crate::gateway::error::LinkError;
use crate::gateway::proxy::Proxy;
use crate::net::base64;
use crate::net::{HttpHead, not_http};

/// Asks the proxy at the other end of `stream` for a tunnel to the gateway. Time-outs of the stream come back
/// as [`LinkError::Proxy`].
pub fn connect(
    mut stream: impl Read + Write,
    proxy: &Proxy,
    address: &GatewayAddress,
) -> Result<(), LinkError> {
    let failed = |source| LinkError::Proxy {
        proxy: proxy.to_string(),
        source,
    };
    let target = address.host_port();
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some(user) = proxy.user() {
        let code = base64::encode(user.as_bytes());
        request.push_str(&format!("Proxy-Authorization: Basic {code}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).map_err(failed)?;
    let head = HttpHead::read(&mut stream).map_err(failed)?;
    let status = head.status;
    if !(200..300).contains(&status) {
        return Err(LinkError::ProxyRefused {
            proxy: proxy.to_string(),
            status,
        });
    }
    // In a tunnel the client speaks first.
    if head.ends_the_answer {
        Ok(())
    } else {
        Err(failed(not_http()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

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

    fn ask(proxy: &str, answer: &'static str) -> (Result<(), LinkError>, String) {
        let mut stream = Scripted {
            answer: io::Cursor::new(answer.as_bytes()),
            request: Vec::new(),
        };
        let address = GatewayAddress::parse("wss://gateway.example.com/c", false).unwrap();
        let result = connect(&mut stream, &Proxy::parse(proxy).unwrap(), &address);
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
        assert!(matches!(
            result,
            Err(LinkError::ProxyRefused { status: 407, .. })
        ));
        assert!(!request.contains("Authorization"));
        for answer in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\n\r\nSSH-2.0",
            "SSH-2.0\r\n\r\n",
            "HTTP/1.1\r\n\r\n",
        ] {
            let (result, _) = ask("proxy", answer);
            assert!(matches!(result, Err(LinkError::Proxy { .. })), "{answer}");
        }
    }
}
