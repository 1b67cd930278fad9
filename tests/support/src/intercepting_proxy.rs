//! A CONNECT proxy that opens TLS, as corporate middleboxes do: it shows a certificate of its own authority, minted
//! for whatever host is asked for, reads along, and speaks TLS to the server itself.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustls::ClientConfig;

use crate::{TestCa, network, tls};

/// A running proxy on the loopback interface. It lives as long as the test process.
pub struct InterceptingProxy {
    /// Where it listens.
    pub port: u16,
    inner: Arc<Inner>,
}

struct Inner {
    ca: TestCa,
    upstream: Arc<ClientConfig>,
    opened: Mutex<Vec<String>>,
}

impl InterceptingProxy {
    /// A proxy whose authority has this common name. Of servers it trusts those that `upstream` has signed.
    pub fn start(name: &str, upstream: &TestCa) -> Self {
        let inner = Arc::new(Inner {
            ca: TestCa::new(name),
            upstream: upstream.client(),
            opened: Mutex::default(),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::clone(&inner);
        let accept = move || {
            for client in listener.incoming().flatten() {
                let inner = Arc::clone(&shared);
                // A client that does not trust it breaks off: some of the tests are about that.
                let serve = move || drop(inner.serve(client));
                let spawned = thread::Builder::new().name("intercept".into()).spawn(serve);
                spawned.expect("a thread");
            }
        };
        thread::Builder::new()
            .name("intercepting-proxy".into())
            .spawn(accept)
            .expect("a thread");
        Self { port, inner }
    }

    /// Its URL, as `HTTPS_PROXY` has it.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its authority, to be trusted.
    pub fn pem(&self) -> String {
        self.inner.ca.pem()
    }

    /// The hosts whose connections it has opened and passed on, in order.
    pub fn opened(&self) -> Vec<String> {
        self.inner.opened().clone()
    }
}

impl Inner {
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let Some(head) = network::read_head(&mut client) else {
            return Ok(());
        };
        let target = head.strip_prefix("CONNECT ");
        let target = target.and_then(|rest| rest.split(' ').next());
        let Some((host, port)) = target.and_then(|target| target.rsplit_once(':')) else {
            return client.write_all(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n");
        };
        let port = port.parse::<u16>().map_err(io::Error::other)?;
        let Ok(server) = TcpStream::connect((host, port)) else {
            return client.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n");
        };
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        let client = tls::terminate(client, self.ca.server(&[host]))?;
        let server = tls::originate(server, Arc::clone(&self.upstream), host)?;
        self.opened().push(host.to_owned());
        network::join(&client, &server)
    }

    fn opened(&self) -> MutexGuard<'_, Vec<String>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
