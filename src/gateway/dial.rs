//! From an address to an open WebSocket, within one budget.

use std::sync::Arc;

use crate::gateway::error::GatewayError;
use crate::gateway::socket::Socket;
use crate::gateway::transport::{Destination, Transport};
use crate::gateway::upgrade::upgrade;
use crate::net::Budget;

/// An open WebSocket on which nothing was said yet.
pub struct OpenWebSocket {
    /// The socket, with its TLS state.
    pub socket: Arc<Socket>,
    /// The first bytes of the gateway's first frames, which came with the answer to the upgrade.
    pub early: Vec<u8>,
}

/// Connects.
pub fn dial(destination: &Destination<'_>, budget: Budget) -> Result<OpenWebSocket, GatewayError> {
    let mut transport = Transport::open(destination, budget, &mut |_| {})?;
    let early = upgrade(&mut transport, destination, budget)?;
    let (tcp, tls) = transport.into_parts();
    tcp.set_write_timeout(None)
        .map_err(|source| GatewayError::System { source })?;
    Ok(OpenWebSocket {
        socket: Arc::new(Socket::new(tcp, tls)),
        early,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::address::GatewayAddress;
    use crate::net::{Phase, Proxy};
    use std::io::Read;
    use std::net::TcpListener;
    use std::thread;
    use std::time::{Duration, Instant};

    fn attempt(url: &str, proxy: Option<&Proxy>, budget: Duration) -> GatewayError {
        let address = GatewayAddress::parse(url, false).unwrap();
        let destination = Destination {
            address: &address,
            proxy,
            credentials: None,
            tls: &crate::tls::verified().unwrap(),
        };
        match dial(&destination, Budget::new(budget)) {
            Ok(_) => panic!("connected"),
            Err(error) => error,
        }
    }

    /// A listener that accepts and says nothing until its peer hangs up.
    fn mute() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for tcp in listener.incoming() {
                let mut rest = Vec::new();
                let _ = tcp.unwrap().read_to_end(&mut rest);
            }
        });
        port
    }

    #[test]
    fn the_phase_that_ran_out_of_time_is_named() {
        let port = mute();
        let start = Instant::now();
        let budget = Duration::from_millis(60);
        for (url, through_proxy, expected) in [
            (format!("ws://127.0.0.1:{port}"), false, Phase::Upgrade),
            (format!("wss://127.0.0.1:{port}"), false, Phase::Tls),
            ("wss://gateway.invalid".into(), true, Phase::Proxy),
        ] {
            let proxy = Proxy::parse(&format!("127.0.0.1:{port}")).unwrap();
            let error = attempt(&url, through_proxy.then_some(&proxy), budget);
            let GatewayError::TimedOut { phase, .. } = error else {
                panic!("{error:?}")
            };
            assert_eq!(phase, expected);
        }
        assert!(start.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn a_refused_connection_is_reported_at_once() {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let error = attempt(
            &format!("wss://127.0.0.1:{port}"),
            None,
            Duration::from_secs(20),
        );
        assert!(matches!(error, GatewayError::Connect(_)), "{error:?}");
    }
}
