//! `mongodb+srv://`: the servers that DNS names for a host.
//!
//! * `dns`: one question to a name server, by UDP and TCP; the system's resolver answers none of these kinds, and a
//!   static libc has none to ask
//! * `message`: what travels
//! * this file: what is asked, and which answers are believed

mod dns;
mod message;

use std::net::SocketAddr;

use super::config::{Address, parse_records};
use crate::bridges::config::unusable;
use crate::error::JobError;
use crate::net::{Budget, Cutter};
use dns::{Resolver, system_servers};
use message::Record;
pub use message::{Kind, read_answers};

/// What DNS says of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The servers.
    pub hosts: Vec<Address>,
    /// The database that knows users, unless the connection string says.
    pub auth_source: Option<String>,
    /// The set's name, unless the connection string says.
    pub replica_set: Option<String>,
}

/// Asks the system's name servers.
///
/// # Errors
/// `SOURCE_UNREACHABLE` when there is no answer, `SOURCE_CONFIG` for one that must not be believed.
pub fn look_up(
    host: &str,
    service: &str,
    budget: Budget,
    cutter: &Cutter,
) -> Result<Found, JobError> {
    ask(host, service, &system_servers(), budget, cutter)
}

fn ask(
    host: &str,
    service: &str,
    servers: &[SocketAddr],
    budget: Budget,
    cutter: &Cutter,
) -> Result<Found, JobError> {
    let resolver = Resolver {
        servers,
        budget,
        cutter,
    };
    let unreachable = |name: &str, problem: &dyn std::fmt::Display| {
        let text = format!("the servers of \"{name}\" cannot be looked up: {problem}");
        JobError::unreachable(text)
    };
    let name = format!("_{service}._tcp.{host}");
    let records = resolver
        .ask(&name, Kind::Service)
        .map_err(|error| unreachable(&name, &error))?;
    let mut hosts = Vec::new();
    for record in records {
        let Record::Service { target, port } = record else {
            continue;
        };
        // Whoever may answer for another domain must not send us elsewhere.
        if !shares_parent(&target, host) {
            return Err(unusable(format!(
                "DNS names the server {target} for {host}, which does not share its parent domain"
            )));
        }
        hosts.push(Address::Host(target, port));
    }
    if hosts.is_empty() {
        return Err(unreachable(&name, &"there is no SRV record"));
    }
    let records = resolver
        .ask(host, Kind::Text)
        .map_err(|error| unreachable(host, &error))?;
    let mut texts = records.into_iter().filter_map(|record| match record {
        Record::Text(text) => Some(text),
        Record::Service { .. } => None,
    });
    let (auth_source, replica_set) = parse_records(&texts.next().unwrap_or_default())?;
    if texts.next().is_some() {
        return Err(unusable(format!("{host} has more than one TXT record")));
    }
    Ok(Found {
        hosts,
        auth_source,
        replica_set,
    })
}

