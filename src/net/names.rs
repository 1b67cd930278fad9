//! Names to addresses, in bounded time.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, after, bounded, never, select};

use crate::locks::{Seat, Seats, lock};
use crate::{limits, shortage};

/// Resolves a host name (or an address literal, brackets allowed) within `budget`. The system's resolver
/// cannot be interrupted, so it runs on a thread of its own; when time is up that thread is left behind and
/// ends when the resolver gives up, a few seconds later. There are never more than [`limits::LOOK_UPS`] of them.
///
/// # Errors
/// The resolver's own error, `NotFound` when it names no address, `TimedOut` when the budget is over; that of a
/// shortage when too many look-ups are under way and none ends soon.
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
    let host = without_brackets(host).to_owned();
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
    let until = Instant::now() + budget;
    let look_up = begin(&host, budget, given_up)?;
    let (answer, answers) = bounded(1);
    shortage::spawn("resolver", move || {
        let found = (host.as_str(), port)
            .to_socket_addrs()
            .map(Iterator::collect::<Vec<_>>);
        if found.as_ref().is_ok_and(|found| !found.is_empty()) {
            remember(host);
        }
        drop(look_up);
        // Nobody waits any more when the budget was over first.
        let _ = answer.send(found);
    })?;
    let budget = until.saturating_duration_since(Instant::now());
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

/// Look-ups under way, whether anybody waits for them or not.
static UNDER_WAY: Seats = Seats::new();
/// Names that were answered, those that were asked for last at the end.
static ANSWERED: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// Waits until there is room for one more. A quarter of it is left to names that were answered before: those that nobody
/// answers hold up no others.
fn begin(host: &str, budget: Duration, given_up: &Receiver<()>) -> io::Result<Seat> {
    let most = match lock(&ANSWERED).iter().any(|name| name == host) {
        true => limits::LOOK_UPS,
        false => limits::LOOK_UPS - limits::LOOK_UPS / limits::PLACES_PER_SPARE,
    };
    let until = Instant::now() + budget.min(limits::PLACE_PATIENCE);
    loop {
        if let Some(seat) = UNDER_WAY.take(most) {
            return Ok(seat);
        }
        if Instant::now() >= until {
            return Err(shortage::look_ups());
        }
        select! {
            recv(given_up) -> _ => return Err(io::ErrorKind::ConnectionAborted.into()),
            recv(after(limits::PLACE_PAUSE)) -> _ => {}
        }
    }
}

fn remember(host: String) {
    let mut names = lock(&ANSWERED);
    names.retain(|name| *name != host);
    if names.len() >= limits::ANSWERED_NAMES {
        names.pop_front();
    }
    names.push_back(host);
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

/// A host without the brackets of an IPv6 address.
pub fn without_brackets(host: &str) -> &str {
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    inner.unwrap_or(host)
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
