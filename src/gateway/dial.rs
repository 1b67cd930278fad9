//! From an address to an open WebSocket, within one budget: DNS, TCP, proxy, TLS, upgrade.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use socket2::{SockRef, TcpKeepalive};

use crate::gateway::address::GatewayAddress;
use crate::gateway::budget::{Budget, Budgeted, Phase};
use crate::gateway::connect::connect;
use crate::gateway::error::LinkError;
use crate::gateway::proxy::Proxy;
use crate::gateway::upgrade::upgrade;
use crate::gateway::wire::Wire;
use crate::{limits, net};

/// Everything there is to know about the other end.
pub struct Destination<'a> {
    /// The gateway.
    pub address: &'a GatewayAddress,
    /// The proxy before it.
    pub proxy: Option<&'a Proxy>,
    /// Path and query of the upgrade; a secret.
    pub path: &'a str,
    /// How its certificate is checked.
    pub tls: &'a Arc<ClientConfig>,
}

/// An open WebSocket on which nothing was said yet.
pub struct Link {
    /// The socket, with its TLS state.
    pub wire: Arc<Wire>,
    /// The first bytes of the gateway's first frames, which came with the answer to the upgrade.
    pub early: Vec<u8>,
}

/// Connects. The name is looked up anew every time, since a gateway may move.
pub fn dial(destination: &Destination<'_>, budget: Budget) -> Result<Link, LinkError> {
    let address = destination.address;
    let timely = |phase| move |error| or_timed_out(error, phase, budget);
    let (host, port) = match destination.proxy {
        Some(proxy) => (proxy.host.as_str(), proxy.port),
        None => (address.host.as_str(), address.port),
    };
    let tcp = open(host, port, budget)?;
    prepare(&tcp).map_err(|source| LinkError::System { source })?;
    let mut stream = Budgeted { tcp: &tcp, budget };
    if let Some(proxy) = destination.proxy {
        connect(&mut stream, proxy, address).map_err(timely(Phase::Proxy))?;
    }
    let mut tls = None;
    let early = if address.tls {
        let connection =
            tls.insert(handshake(destination, &mut stream).map_err(timely(Phase::Tls))?);
        let encrypted = rustls::Stream::new(connection, &mut stream);
        upgrade(encrypted, address, destination.path)
    } else {
        upgrade(&mut stream, address, destination.path)
    }
    .map_err(timely(Phase::Upgrade))?;
    tcp.set_write_timeout(None)
        .map_err(|source| LinkError::System { source })?;
    Ok(Link {
        wire: Arc::new(Wire::new(tcp, tls)),
        early,
    })
}

/// Tries the host's addresses one after the other, each with its share of the time that is left, so that a
/// dead one does not use up the time of the others.
fn open(host: &str, port: u16, budget: Budget) -> Result<TcpStream, LinkError> {
    let dns = |source| {
        let error = LinkError::Dns {
            host: host.to_owned(),
            source,
        };
        or_timed_out(error, Phase::Dns, budget)
    };
    let addresses = budget
        .left()
        .and_then(|left| net::resolve(host, port, left))
        .map_err(dns)?;
    let mut failure = None;
    for (n, address) in addresses.iter().enumerate() {
        let attempt = budget
            .share(addresses.len() - n)
            .and_then(|share| TcpStream::connect_timeout(address, share));
        match attempt {
            Ok(tcp) => return Ok(tcp),
            Err(source) => {
                log::debug!("{address}: {source}");
                failure = Some((*address, source));
            }
        }
    }
    let Some((address, source)) = failure else {
        return Err(dns(io::ErrorKind::NotFound.into()));
    };
    let error = LinkError::Tcp {
        host: host.to_owned(),
        address,
        source,
    };
    Err(or_timed_out(error, Phase::Tcp, budget))
}

fn prepare(tcp: &TcpStream) -> io::Result<()> {
    // Heartbeats and answers are small, and each is waited for.
    tcp.set_nodelay(true)?;
    let socket = SockRef::from(tcp);
    // Packets on their way are not counted, so this costs no throughput, however long the way.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Err(error) = socket.set_tcp_notsent_lowat(limits::UNSENT_BYTES) {
        log::debug!("the kernel's own buffer stays: {error}");
    }
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(limits::TCP_KEEPALIVE))
}

fn handshake(
    destination: &Destination<'_>,
    stream: &mut Budgeted<'_>,
) -> Result<ClientConnection, LinkError> {
    let failed = |source| LinkError::Tls {
        host: destination.address.host.clone(),
        source,
    };
    let name = ServerName::try_from(destination.address.host.clone())
        .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
    let mut tls = ClientConnection::new(Arc::clone(destination.tls), name)
        .map_err(|error| failed(io::Error::other(error)))?;
    while tls.is_handshaking() {
        tls.complete_io(stream).map_err(failed)?;
    }
    Ok(tls)
}

/// An error that is really the end of the budget says so, and in which phase.
fn or_timed_out(error: LinkError, phase: Phase, budget: Budget) -> LinkError {
    let timed_out = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
    let over = match &error {
        LinkError::Dns { source, .. }
        | LinkError::Tcp { source, .. }
        | LinkError::Proxy { source, .. }
        | LinkError::Tls { source, .. } => timed_out(source),
        LinkError::Upgrade { source } => {
            matches!(&**source, tungstenite::Error::Io(source) if timed_out(source))
        }
        _ => false,
    };
    if over {
        LinkError::TimedOut {
            phase,
            budget: budget.total(),
        }
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::TcpListener;
    use std::thread;
    use std::time::{Duration, Instant};

    fn attempt(url: &str, proxy: Option<&Proxy>, budget: Duration) -> LinkError {
        let address = GatewayAddress::parse(url, false).unwrap();
        let destination = Destination {
            address: &address,
            proxy,
            path: "/",
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
            let LinkError::TimedOut { phase, .. } = error else {
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
        assert!(matches!(error, LinkError::Tcp { .. }), "{error:?}");
    }
}
