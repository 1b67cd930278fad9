//! Who listens where no MySQL server greets.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::config::Address;
use crate::{limits, net};

/// PostgreSQL's request for encryption: its length and a number. It is answered with one letter.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// The name of the server, if it is another than it should be. Asks on a connection of its own, because a MySQL
/// server that is merely slow would take the question for a broken login.
pub(super) fn at(address: &Address, budget: Duration) -> Option<&'static str> {
    let Address::Tcp(host, port) = address else {
        return None;
    };
    let budget = budget.min(limits::STRANGER_BUDGET);
    let addresses = net::resolve(host, *port, budget).ok()?;
    let mut stream = TcpStream::connect_timeout(addresses.first()?, budget).ok()?;
    stream.set_read_timeout(Some(budget)).ok()?;
    stream.set_write_timeout(Some(budget)).ok()?;
    stream.write_all(&SSL_REQUEST).ok()?;
    let mut answer = [0];
    stream.read_exact(&mut answer).ok()?;
    matches!(&answer, b"S" | b"N").then_some("PostgreSQL")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn a_server_that_answers_postgres_question_is_known() {
        for (answer, name) in [(&b"N"[..], Some("PostgreSQL")), (b"J", None), (b"", None)] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut question = [0; 8];
                stream.read_exact(&mut question).unwrap();
                stream.write_all(answer).unwrap();
            });
            let address = Address::Tcp("127.0.0.1".to_owned(), port);
            assert_eq!(at(&address, Duration::from_secs(10)), name);
            server.join().unwrap();
        }
    }
}
