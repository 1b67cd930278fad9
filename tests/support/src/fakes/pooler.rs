//! A PostgreSQL pooler as far as its way with startup options goes, before a real server.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use super::{Server, postgres};
use crate::databases;
use crate::network;

/// What becomes of the startup parameter `options`.
#[derive(Debug, Clone)]
pub enum Options {
    /// It is left out, and nothing is said.
    Dropped,
    /// A client that sends it is refused with this SQLSTATE and sentence.
    Refused(&'static str, &'static str),
}

/// A pooler in front of a server.
pub struct Pooler {
    server: Server,
    behind: String,
}

impl Pooler {
    /// A pooler before the server that `url` names.
    pub fn start(url: &str, options: Options) -> Self {
        let address = databases::address(url);
        Self {
            server: Server::start(Arc::new(move |client| serve(client, address, &options))),
            behind: url.to_owned(),
        }
    }

    /// The server's URL by way of the pooler.
    pub fn url(&self) -> String {
        databases::with_address(&self.behind, self.server.address)
    }
}

impl Pooler {
    /// One that says nothing and drops the options.
    pub fn dropping(url: &str) -> Self {
        Self::start(url, Options::Dropped)
    }

    /// One that refuses clients that send options.
    pub fn refusing(url: &str, code: &'static str, message: &'static str) -> Self {
        Self::start(url, Options::Refused(code, message))
    }
}

fn serve(mut client: TcpStream, address: SocketAddr, options: &Options) -> io::Result<()> {
    let first = postgres::startup(&mut client)?;
    let (version, parameters) = first.split_at(4);
    let mut words: Vec<&[u8]> = parameters.split(|byte| *byte == 0).collect();
    let at = words.chunks(2).position(|pair| pair[0] == b"options");
    if let Some(at) = at {
        match options {
            Options::Dropped => drop(words.drain(2 * at..2 * at + 2)),
            Options::Refused(code, message) => {
                let body = format!("SFATAL\0VFATAL\0C{code}\0M{message}\0\0");
                client.write_all(&super::FakePostgres::message(b'E', body.as_bytes()))?;
                return Ok(());
            }
        }
    } else if !version.starts_with(&[0, 3]) {
        // A request to cancel goes its way.
        let mut server = TcpStream::connect(address)?;
        let length = u32::try_from(first.len() + 4).expect("short");
        server.write_all(&[&length.to_be_bytes()[..], &first].concat())?;
        return server.read_to_end(&mut Vec::new()).map(drop);
    }
    let body = [version, &words.join(&0)].concat();
    let mut server = TcpStream::connect(address)?;
    let length = u32::try_from(body.len() + 4).expect("short");
    server.write_all(&[&length.to_be_bytes()[..], &body].concat())?;
    network::join(&client, &server)
}
