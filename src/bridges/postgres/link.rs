//! The driver's socket, made interruptible. The `postgres` driver waits without end for a server that took
//! the connection and then says nothing, and nothing it offers can end that wait. Its TLS hook is the one
//! place that hands out the socket, so every connection goes through here, encrypted or not: the stream has
//! a time limit until the session is open, and another thread can cut it at any time.
//!
//! This is the only file that sees the driver's asynchronous inside.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use postgres::Socket;
use postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as Encrypted;

use super::greeting::Greeting;
use super::messages::{Heard, Messages};
use crate::error::JobError;
use crate::job::JobControl;
use crate::net;
use crate::tls::server_end_point;

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

/// One connection's socket as other threads see it.
#[derive(Default)]
pub struct Link {
    reader: Mutex<Reader>,
    open: AtomicBool,
    encrypted: AtomicBool,
    /// The server offers TLS, and no handshake came about.
    no_handshake: AtomicBool,
    greeting: Mutex<Greeting>,
    /// The job that the connection is used by.
    job: Mutex<Option<Arc<JobControl>>>,
    /// Why nothing more is read from the server.
    problem: Mutex<Option<JobError>>,
    /// Why the server has ended the session.
    last_words: Mutex<Option<JobError>>,
}

#[derive(Default)]
struct Reader {
    cut: bool,
    waker: Option<Waker>,
}

impl Link {
    /// Ends whatever the driver is waiting for with an error. The connection is of no more use.
    pub fn cut(&self) {
        let waker = {
            let mut reader = lock(&self.reader);
            reader.cut = true;
            reader.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Says that the session is open: the time limit of connecting no longer counts.
    pub fn opened(&self) {
        self.open.store(true, Ordering::Relaxed);
    }

    /// The process that the server says the session is served by; see [`Greeting::process_id`].
    pub fn process_id(&self) -> Option<i32> {
        self.greeting().process_id()
    }

    /// What comes in from now on comes in for this job, or for none.
    pub fn serve(&self, job: Option<&Arc<JobControl>>) {
        *lock(&self.job) = job.cloned();
    }

    /// Why nothing more is read from the server, if that is so.
    pub fn problem(&self) -> Option<JobError> {
        lock(&self.problem).clone()
    }

    /// Why the server has ended the session, if it said so.
    pub fn last_words(&self) -> Option<JobError> {
        lock(&self.last_words).clone()
    }

    /// Looks at what has come in, and waits for the job's turn if that is the head of a large row.
    fn hear(&self, messages: &mut Messages, bytes: &[u8]) -> io::Result<()> {
        let Some(job) = lock(&self.job).clone() else {
            return Ok(());
        };
        let heard = messages.hear(bytes, job.large_rows());
        if let Some(words) = messages.last_words() {
            *lock(&self.last_words) = Some(words);
        }
        let heard = heard.and_then(|heard| match heard {
            Heard::Usual => Ok(()),
            Heard::LargeRow => job.receive_large(),
        });
        heard.map_err(|problem| {
            let error = io::Error::other(problem.message.clone());
            *lock(&self.problem) = Some(problem);
            error
        })
    }

    /// True when the server offers TLS that is of no use here: its versions, ciphers or keys are others than ours.
    pub fn has_no_handshake(&self) -> bool {
        self.no_handshake.load(Ordering::Relaxed)
    }

    fn greeting(&self) -> MutexGuard<'_, Greeting> {
        lock(&self.greeting)
    }

    /// True when the connection is encrypted.
    pub fn encrypted(&self) -> bool {
        self.encrypted.load(Ordering::Relaxed)
    }

    fn listen(&self, context: &Context<'_>) -> io::Result<()> {
        let mut reader = lock(&self.reader);
        if reader.cut {
            return Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the job has ended",
            ));
        }
        match &mut reader.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        Ok(Wire {
            stream,
            link,
            messages: Messages::default(),
        })
    }

    async fn stream(self, socket: Socket) -> io::Result<Stream> {
        let limit = Some(Box::pin(sleep(self.budget)));
        let mut stream = Guarded {
            socket,
            link: Arc::clone(&self.link),
            limit,
        };
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
                    self.link.no_handshake.store(failed, Ordering::Relaxed);
                })?;
                self.link.encrypted.store(true, Ordering::Relaxed);
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

/// The socket with its time limit and its cut.
pub struct Guarded {
    socket: Socket,
    link: Arc<Link>,
    limit: Option<Pin<Box<Sleep>>>,
}

impl Guarded {
    /// Called when the socket has nothing yet: fails once connecting took too long.
    fn check_limit(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.link.open.load(Ordering::Relaxed) {
            self.limit = None;
        }
        let expired = self
            .limit
            .as_mut()
            .is_some_and(|limit| limit.as_mut().poll(context).is_ready());
        if expired {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the server took the connection but does not answer",
            ));
        }
        Ok(())
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.link.listen(context)?;
        let read = Pin::new(&mut this.socket).poll_read(context, buffer);
        if read.is_pending() {
            this.check_limit(context)?;
        }
        read
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.link.listen(context)?;
        let written = Pin::new(&mut this.socket).poll_write(context, bytes);
        if written.is_pending() {
            this.check_limit(context)?;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

/// What the driver gets to read and write.
pub struct Wire {
    stream: Stream,
    link: Arc<Link>,
    messages: Messages,
}

enum Stream {
    /// Plain text.
    Plain(Guarded),
    /// Encrypted.
    Tls(Box<Encrypted<Guarded>>),
}

impl TlsStream for Wire {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.stream {
            Stream::Plain(_) => ChannelBinding::none(),
            Stream::Tls(tls) => {
                let certificates = tls.get_ref().1.peer_certificates().unwrap_or_default();
                let end_point = certificates.first().and_then(|own| server_end_point(own));
                end_point.map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
            }
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, buffer),
        };
        let heard = buffer.filled().get(before..).unwrap_or_default();
        if !this.link.open.load(Ordering::Relaxed) {
            this.link.greeting().hear(heard);
        }
        this.link.hear(&mut this.messages, heard)?;
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
        }
    }
}