/// True when a target lies in the domain that the host is of.
fn shares_parent(target: &str, host: &str) -> bool {
    // A host of fewer than three labels is a domain of its own.
    let parent = match host.split_once('.') {
        Some((_, parent)) if parent.contains('.') => parent,
        _ => host,
    };
    target
        .strip_suffix(parent)
        .is_some_and(|rest| rest.ends_with('.') && rest.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridges::mongodb::service::message::tests::answer;
    use crate::error::ErrorCode;
    use std::net::{TcpListener, UdpSocket};
    use std::time::Duration;

    /// A name server that answers for `rs.cluster.test`, `evil.cluster.test` and `bad.cluster.test`; by UDP it says
    /// no more than that it has much to say when `truncated`.
    fn server(truncated: bool) -> SocketAddr {
        // The same port twice, which somebody else may have for one of them.
        let pair = || {
            let udp = UdpSocket::bind("127.0.0.1:0").ok()?;
            let tcp = TcpListener::bind(udp.local_addr().ok()?).ok()?;
            Some((udp, tcp))
        };
        let (udp, tcp) = (0..100).find_map(|_| pair()).unwrap();
        let address = udp.local_addr().unwrap();
        let reply = |question: &[u8]| -> Vec<u8> {
            let text = String::from_utf8_lossy(question).into_owned();
            let records: Vec<(u16, Vec<u8>)> = if text.contains("_mongodb") {
                let target = match text.contains("evil") {
                    true => "\x04host\x05other\x04test\0",
                    false => "\x05NODE1\x07cluster\x04test\0",
                };
                let mut data = vec![0, 0, 0, 0, 0x69, 0x89];
                data.extend(target.bytes());
                vec![(33, data)]
            } else if text.contains("\x02rs") {
                vec![(16, b"\x0ereplicaSet=rs0\x11&authSource=admin".to_vec())]
            } else if text.contains("\x03bad") {
                vec![(16, b"\x09ssl=false".to_vec())]
            } else {
                vec![]
            };
            answer(question, &records)
        };
        std::thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((count, from)) = udp.recv_from(&mut buffer) {
                let mut message = reply(&buffer[..count]);
                if truncated {
                    message = answer(&buffer[..count], &[]);
                    message[2] |= 2;
                }
                udp.send_to(&message, from).unwrap();
            }
        });
        std::thread::spawn(move || {
            use std::io::{Read, Write};
            while let Ok((mut stream, _)) = tcp.accept() {
                let mut length = [0; 2];
                stream.read_exact(&mut length).unwrap();
                let mut question = vec![0; u16::from_be_bytes(length).into()];
                stream.read_exact(&mut question).unwrap();
                let message = reply(&question);
                let length = u16::try_from(message.len()).unwrap().to_be_bytes();
                stream.write_all(&length).unwrap();
                stream.write_all(&message).unwrap();
            }
        });
        address
    }

    fn look_up(host: &str, server: SocketAddr) -> Result<Found, JobError> {
        let budget = Budget::new(Duration::from_secs(10));
        ask(host, "mongodb", &[server], budget, &Cutter::default())
    }

    #[test]
    fn servers_and_options_are_found() {
        for truncated in [false, true] {
            let found = look_up("rs.cluster.test", server(truncated)).unwrap();
            let host = Address::Host("node1.cluster.test".into(), 27017);
            assert_eq!(found.hosts, [host]);
            assert_eq!(found.auth_source.as_deref(), Some("admin"));
            assert_eq!(found.replica_set.as_deref(), Some("rs0"));
        }
        let found = look_up("one.cluster.test", server(false)).unwrap();
        assert_eq!(found.replica_set, None);
    }

    #[test]
    fn answers_that_lead_elsewhere_are_not_believed() {
        let server = server(false);
        let error = look_up("evil.cluster.test", server).unwrap_err();
        assert_eq!(error.code, ErrorCode::SourceConfig);
        assert!(error.message.contains("parent domain"), "{}", error.message);
        let error = look_up("bad.cluster.test", server).unwrap_err();
        assert!(error.message.contains("TXT"), "{}", error.message);
    }

    #[test]
    fn a_server_that_is_not_there_is_told_in_time() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let budget = Budget::new(Duration::from_millis(50));
        let servers = [socket.local_addr().unwrap()];
        let error = ask("a.b.c", "mongodb", &servers, budget, &Cutter::default()).unwrap_err();
        assert_eq!(error.code, ErrorCode::SourceUnreachable);
    }

    #[test]
    fn the_parent_is_what_follows_the_first_label() {
        assert!(shares_parent("n1.example.com", "cluster.example.com"));
        assert!(shares_parent(
            "n1.cluster.example.com",
            "cluster.example.com"
        ));
        assert!(!shares_parent("example.com", "cluster.example.com"));
        assert!(!shares_parent("n1.badexample.com", "cluster.example.com"));
        assert!(shares_parent("n1.example.com", "example.com"));
        assert!(!shares_parent("n1.other.com", "example.com"));
    }
}
