//! The time one attempt to connect may take, shared by all its phases.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The steps from a URL to an accepted session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Looking up the host name.
    Dns,
    /// Connecting to one of its addresses.
    Tcp,
    /// Asking a proxy for the way.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// The answer to `GET /health`.
    Health,
    /// The upgrade from HTTP to a WebSocket.
    Upgrade,
    /// Waiting for `hello-ack`.
    Ack,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "the name look-up",
            Self::Tcp => "the TCP connection",
            Self::Proxy => "the proxy's answer to CONNECT",
            Self::Tls => "the TLS handshake",
            Self::Health => "the answer to GET /health",
            Self::Upgrade => "the WebSocket upgrade",
            Self::Ack => "the gateway's hello-ack",
        })
    }
}

/// A point in time by which everything must be done.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    total: Duration,
    until: Instant,
}

impl Budget {
    /// `total` from now on.
    pub fn new(total: Duration) -> Self {
        Self {
            total,
            until: Instant::now() + total,
        }
    }

    /// What it was at first, for messages.
    pub fn total(&self) -> Duration {
        self.total
    }

    /// When it is over.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// What is left; an error of kind `TimedOut` when nothing is.
    pub fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            Err(io::ErrorKind::TimedOut.into())
        } else {
            Ok(left)
        }
    }

    /// What is left of it, at most `most`.
    pub fn at_most(self, most: Duration) -> Self {
        let until = self.until.min(Instant::now() + most);
        Self { until, ..self }
    }

    /// One candidate after the other, each with its fair part of what is left by then, so that a dead one
    /// does not use up the time of the others. Ends early with the budget.
    pub fn shares<T>(self, candidates: &[T]) -> impl Iterator<Item = (&T, Duration)> {
        let mut rest = candidates.iter();
        std::iter::from_fn(move || {
            let parts = u32::try_from(rest.len()).unwrap_or(u32::MAX);
            let candidate = rest.next()?;
            // `connect_timeout` refuses zero.
            let share = (self.left().ok()? / parts).max(Duration::from_millis(1));
            Some((candidate, share))
        })
    }
}

/// A socket whose every read and write ends with the budget, by an error of kind `TimedOut`.
pub struct Budgeted<'a> {
    /// The socket.
    pub tcp: &'a TcpStream,
    /// The budget.
    pub budget: Budget,
}

impl Read for Budgeted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(self.budget.left()?))?;
        self.tcp.read(buf).map_err(timed_out)
    }
}

impl Write for Budgeted<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(Some(self.budget.left()?))?;
        self.tcp.write(buf).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket's own time-out is reported as "would block".
fn timed_out(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_shared_and_ends() {
        let budget = Budget::new(Duration::from_secs(60));
        let shares: Vec<_> = budget.shares(&["a", "b", "c", "d"]).collect();
        assert_eq!(shares.len(), 4);
        for ((_, share), most) in shares.into_iter().zip([15, 20, 30, 60]) {
            let most = Duration::from_secs(most);
            assert!(share <= most && share > most - Duration::from_secs(1));
        }
        let over = Budget::new(Duration::ZERO);
        assert_eq!(over.left().unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(over.shares(&[1]).count(), 0);
    }
}
