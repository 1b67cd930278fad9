//! Names to addresses, in bounded time.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use crossbeam_channel::{Receiver, after, bounded, never, select};

use crate::shortage;

/// Resolves a host name (or an address literal, brackets allowed) within `budget`. The system's resolver
/// cannot be interrupted, so it runs on a thread of its own; when time is up that thread is left behind and
/// ends when the resolver gives up, a few seconds later.
///
/// # Errors
/// The resolver's own error, `NotFound` when it names no address, `TimedOut` when the budget is over.
pub fn resolve(host: &str, port: u16, budget: Duration) -> io::Result<Vec<SocketAddr>> {
    resolve_unless(host, port, budget, &never())
}

/// As [`resolve`], and over at once when `given_up` is disconnected.
///
/// # Errors
/// As [`resolve`]; `ConnectionAborted` when it was given up.
pub fn resolve_unless(
    host: &str,
    port: u16,
    budget: Duration,
    given_up: &Receiver<()>,
) -> io::Result<Vec<SocketAddr>> {
    let host = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host)
        .to_owned();
    if let Ok(ip) = host.parse() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    // No name has one: what stands there is part of a login, and no name server's business.
    if host.contains('@') {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "this is no name of a host",
        ));
    }
    let (answer, answers) = bounded(1);
    shortage::spawn("resolver", move || {
        let found = (host.as_str(), port)
            .to_socket_addrs()
            .map(Iterator::collect::<Vec<_>>);
        // Nobody waits any more when the budget was over first.
        let _ = answer.send(found);
    })?;
    let late = || io::Error::new(io::ErrorKind::TimedOut, "the name server does not answer");
    let found = select! {
        recv(answers) -> found => found.map_err(|_| late())??,
        recv(given_up) -> _ => return Err(io::ErrorKind::ConnectionAborted.into()),
        recv(after(budget)) -> _ => return Err(late()),
    };
    if found.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "the name has no address",
        ));
    }
    Ok(found)
}

/// A host without the zone of an IPv6 address, which is of this machine only.
pub fn without_zone(host: &str) -> &str {
    match host.split_once('%') {
        Some((address, _)) if address.contains(':') => address,
        _ => host,
    }
}

/// A host as it stands in a URL: IPv6 addresses have brackets.
pub fn bracketed(host: &str) -> String {
    match without_zone(host).parse() {
        Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
        _ => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_need_no_resolver() {
        let found = resolve("[::1]", 5432, Duration::ZERO).unwrap();
        assert_eq!(found, ["[::1]:5432".parse().unwrap()]);
        let login = resolve("user:pa@ss@host", 80, Duration::from_secs(1)).unwrap_err();
        assert_eq!(login.kind(), io::ErrorKind::InvalidInput);
        let found = resolve("127.0.0.1", 80, Duration::ZERO).unwrap();
        assert_eq!(found, ["127.0.0.1:80".parse().unwrap()]);
    }
}
