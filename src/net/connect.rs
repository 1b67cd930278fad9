//! From a name to a TCP connection, within a budget.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crossbeam_channel::{Receiver, never};

use crate::net::{Budget, Phase, resolve_unless};

/// A part of the way that is done, for whoever watches.
pub enum Progress<'a> {
    /// The name has these addresses, at least one.
    Resolved(&'a [SocketAddr]),
    /// This one takes connections.
    Connected(SocketAddr),
}

/// Why there is no connection to a host.
#[derive(Debug)]
pub struct ConnectError {
    /// The name.
    pub host: String,
    /// The address that was tried last; `None` when it never came to that.
    pub address: Option<SocketAddr>,
    /// What became of it. Of kind `TimedOut` when the budget is over.
    pub source: io::Error,
}

impl ConnectError {
    /// The phase that failed.
    pub fn phase(&self) -> Phase {
        match self.address {
            None => Phase::Dns,
            Some(_) => Phase::Tcp,
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No host has one; what has may hold the end of a password.
        let host = match self.host.contains('@') {
            true => "the host of the configuration",
            false => self.host.as_str(),
        };
        match self.address {
            None => write!(f, "{host} cannot be resolved"),
            Some(address) => write!(f, "{host} ({address}) cannot be reached"),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Looks the name up, anew every time, and tries its addresses one after the other, each with its share of
/// the time that is left.
///
/// # Errors
/// The resolver's, or that of the last address.
pub fn connect(
    host: &str,
    port: u16,
    budget: Budget,
    watch: &mut dyn FnMut(Progress<'_>),
) -> Result<TcpStream, ConnectError> {
    connect_by(
        host,
        port,
        budget,
        &never(),
        watch,
        TcpStream::connect_timeout,
    )
}

/// As [`connect`], with another way to try an address, and over when `given_up` is disconnected while the name
/// is looked up.
///
/// # Errors
/// As [`connect`].
pub fn connect_by<T>(
    host: &str,
    port: u16,
    budget: Budget,
    given_up: &Receiver<()>,
    watch: &mut dyn FnMut(Progress<'_>),
    attempt: impl Fn(&SocketAddr, Duration) -> io::Result<T>,
) -> Result<T, ConnectError> {
    let failed = |address, source| ConnectError {
        host: host.to_owned(),
        address,
        source,
    };
    let addresses = budget
        .left()
        .and_then(|left| resolve_unless(host, port, left, given_up))
        .map_err(|source| failed(None, source))?;
    watch(Progress::Resolved(&addresses));
    let mut failure = (addresses.first().copied(), io::ErrorKind::TimedOut.into());
    for (address, share) in budget.shares(&addresses) {
        match attempt(address, share) {
            Ok(connection) => {
                watch(Progress::Connected(*address));
                return Ok(connection);
            }
            Err(source) => {
                log::debug!("{address}: {source}");
                failure = (Some(*address), source);
            }
        }
    }
    let (address, source) = failure;
    Err(failed(address, source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::time::Duration;

    #[test]
    fn the_phase_and_the_address_are_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut seen = Vec::new();
        let budget = Budget::new(Duration::from_secs(20));
        let tcp = connect("127.0.0.1", address.port(), budget, &mut |progress| {
            seen.push(match progress {
                Progress::Resolved(addresses) => addresses.to_vec(),
                Progress::Connected(address) => vec![address],
            });
        });
        assert_eq!(tcp.unwrap().peer_addr().unwrap(), address);
        assert_eq!(seen, [vec![address], vec![address]]);
        drop(listener);
        let error = connect("127.0.0.1", address.port(), budget, &mut |_| {}).unwrap_err();
        assert_eq!((error.phase(), error.address), (Phase::Tcp, Some(address)));
        let over = Budget::new(Duration::ZERO);
        let error = connect("127.0.0.1", 1, over, &mut |_| {}).unwrap_err();
        assert_eq!(error.phase(), Phase::Dns);
        assert_eq!(error.source.kind(), io::ErrorKind::TimedOut);
    }
}
