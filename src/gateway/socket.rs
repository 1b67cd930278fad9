//! One socket for a thread that reads and others that write, one at a time. The reader blocks in `read` on the TCP
//! stream and holds nothing meanwhile. TLS state is behind a mutex that is locked only while bytes are turned into other
//! bytes, never while any travel: a gateway that does not read cannot stop us from reading.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::gateway::control::{Control, ControlSender};
use crate::locks::lock;
use crate::net::Layers;

/// Largest read from the socket, and the most plaintext that is encrypted under one lock.
const PART: usize = 32 << 10;

/// The socket of one session.
pub struct Socket {
    tcp: TcpStream,
    /// Left by a panic it is at worst broken, and then the session ends.
    tls: Option<Mutex<Layers>>,
}

impl Socket {
    /// A connected socket, after its TLS handshake if it has one.
    pub fn new(tcp: TcpStream, tls: Option<Layers>) -> Self {
        Self {
            tcp,
            tls: tls.map(Mutex::new),
        }
    }

    /// Ends both directions at once: whoever reads or writes returns.
    pub fn hang_up(&self) {
        // The peer may have been faster.
        let _ = self.tcp.shutdown(Shutdown::Both);
    }
}

/// The reading direction. `WouldBlock` means that the time given to [`SocketReader::wait_until`] has come, even
/// if bytes keep coming in: a heartbeat does not wait for the end of a long frame.
pub struct SocketReader {
    socket: Arc<Socket>,
    /// Told when the TLS layer wants to send something of its own.
    control: ControlSender,
    /// Bytes off the socket that TLS has not taken yet.
    cipher: Vec<u8>,
    taken: usize,
    due: Instant,
    timeout: Duration,
    last_received: Instant,
}

impl SocketReader {
    /// For one session.
    pub fn new(socket: Arc<Socket>, control: ControlSender) -> Self {
        let now = Instant::now();
        Self {
            socket,
            control,
            cipher: Vec::new(),
            taken: 0,
            due: now,
            timeout: Duration::MAX,
            last_received: now,
        }
    }

    /// Lets the next reads wait until `due`. Costs a system call only when the change matters: under load it
    /// is called for every frame.
    pub fn wait_until(&mut self, due: Instant) -> io::Result<()> {
        const SLACK: Duration = Duration::from_millis(5);
        self.due = due;
        // Zero would mean for ever.
        let timeout = due
            .saturating_duration_since(Instant::now())
            .max(Duration::from_millis(1));
        if self.timeout.abs_diff(timeout) > SLACK {
            self.socket.tcp.set_read_timeout(Some(timeout))?;
            self.timeout = timeout;
        }
        Ok(())
    }

    /// When the last bytes came in.
    pub fn last_received(&self) -> Instant {
        self.last_received
    }

    fn receive(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if Instant::now() >= self.due {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = (&self.socket.tcp).read(buf)?;
        if count > 0 {
            self.last_received = Instant::now();
        }
        Ok(count)
    }

    /// Fills `cipher` from the socket.
    fn receive_cipher(&mut self) -> io::Result<usize> {
        let mut cipher = std::mem::take(&mut self.cipher);
        cipher.resize(PART, 0);
        let received = self.receive(&mut cipher);
        cipher.truncate(*received.as_ref().unwrap_or(&0));
        self.cipher = cipher;
        self.taken = 0;
        received
    }
}

impl Read for SocketReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let socket = Arc::clone(&self.socket);
        let Some(tls) = &socket.tls else {
            return self.receive(buf);
        };
        loop {
            {
                let mut tls = lock(tls);
                match tls.inner().reader().read(buf) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    // Zero after the peer's close_notify, `UnexpectedEof` without it.
                    result => return result,
                }
                let mut fresh = self.cipher.get(self.taken..).unwrap_or_default();
                if tls.has_pending()? || !fresh.is_empty() {
                    let taken = tls.receive(&mut fresh);
                    if tls.wants_write() {
                        // A full queue has a writer that will flush on its own.
                        self.control.offer(Control::FlushTls);
                    }
                    self.taken += taken?;
                    continue;
                }
            }
            if self.receive_cipher()? == 0 {
                lock(tls).end()?;
            }
        }
    }
}

/// The writing direction. Whatever it is given is on its way when it returns, or goes ahead of what it is given next.
pub struct SocketWriter {
    socket: Arc<Socket>,
    /// What the socket is to take first: encrypted, if it has TLS.
    waiting: Vec<u8>,
}

impl SocketWriter {
    /// For one session.
    pub fn new(socket: Arc<Socket>) -> Self {
        Self {
            socket,
            waiting: Vec::new(),
        }
    }

    /// Sends two parts, one after the other.
    pub fn send(&mut self, first: &[u8], second: &[u8]) -> io::Result<()> {
        self.send_waiting()?;
        let Some(tls) = &self.socket.tls else {
            let mut tcp = &self.socket.tcp;
            let parts = [IoSlice::new(first), IoSlice::new(second)];
            // Mostly all of it. How much of each part that was:
            let sent = tcp.write_vectored(&parts)?;
            tcp.write_all(first.get(sent..).unwrap_or_default())?;
            let sent = sent.saturating_sub(first.len());
            return tcp.write_all(second.get(sent..).unwrap_or_default());
        };
        let (mut head, body) = match second {
            [] => (second, first),
            _ => (first, second),
        };
        for part in body.chunks(PART) {
            {
                let mut tls = lock(tls);
                tls.inner().writer().write_all(std::mem::take(&mut head))?;
                tls.inner().writer().write_all(part)?;
                tls.send(&mut self.waiting)?;
            }
            send(&self.socket, &mut self.waiting)?;
        }
        Ok(())
    }

    /// Sends as much as the socket takes at once, and keeps the rest. Never blocks; whether the socket is broken shows
    /// when the rest is sent.
    ///
    /// # Errors
    /// Those of TLS.
    pub fn send_at_once(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &self.socket.tls {
            Some(tls) => {
                let mut tls = lock(tls);
                tls.inner().writer().write_all(bytes)?;
                tls.send(&mut self.waiting)?;
            }
            None => self.waiting.extend_from_slice(bytes),
        }
        let tcp = SockRef::from(&self.socket.tcp);
        let sent = tcp.send_with_flags(&self.waiting, libc::MSG_DONTWAIT);
        self.waiting.drain(..sent.unwrap_or(0));
        Ok(())
    }

    /// True while something of [`SocketWriter::send_at_once`] is kept.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Sends what was kept.
    pub fn send_waiting(&mut self) -> io::Result<()> {
        match self.is_waiting() {
            true => send(&self.socket, &mut self.waiting),
            false => Ok(()),
        }
    }

    /// Sends what the TLS layer has to say by itself.
    pub fn flush(&mut self) -> io::Result<()> {
        if let Some(tls) = &self.socket.tls {
            lock(tls).send(&mut self.waiting)?;
        }
        self.send_waiting()
    }

    /// Says that nothing follows, as TLS wants it.
    pub fn close_notify(&mut self) -> io::Result<()> {
        if let Some(tls) = &self.socket.tls {
            lock(tls).inner().send_close_notify();
        }
        self.flush()
    }
}

fn send(socket: &Socket, bytes: &mut Vec<u8>) -> io::Result<()> {
    let sent = (&socket.tcp).write_all(bytes);
    bytes.clear();
    sent
}
