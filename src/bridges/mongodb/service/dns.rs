//! Asking name servers.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

use super::message::{Kind, Record, question, read_answers};
use crate::net::{Budget, Cutter, Link, Peer};
use crate::{files, limits};

/// A server that has not answered by then is asked again.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often all servers are asked.
const ROUNDS: usize = 2;
/// Longest answer by UDP that is read.
const MAX_DATAGRAM: usize = 4096;
/// The usual limit on servers.
const MAX_SERVERS: usize = 3;

/// The servers that `resolv.conf` names; without any, this machine.
pub(super) fn system_servers() -> Vec<SocketAddr> {
    let text = files::read(Path::new("/etc/resolv.conf"), limits::RESOLV_CONF_BYTES);
    servers_of(&String::from_utf8_lossy(&text.unwrap_or_default()))
}

fn servers_of(text: &str) -> Vec<SocketAddr> {
    let mut found: Vec<SocketAddr> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let address = words
                .next()
                .filter(|word| *word == "nameserver")
                .and(words.next())?;
            // A scope such as fe80::1%eth0 cannot be parsed here and is rare.
            Some(SocketAddr::new(address.parse().ok()?, 53))
        })
        .take(MAX_SERVERS)
        .collect();
    if found.is_empty() {
        found.push((Ipv4Addr::LOCALHOST, 53).into());
    }
    found
}

/// Asks one server after the other until one can tell.
pub(super) struct Resolver<'a> {
    pub(super) servers: &'a [SocketAddr],
    pub(super) budget: Budget,
    pub(super) cutter: &'a Cutter,
}

impl Resolver<'_> {
    /// The records of a name.
    pub(super) fn ask(&self, name: &str, kind: Kind) -> io::Result<Vec<Record>> {
        let mut number = [0; 2];
        // Who cannot see the question must not guess it.
        SystemRandom::new()
            .fill(&mut number)
            .map_err(|_| io::Error::other("the system has no random numbers"))?;
        let question = question(u16::from_be_bytes(number), name, kind)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "that is no name"))?;
        let mut failure = io::Error::new(io::ErrorKind::TimedOut, "no name server answers");
        for _ in 0..ROUNDS {
            for server in self.servers {
                match self.ask_one(*server, &question, kind) {
                    Ok(records) => return Ok(records),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
                    Err(error) => failure = error,
                }
                if self.cutter.is_cut() {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
            }
        }
        Err(failure)
    }

    fn ask_one(&self, server: SocketAddr, question: &[u8], kind: Kind) -> io::Result<Vec<Record>> {
        let any: IpAddr = match server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect(server)?;
        socket.send(question)?;
        let patience = Budget::new(PATIENCE.min(self.budget.left()?));
        let mut answer = [0; MAX_DATAGRAM];
        loop {
            socket.set_read_timeout(Some(patience.left()?))?;
            let count = socket.recv(&mut answer)?;
            let message = answer.get(..count).unwrap_or_default();
            match read_answers(message, question, kind) {
                Ok(Some(records)) => return Ok(records),
                Ok(None) => return self.ask_at_length(server, question, kind),
                // Somebody else's; ours may still come.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// By TCP, where an answer may be long.
    fn ask_at_length(
        &self,
        server: SocketAddr,
        question: &[u8],
        kind: Kind,
    ) -> io::Result<Vec<Record>> {
        let peer = Peer {
            host: server.ip().to_string(),
            port: server.port(),
            proxy: None,
            tls: None,
        };
        let mut link = Link::open(&peer, self.budget, self.cutter).map_err(io::Error::other)?;
        let length = u16::try_from(question.len()).unwrap_or(0).to_be_bytes();
        link.write_all(&[&length, question].concat())?;
        let mut length = [0; 2];
        link.read_exact(&mut length)?;
        let mut answer = vec![0; u16::from_be_bytes(length).into()];
        link.read_exact(&mut answer)?;
        read_answers(&answer, question, kind)?.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_stand_in_resolv_conf() {
        let text =
            "# x\nsearch a.b\nnameserver 10.0.0.1\nnameserver ::1 \nnameserver x\noptions y\n";
        let servers: Vec<SocketAddr> =
            vec!["10.0.0.1:53".parse().unwrap(), "[::1]:53".parse().unwrap()];
        assert_eq!(servers_of(text), servers);
        assert_eq!(servers_of(""), ["127.0.0.1:53".parse().unwrap()]);
    }
}
