//! How the driver gets its socket. The `postgres` driver waits without end for a server that took the connection and
//! then says nothing, and nothing it offers can end that wait. Its TLS hook is the one place that hands out the
//! socket, so every connection goes through here, encrypted or not.
//!
//! This file and `stream` are the only ones that see the driver's asynchronous inside.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use postgres::Socket;
use postgres::tls::{MakeTlsConnect, TlsConnect};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::link::Link;
use super::stream::{Guarded, Stream, Wire};
use crate::net;

/// Whether a connection is to be encrypted.
#[derive(Clone)]
pub enum Encryption {
    /// Plain text.
    Off,
    /// TLS if the server offers it, else plain text.
    IfOffered(Arc<ClientConfig>),
    /// TLS, or no connection.
    Required(Arc<ClientConfig>),
}

/// Tries what the driver does first for a connection and for a request to stop a statement: it panics where it fails.
///
/// # Errors
/// The system's own, usually that no descriptor is left.
pub fn can_be_driven() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.map(drop)
}

/// The hook given to the driver. It negotiates TLS itself (the driver is told not to).
#[derive(Clone)]
pub struct LinkTls {
    /// The socket's handle.
    pub link: Arc<Link>,
    /// Whether to encrypt.
    pub encryption: Encryption,
    /// Time until the session must be open.
    pub budget: Duration,
}

/// A hook for one host name.
pub struct LinkConnect {
    link: Arc<Link>,
    budget: Duration,
    policy: Policy,
}

/// Who is to answer, and what is expected of it.
struct Handshake {
    connector: TlsConnector,
    host: ServerName<'static>,
}

enum Policy {
    Off,
    IfOffered(Handshake),
    Required(Handshake),
}

impl MakeTlsConnect<Socket> for LinkTls {
    type Stream = Wire;
    type TlsConnect = LinkConnect;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<LinkConnect> {
        let host = net::without_zone(host);
        let handshake = |config: &Arc<ClientConfig>| match ServerName::try_from(host.to_owned()) {
            Ok(host) => Ok(Handshake {
                connector: TlsConnector::from(Arc::clone(config)),
                host,
            }),
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidInput, error)),
        };
        let policy = match &self.encryption {
            // A socket of the file system has no host, and libpq encrypts none.
            _ if host.is_empty() => Policy::Off,
            Encryption::Off => Policy::Off,
            Encryption::IfOffered(config) => Policy::IfOffered(handshake(config)?),
            Encryption::Required(config) => Policy::Required(handshake(config)?),
        };
        Ok(LinkConnect {
            link: Arc::clone(&self.link),
            budget: self.budget,
            policy,
        })
    }
}

impl TlsConnect<Socket> for LinkConnect {
    type Stream = Wire;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Wire>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(self.negotiate(socket))
    }
}

/// The eight bytes that ask a server for TLS (PostgreSQL protocol, `SSLRequest`).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

impl LinkConnect {
    async fn negotiate(self, socket: Socket) -> io::Result<Wire> {
        let link = Arc::clone(&self.link);
        let stream = self.stream(socket).await?;
        Ok(Wire::new(stream, link))
    }

    async fn stream(self, socket: Socket) -> io::Result<Stream> {
        let mut stream = Guarded::new(socket, Arc::clone(&self.link), self.budget);
        let (handshake, required) = match self.policy {
            Policy::Off => return Ok(Stream::Plain(stream)),
            Policy::IfOffered(handshake) => (handshake, false),
            Policy::Required(handshake) => (handshake, true),
        };
        stream.write_all(&SSL_REQUEST).await?;
        stream.flush().await?;
        match stream.read_u8().await? {
            b'S' => {
                let tls = handshake.connector.connect(handshake.host, stream);
                let tls = tls.await.inspect_err(|error| {
                    // Neither is about TLS: the time is over, or the job.
                    let ended = [io::ErrorKind::TimedOut, io::ErrorKind::ConnectionAborted];
                    let failed = !ended.contains(&error.kind());
                    self.link.set_no_handshake(failed);
                })?;
                self.link.set_encrypted();
                Ok(Stream::Tls(Box::new(tls)))
            }
            b'N' if required => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the server does not offer TLS, which the source's configuration requires",
            )),
            b'N' => Ok(Stream::Plain(stream)),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "what answers there is not a PostgreSQL server",
            )),
        }
    }
}
