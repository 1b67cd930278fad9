//! From a host's name to an open connection.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection};
use socket2::{Domain, SockAddr, Socket, TcpKeepalive, Type};

use super::timed::Timed;
use super::{Cutter, DialError, Link};
use crate::net::{
    Budget, ConnectError, Layers, Proxy, TunnelError, bracketed, connect_by, open_tunnel,
};
use crate::{limits, tls};

/// The other end of a link.
#[derive(Clone)]
pub struct Peer {
    /// Host name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The proxy that leads there. Only with TLS: what is not encrypted is on a network of one's own.
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
    let mut socket = reach(host, port, budget, cutter).map_err(|error| match peer.proxy {
        Some(_) => DialError::ProxyUnreachable(error),
        None => DialError::Connect(error),
    })?;
    let outer = match &peer.proxy {
        Some(proxy) => tunnel(&mut socket, proxy, peer, budget)?,
        None => None,
    };
    let tls = match &peer.tls {
        None => None,
        Some(config) => Some(Box::new(
            Layers::open(&peer.host, config, &mut socket, outer)
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

fn reach(host: &str, port: u16, budget: Budget, cutter: &Cutter) -> Result<Timed, ConnectError> {
    let given_up = cutter.over();
    let attempt = |address: &SocketAddr, share| {
        let domain = Domain::for_address(*address);
        let socket = attempt(&SockAddr::from(*address), domain, share, cutter)?;
        prepare(&socket)?;
        Ok(socket)
    };
    connect_by(host, port, budget, given_up, &mut |_| {}, attempt)
        .map(|socket| Timed::new(socket, cutter, budget.until()))
}

fn attempt(
    address: &SockAddr,
    domain: Domain,
    wait: Duration,
    cutter: &Cutter,
) -> io::Result<Arc<Socket>> {
    let socket = Arc::new(Socket::new(domain, Type::STREAM, None)?);
    cutter.watch(&socket)?;
    socket.connect_timeout(address, wait)?;
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

/// The way through a proxy; the TLS with the proxy itself, if it is reached by that.
fn tunnel(
    socket: &mut Timed,
    proxy: &Proxy,
    peer: &Peer,
    budget: Budget,
) -> Result<Option<ClientConnection>, DialError> {
    let failed = |source| DialError::Proxy {
        proxy: proxy.to_string(),
        source,
    };
    let tls = tls::verified().map_err(|error| failed(io::Error::other(error)))?;
    let target = (peer.host.as_str(), peer.port);
    open_tunnel(socket, proxy, target, &tls, budget).map_err(|error| match error {
        TunnelError::Refused(status) => DialError::ProxyRefused {
            proxy: proxy.to_string(),
            status,
        },
        TunnelError::Broken(source) => failed(source),
    })
}
