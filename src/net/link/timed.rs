//! A socket whose reads and writes end at a point in time.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::Socket;

use super::cutter::{self, Cutter};

/// The socket's own limit may be this much longer than what is left: a system call for every read would cost
/// more than it is worth.
const SLACK: Duration = Duration::from_millis(50);

/// A socket, when it is to be done, and who may end it earlier.
pub(super) struct Timed {
    socket: Arc<Socket>,
    cutter: Cutter,
    pub(super) until: Instant,
    read_limit: Duration,
    write_limit: Duration,
}

impl Timed {
    pub(super) fn new(socket: Arc<Socket>, cutter: &Cutter, until: Instant) -> Self {
        Self {
            socket,
            cutter: cutter.clone(),
            until,
            read_limit: Duration::MAX,
            write_limit: Duration::MAX,
        }
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            Err(io::ErrorKind::TimedOut.into())
        } else {
            Ok(left)
        }
    }

    /// Repeats `attempt` until it has a result that is not just the end of the socket's own limit.
    fn attempt(
        &mut self,
        limit: fn(&mut Self) -> &mut Duration,
        set: fn(&Socket, Option<Duration>) -> io::Result<()>,
        mut attempt: impl FnMut(&Socket) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut waited = false;
        loop {
            let left = self.left()?;
            if waited || *limit(self) > left + SLACK {
                set(&self.socket, Some(left))?;
                *limit(self) = left;
            }
            match attempt(&self.socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => waited = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(count) if count > 0 => return Ok(count),
                // The end that a cut brings about looks like the peer's.
                _ if self.cutter.is_cut() => return Err(cutter::cut()),
                other => return other,
            }
        }
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        self.cutter.forget();
    }
}

impl Read for Timed {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.attempt(
            |timed| &mut timed.read_limit,
            Socket::set_read_timeout,
            |mut socket| socket.read(buf),
        )
    }
}

impl Write for Timed {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.attempt(
            |timed| &mut timed.write_limit,
            Socket::set_write_timeout,
            |mut socket| socket.write(buf),
        )
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
