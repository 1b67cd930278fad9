//! The connection to the gateway up to where HTTP begins: DNS, TCP, proxy, TLS.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection};
use socket2::{SockRef, TcpKeepalive};

use crate::gateway::address::GatewayAddress;
use crate::gateway::credentials::Credentials;
use crate::gateway::error::GatewayError;
use crate::limits;
use crate::net::{Budget, Budgeted, Layers, Progress, Proxy, TunnelError, connect, open_tunnel};

/// Everything there is to know about the other end.
pub struct Destination<'a> {
    /// The gateway.
    pub address: &'a GatewayAddress,
    /// The proxy before it.
    pub proxy: Option<&'a Proxy>,
    /// Who we are; `None` for questions that need no answer to that.
    pub credentials: Option<&'a Credentials>,
    /// How its certificate is checked.
    pub tls: &'a Arc<ClientConfig>,
}

/// A step that is done, for whoever watches.
pub enum Step<'a> {
    /// On the way to a connection with this host, the gateway's or the proxy's.
    Connecting(&'a str, Progress<'a>),
    /// The proxy has opened a tunnel.
    Tunnelled(&'a Proxy),
    /// The certificate is good.
    Encrypted(&'a ClientConnection),
}

/// An open connection to the gateway on which no HTTP was spoken yet.
pub struct Transport {
    tcp: TcpStream,
    tls: Option<Layers>,
}

impl Transport {
    /// Opens one, telling `watch` of every step that is done.
    pub fn open(
        destination: &Destination<'_>,
        budget: Budget,
        watch: &mut dyn FnMut(Step<'_>),
    ) -> Result<Self, GatewayError> {
        let address = destination.address;
        let timely = |error| or_timed_out(error, budget);
        let (host, port) = match destination.proxy {
            Some(proxy) => (proxy.host.as_str(), proxy.port),
            None => (address.host.as_str(), address.port),
        };
        let tcp = connect(host, port, budget, &mut |progress| {
            watch(Step::Connecting(host, progress));
        })
        .map_err(|error| match destination.proxy {
            Some(_) => GatewayError::ProxyUnreachable(error),
            None => or_timed_out(GatewayError::Connect(error), budget),
        })?;
        prepare(&tcp).map_err(|source| GatewayError::System { source })?;
        let mut stream = Budgeted { tcp: &tcp, budget };
        let mut outer = None;
        if let Some(proxy) = destination.proxy {
            outer = tunnel(destination, proxy, &mut stream, budget).map_err(timely)?;
            watch(Step::Tunnelled(proxy));
        }
        let mut tls = None;
        if address.tls {
            let host = &address.host;
            let layers = Layers::open(host, destination.tls, &mut stream, outer);
            let layers = layers.map_err(|source| GatewayError::Tls {
                host: host.clone(),
                source,
            });
            let mut layers = layers.map_err(timely)?;
            watch(Step::Encrypted(layers.inner()));
            tls = Some(layers);
        }
        Ok(Self { tcp, tls })
    }

    /// The connection, to be read and written within the budget.
    pub fn stream(&mut self, budget: Budget) -> TransportStream<'_> {
        let tcp = Budgeted {
            tcp: &self.tcp,
            budget,
        };
        match &mut self.tls {
            Some(tls) => TransportStream::Encrypted(tls, tcp),
            None => TransportStream::Plain(tcp),
        }
    }

    /// The socket and its TLS state.
    pub fn into_parts(self) -> (TcpStream, Option<Layers>) {
        (self.tcp, self.tls)
    }
}

/// A transport while somebody speaks on it.
pub enum TransportStream<'a> {
    /// `ws`.
    Plain(Budgeted<'a>),
    /// `wss`.
    Encrypted(&'a mut Layers, Budgeted<'a>),
}

impl TransportStream<'_> {
    /// From now on reads and writes end with this budget.
    pub fn until(&mut self, budget: Budget) {
        match self {
            Self::Plain(tcp) | Self::Encrypted(_, tcp) => tcp.budget = budget,
        }
    }
}

impl Read for TransportStream<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buf),
            Self::Encrypted(tls, tcp) => tls.read_from(tcp, buf),
        }
    }
}

impl Write for TransportStream<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(buf),
            Self::Encrypted(tls, tcp) => tls.write_to(tcp, buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Encrypted(tls, tcp) => tls.flush_to(tcp),
        }
    }
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

/// The way through a proxy; the TLS with the proxy itself, if it is reached by that.
fn tunnel(
    destination: &Destination<'_>,
    proxy: &Proxy,
    stream: &mut Budgeted<'_>,
    budget: Budget,
) -> Result<Option<ClientConnection>, GatewayError> {
    let target = (destination.address.host.as_str(), destination.address.port);
    open_tunnel(stream, proxy, target, destination.tls, budget).map_err(|error| match error {
        TunnelError::Refused(status) => GatewayError::ProxyRefused {
            proxy: proxy.to_string(),
            status,
        },
        TunnelError::Broken(source) => GatewayError::Proxy {
            proxy: proxy.to_string(),
            source,
        },
    })
}

/// An error that is really the end of the budget says so, and in which phase.
pub(super) fn or_timed_out(error: GatewayError, budget: Budget) -> GatewayError {
    match error.io() {
        Some(source) if source.kind() == io::ErrorKind::TimedOut => GatewayError::TimedOut {
            phase: error.phase(),
            budget: budget.total(),
        },
        _ => error,
    }
}
