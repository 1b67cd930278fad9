//! Proxies of every kind, which ask for a user and note whom they are asked for.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::ServerConfig;

use crate::{network, tls};

/// What stands before the `@` of a proxy's URL.
pub const PROXY_USER: &str = "user:p%40ssw0rd";

/// A proxy that leads everybody who knows [`PROXY_USER`] to the same port of the loopback interface.
pub struct Proxy {
    /// Where it listens.
    pub port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// One that is asked by CONNECT.
    pub fn http(target: u16) -> Self {
        Self::serving(move |client, seen| serve(client, target, seen))
    }

    /// The same by TLS.
    pub fn https(target: u16, config: Arc<ServerConfig>) -> Self {
        Self::serving(move |client, seen| {
            // A refused handshake is what some of the tests are about.
            if let Ok(plain) = tls::terminate(client, Arc::clone(&config)) {
                serve(plain, target, seen);
            }
        })
    }

    /// One that speaks SOCKS 5, and leads nobody to `forbidden.test`.
    pub fn socks(target: u16) -> Self {
        Self::serving(move |client, seen| drop(socks(client, target, seen)))
    }

    fn serving(serve: impl Fn(TcpStream, &Mutex<Vec<String>>) + Send + Sync + 'static) -> Self {
        let serve = Arc::new(serve);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (serve, seen) = (Arc::clone(&serve), Arc::clone(&seen));
                thread::spawn(move || serve(client, &seen));
            }
        });
        Self { port, requests }
    }

    /// The heads of requests, or the hosts that SOCKS was asked for.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("the list").clone()
    }
}

fn serve(mut client: TcpStream, target: u16, requests: &Mutex<Vec<String>>) {
    let Some(head) = network::read_head(&mut client) else {
        return;
    };
    requests.lock().expect("the list").push(head.clone());
    // "user:p@ssw0rd"
    if !head.contains("\r\nProxy-Authorization: Basic dXNlcjpwQHNzdzByZA==\r\n") {
        let _ = client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
        return;
    }
    let opened = client.write_all(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n");
    if let (Ok(()), Ok(server)) = (opened, TcpStream::connect(("127.0.0.1", target))) {
        let _ = network::join(&client, &server);
    }
}

/// A SOCKS proxy that asks for the same user, and notes whom it is asked for.
fn socks(client: TcpStream, target: u16, requests: &Mutex<Vec<String>>) -> io::Result<()> {
    let take = |count: usize| {
        let mut bytes = vec![0; count];
        (&client).read_exact(&mut bytes).map(|()| bytes)
    };
    let methods = take(2)?[1];
    let methods = take(methods.into())?;
    let mut refused = !methods.contains(&2);
    let answer = [5, if refused { 0xff } else { 2 }];
    (&client).write_all(&answer)?;
    let length = take(2)?[1];
    refused |= take(length.into())? != b"user";
    let length = take(1)?[0];
    refused |= take(length.into())? != b"p@ssw0rd";
    (&client).write_all(&[1, refused.into()])?;
    let kind = take(4)?[3];
    let host = match kind {
        1 => take(4)?
            .iter()
            .map(u8::to_string)
            .collect::<Vec<_>>()
            .join("."),
        3 => {
            let length = take(1)?[0];
            String::from_utf8(take(length.into())?).expect("a name")
        }
        _ => "another".to_owned(),
    };
    take(2)?;
    requests.lock().expect("the list").push(host.clone());
    let forbidden = host == "forbidden.test";
    (&client).write_all(&[5, if forbidden { 2 } else { 0 }, 0, 1, 0, 0, 0, 0, 0, 0])?;
    match forbidden {
        true => Ok(()),
        false => network::join(&client, &TcpStream::connect(("127.0.0.1", target))?),
    }
}
