//! The way to the gateway up to where HTTP begins: DNS, TCP, proxy, TLS.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use socket2::{SockRef, TcpKeepalive};

use crate::gateway::address::GatewayAddress;
use crate::gateway::connect::connect;
use crate::gateway::error::LinkError;
use crate::gateway::proxy::Proxy;
use crate::net::{Budget, Budgeted, Phase};
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

/// A part of the way that is done, for whoever watches.
pub enum Step<'a> {
    /// The name has these addresses.
    Resolved {
        /// The gateway's, or the proxy's.
        host: &'a str,
        /// At least one.
        addresses: &'a [SocketAddr],
    },
    /// This one takes connections.
    Connected(SocketAddr),
    /// The proxy has opened a tunnel.
    Tunnelled(&'a Proxy),
    /// The certificate is good.
    Encrypted(&'a ClientConnection),
}

/// An open connection to the gateway on which no HTTP was spoken yet.
pub struct Way {
    tcp: TcpStream,
    tls: Option<ClientConnection>,
}

impl Way {
    /// Goes the way, telling `watch` of every part that is done. The name is looked up anew every time, since
    /// a gateway may move.
    pub fn open(
        destination: &Destination<'_>,
        budget: Budget,
        watch: &mut dyn FnMut(Step<'_>),
    ) -> Result<Self, LinkError> {
        let address = destination.address;
        let timely = |phase| move |error| or_timed_out(error, phase, budget);
        let (host, port) = match destination.proxy {
            Some(proxy) => (proxy.host.as_str(), proxy.port),
            None => (address.host.as_str(), address.port),
        };
        let tcp = open(host, port, budget, watch)?;
        prepare(&tcp).map_err(|source| LinkError::System { source })?;
        let mut stream = Budgeted { tcp: &tcp, budget };
        if let Some(proxy) = destination.proxy {
            connect(&mut stream, proxy, address).map_err(timely(Phase::Proxy))?;
            watch(Step::Tunnelled(proxy));
        }
        let mut tls = None;
        if address.tls {
            let connection = handshake(destination, &mut stream).map_err(timely(Phase::Tls))?;
            watch(Step::Encrypted(tls.insert(connection)));
        }
        Ok(Self { tcp, tls })
    }

    /// The connection, to be read and written within the budget.
    pub fn stream(&mut self, budget: Budget) -> WayStream<'_> {
        let tcp = Budgeted {
            tcp: &self.tcp,
            budget,
        };
        match &mut self.tls {
            Some(tls) => WayStream::Encrypted(tls, tcp),
            None => WayStream::Plain(tcp),
        }
    }

    /// The socket and its TLS state.
    pub fn into_parts(self) -> (TcpStream, Option<ClientConnection>) {
        (self.tcp, self.tls)
    }
}

/// A way while somebody speaks on it.
pub enum WayStream<'a> {
    /// `ws`.
    Plain(Budgeted<'a>),
    /// `wss`.
    Encrypted(&'a mut ClientConnection, Budgeted<'a>),
}

impl Read for WayStream<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buf),
            Self::Encrypted(tls, tcp) => rustls::Stream::new(*tls, tcp).read(buf),
        }
    }
}

impl Write for WayStream<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(buf),
            Self::Encrypted(tls, tcp) => rustls::Stream::new(*tls, tcp).write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Encrypted(tls, tcp) => rustls::Stream::new(*tls, tcp).flush(),
        }
    }
}

/// Tries the host's addresses one after the other, each with its share of the time that is left, so that a
/// dead one does not use up the time of the others.
fn open(
    host: &str,
    port: u16,
    budget: Budget,
    watch: &mut dyn FnMut(Step<'_>),
) -> Result<TcpStream, LinkError> {
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
    watch(Step::Resolved {
        host,
        addresses: &addresses,
    });
    let mut failure = None;
    for (n, address) in addresses.iter().enumerate() {
        let attempt = budget
            .share(addresses.len() - n)
            .and_then(|share| TcpStream::connect_timeout(address, share));
        match attempt {
            Ok(tcp) => {
                watch(Step::Connected(*address));
                return Ok(tcp);
            }
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
pub(super) fn or_timed_out(error: LinkError, phase: Phase, budget: Budget) -> LinkError {
    let timed_out = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
    let over = match &error {
        LinkError::Dns { source, .. }
        | LinkError::Tcp { source, .. }
        | LinkError::Proxy { source, .. }
        | LinkError::Tls { source, .. }
        | LinkError::Health { source } => timed_out(source),
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
