//! From a host's name to an open connection.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use socket2::{Domain, SockAddr, Socket, TcpKeepalive, Type};

use super::timed::Timed;
use super::{Cutter, DialError, Link};
use crate::limits;
use crate::net::{Budget, Proxy, TunnelError, bracketed, open_tunnel, resolve_unless};

/// The other end of a link.
#[derive(Clone)]
pub struct Peer {
    /// Host name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The proxy that leads there.
    pub proxy: Option<Proxy>,
    /// How its certificate is checked; `None` for plain text.
    pub tls: Option<Arc<ClientConfig>>,
}

impl Peer {
    /// `host:port`, as HTTP writes it.
    pub fn authority(&self) -> String {
        format!("{}:{}", bracketed(&self.host), self.port)
    }
}

pub(super) fn open(peer: &Peer, budget: Budget, cutter: &Cutter) -> Result<Link, DialError> {
    let (host, port) = match &peer.proxy {
        Some(proxy) => (proxy.host.as_str(), proxy.port),
        None => (peer.host.as_str(), peer.port),
    };
    let mut socket = reach(host, port, budget, cutter)?;
    if let Some(proxy) = &peer.proxy {
        tunnel(&mut socket, proxy, &peer.authority())?;
    }
    let tls = match &peer.tls {
        None => None,
        Some(config) => Some(Box::new(
            handshake(&mut socket, &peer.host, config)
                .map_err(|source| DialError::Tls { source })?,
        )),
    };
    Ok(Link { socket, tls })
}

pub(super) fn open_local(path: &Path, budget: Budget, cutter: &Cutter) -> Result<Link, DialError> {
    let socket = SockAddr::unix(path)
        .and_then(|address| attempt(&address, Domain::UNIX, budget.left()?, cutter))
        .map_err(|source| DialError::Local { source })?;
    Ok(Link {
        socket: Timed::new(socket, cutter, budget.until()),
        tls: None,
    })
}

/// Tries the host's addresses one after the other, each with its share of the time that is left, so that a
/// dead one does not use up the time of the others.
fn reach(host: &str, port: u16, budget: Budget, cutter: &Cutter) -> Result<Timed, DialError> {
    let resolve = |source| DialError::Resolve {
        host: host.to_owned(),
        source,
    };
    let addresses = budget
        .left()
        .and_then(|left| resolve_unless(host, port, left, cutter.over()))
        .map_err(resolve)?;
    let mut failure = match addresses.first().copied() {
        Some(address) => connect(address, io::ErrorKind::TimedOut.into()),
        None => resolve(io::ErrorKind::NotFound.into()),
    };
    for (address, share) in budget.shares(&addresses) {
        let domain = Domain::for_address(*address);
        match attempt(&SockAddr::from(*address), domain, share, cutter) {
            Ok(socket) => {
                prepare(&socket).map_err(|source| connect(*address, source))?;
                return Ok(Timed::new(socket, cutter, budget.until()));
            }
            Err(source) => failure = connect(*address, source),
        }
    }
    Err(failure)
}

fn connect(address: SocketAddr, source: io::Error) -> DialError {
    DialError::Connect { address, source }
}

fn attempt(
    address: &SockAddr,
    domain: Domain,
    share: Duration,
    cutter: &Cutter,
) -> io::Result<Arc<Socket>> {
    let socket = Arc::new(Socket::new(domain, Type::STREAM, None)?);
    cutter.watch(&socket)?;
    socket.connect_timeout(address, share)?;
    // A cut that came before the socket had begun to connect did nothing to it.
    if cutter.is_cut() {
        return Err(super::cutter::cut());
    }
    Ok(socket)
}

fn prepare(socket: &Socket) -> io::Result<()> {
    // Requests are small, and each is waited for.
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(limits::TCP_KEEPALIVE))
}

/// Asks the proxy for the way to `target`.
fn tunnel(socket: &mut Timed, proxy: &Proxy, target: &str) -> Result<(), DialError> {
    open_tunnel(socket, proxy, target).map_err(|error| {
        let proxy = proxy.to_string();
        match error {
            TunnelError::Refused(status) => DialError::ProxyRefused { proxy, status },
            TunnelError::Broken(source) => DialError::Proxy { proxy, source },
        }
    })
}

fn handshake(
    socket: &mut Timed,
    host: &str,
    config: &Arc<ClientConfig>,
) -> io::Result<ClientConnection> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let mut tls = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
    while tls.is_handshaking() {
        tls.complete_io(socket)?;
    }
    Ok(tls)
}
