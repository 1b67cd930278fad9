//! The driver's socket, made interruptible: it has a time limit until the session is open, and another thread can cut
//! it at any time.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use postgres::Socket;
use postgres::tls::{ChannelBinding, TlsStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_rustls::client::TlsStream as Encrypted;

use super::link::Link;
use super::messages::Messages;
use crate::tls::server_end_point;

/// The socket with its time limit and its cut.
pub struct Guarded {
    socket: Socket,
    link: Arc<Link>,
    limit: Option<Pin<Box<Sleep>>>,
}

impl Guarded {
    /// A socket that must be a session's within `budget`.
    pub(super) fn new(socket: Socket, link: Arc<Link>, budget: Duration) -> Self {
        Self {
            socket,
            link,
            limit: Some(Box::pin(sleep(budget))),
        }
    }

    /// Called when the socket has nothing yet: fails once connecting took too long.
    fn check_limit(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.link.is_open() {
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

/// Encrypted or not.
pub(super) enum Stream {
    /// Plain text.
    Plain(Guarded),
    /// Encrypted.
    Tls(Box<Encrypted<Guarded>>),
}

/// Both directions of a stream.
trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

impl Stream {
    fn duplex(&mut self) -> Pin<&mut dyn Duplex> {
        match self {
            Self::Plain(stream) => Pin::new(stream),
            Self::Tls(stream) => Pin::new(stream.as_mut()),
        }
    }
}

impl Wire {
    /// What comes in is heard by `link`.
    pub(super) fn new(stream: Stream, link: Arc<Link>) -> Self {
        Self {
            stream,
            link,
            messages: Messages::default(),
        }
    }
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
        let read = this.stream.duplex().poll_read(context, buffer);
        let heard = buffer.filled().get(before..).unwrap_or_default();
        if !this.link.is_open() {
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
        let this = self.get_mut();
        this.link.send(bytes.len());
        this.stream.duplex().poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream.duplex().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream.duplex().poll_shutdown(context)
    }
}
