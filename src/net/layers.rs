//! TLS as bytes that become other bytes, perhaps within the TLS of a proxy. Not for sockets, which belong to whoever
//! reads and writes them.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use crate::net::without_zone;

/// Most that is taken from one layer to the other at a time.
const PART: usize = 16 << 10;

/// One TLS connection, or one within another.
pub struct Layers {
    inner: ClientConnection,
    /// That with the proxy, if it has one.
    outer: Option<Box<ClientConnection>>,
    /// What came out of the outer one and has not gone into the inner one yet.
    pending: Vec<u8>,
    taken: usize,
}

impl Layers {
    /// The handshake with a host, within what there is with a proxy.
    ///
    /// # Errors
    /// Those of TLS and of the socket.
    pub fn open(
        host: &str,
        config: &Arc<ClientConfig>,
        socket: &mut (impl Read + Write),
        mut outer: Option<ClientConnection>,
    ) -> io::Result<Self> {
        let inner = match &mut outer {
            None => handshake(host, config, socket)?,
            Some(outer) => handshake(host, config, &mut rustls::Stream::new(outer, socket))?,
        };
        Ok(Self {
            inner,
            outer: outer.map(Box::new),
            pending: Vec::new(),
            taken: 0,
        })
    }

    /// The connection with the host itself.
    pub fn inner(&mut self) -> &mut ClientConnection {
        &mut self.inner
    }

    /// Reads what is meant for us from a socket, which may wait.
    ///
    /// # Errors
    /// Those of TLS and of the socket.
    pub fn read_from(
        &mut self,
        socket: &mut (impl Read + Write),
        buf: &mut [u8],
    ) -> io::Result<usize> {
        match &mut self.outer {
            None => rustls::Stream::new(&mut self.inner, socket).read(buf),
            Some(outer) => {
                let mut within = rustls::Stream::new(&mut **outer, socket);
                rustls::Stream::new(&mut self.inner, &mut within).read(buf)
            }
        }
    }

    /// Writes to a socket, which may wait.
    ///
    /// # Errors
    /// Those of TLS and of the socket.
    pub fn write_to(&mut self, socket: &mut (impl Read + Write), buf: &[u8]) -> io::Result<usize> {
        match &mut self.outer {
            None => rustls::Stream::new(&mut self.inner, socket).write(buf),
            Some(outer) => {
                let mut within = rustls::Stream::new(&mut **outer, socket);
                let written = rustls::Stream::new(&mut self.inner, &mut within).write(buf)?;
                within.flush()?;
                Ok(written)
            }
        }
    }

    /// Sends what has been written.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn flush_to(&mut self, socket: &mut (impl Read + Write)) -> io::Result<()> {
        match &mut self.outer {
            None => rustls::Stream::new(&mut self.inner, socket).flush(),
            Some(outer) => {
                let mut within = rustls::Stream::new(&mut **outer, socket);
                rustls::Stream::new(&mut self.inner, &mut within).flush()?;
                within.flush()
            }
        }
    }

    /// True when there is more to [`Layers::receive`] without any new bytes.
    ///
    /// # Errors
    /// The outer connection has broken off.
    pub fn has_pending(&mut self) -> io::Result<bool> {
        if self.taken < self.pending.len() {
            return Ok(true);
        }
        let Some(outer) = &mut self.outer else {
            return Ok(false);
        };
        self.taken = 0;
        self.pending.resize(PART, 0);
        let read = outer.reader().read(&mut self.pending);
        self.pending.truncate(*read.as_ref().unwrap_or(&0));
        match read {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            read => Ok(read? > 0),
        }
    }

    /// Takes bytes that have come in; says how many of them.
    ///
    /// # Errors
    /// They are not TLS.
    pub fn receive(&mut self, fresh: &mut &[u8]) -> io::Result<usize> {
        let process = |tls: &mut ClientConnection| {
            let state = tls.process_new_packets();
            state.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        };
        let mut pending = self.pending.get(self.taken..).unwrap_or_default();
        if !pending.is_empty() {
            self.taken += self.inner.read_tls(&mut pending)?;
            process(&mut self.inner)?;
            return Ok(0);
        }
        let tls = self.outer.as_deref_mut().unwrap_or(&mut self.inner);
        let taken = tls.read_tls(fresh)?;
        process(tls)?;
        Ok(taken)
    }

    /// Nothing more comes in.
    ///
    /// # Errors
    /// None that matter.
    pub fn end(&mut self) -> io::Result<()> {
        self.inner.read_tls(&mut io::empty()).map(drop)
    }

    /// True when [`Layers::send`] has something to say.
    pub fn wants_write(&self) -> bool {
        self.inner.wants_write() || self.outer.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Moves what is ready to leave into `cipher`.
    ///
    /// # Errors
    /// None that matter.
    pub fn send(&mut self, cipher: &mut Vec<u8>) -> io::Result<()> {
        let Some(outer) = &mut self.outer else {
            return drain(&mut self.inner, cipher);
        };
        let mut records = Vec::new();
        drain(&mut self.inner, &mut records)?;
        for part in records.chunks(PART) {
            outer.writer().write_all(part)?;
            drain(outer, cipher)?;
        }
        drain(outer, cipher)
    }
}

/// A connection with a host whose certificate is good.
///
/// # Errors
/// Those of TLS and of the stream.
pub fn handshake(
    host: &str,
    config: &Arc<ClientConfig>,
    stream: &mut (impl Read + Write),
) -> io::Result<ClientConnection> {
    let name = ServerName::try_from(without_zone(host).to_owned())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let mut tls = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
    while tls.is_handshaking() {
        tls.complete_io(stream)?;
    }
    // The last of it may wait in a layer below.
    stream.flush()?;
    Ok(tls)
}

fn drain(tls: &mut ClientConnection, cipher: &mut Vec<u8>) -> io::Result<()> {
    while tls.wants_write() {
        tls.write_tls(cipher)?;
    }
    Ok(())
}
