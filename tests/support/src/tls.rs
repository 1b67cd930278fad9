//! TLS in front of a plain server, or of a plain client: bytes are pumped between the encrypted connection and a
//! loopback one, in both directions at once, so that back-pressure passes through.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, Connection, DigitallySignedStruct, ServerConfig,
    ServerConnection, SignatureScheme,
};

use crate::network;

/// New keys after so many pieces, which the other end must follow.
const KEY_UPDATE: u64 = 50;

/// Completes the handshake as the server and returns the plain side of the connection.
pub fn terminate(encrypted: TcpStream, config: Arc<ServerConfig>) -> io::Result<TcpStream> {
    let tls = ServerConnection::new(config).map_err(io::Error::other)?;
    pump(encrypted, tls.into())
}

/// A door that speaks TLS before a plain server. It is there as long as the test's process.
pub fn front(server: SocketAddr, config: Arc<ServerConfig>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            thread::spawn(move || -> io::Result<()> {
                let plain = terminate(client, config)?;
                network::join(&plain, &TcpStream::connect(server)?)
            });
        }
    });
    address
}

/// Completes the handshake as the client of the server `name` and returns the plain side of the connection.
pub fn originate(
    encrypted: TcpStream,
    config: Arc<ClientConfig>,
    name: &str,
) -> io::Result<TcpStream> {
    let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
    let tls = ClientConnection::new(config, name).map_err(io::Error::other)?;
    pump(encrypted, tls.into())
}

/// The client side of TLS that takes any server for what it says it is.
pub fn credulous() -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Credulous(provider)))
        .with_no_client_auth();
    Arc::new(config)
}

#[derive(Debug)]
struct Credulous(Arc<CryptoProvider>);

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn pump(mut encrypted: TcpStream, mut tls: Connection) -> io::Result<TcpStream> {
    while tls.is_handshaking() {
        tls.complete_io(&mut encrypted)?;
    }
    let (inner, plain) = pair()?;
    let tls = Arc::new(Mutex::new(tls));
    let output = Arc::new(Mutex::new(encrypted.try_clone()?));
    {
        let (tls, output, inner) = (tls.clone(), output.clone(), inner.try_clone()?);
        thread::Builder::new()
            .name("tls-in".into())
            .spawn(move || {
                // An end, an alert, or records that cannot be read: nothing follows.
                let _ = decrypt(encrypted, &tls, &output, &inner);
                let _ = inner.shutdown(Shutdown::Write);
            })?;
    }
    thread::Builder::new()
        .name("tls-out".into())
        .spawn(move || drop(encrypt(inner, &tls, &output)))?;
    Ok(plain)
}

/// Two connected sockets.
fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let one = TcpStream::connect(listener.local_addr()?)?;
    let (other, _) = listener.accept()?;
    one.set_nodelay(true)?;
    other.set_nodelay(true)?;
    Ok((one, other))
}

fn decrypt(
    mut encrypted: TcpStream,
    tls: &Mutex<Connection>,
    output: &Mutex<TcpStream>,
    mut inner: &TcpStream,
) -> io::Result<()> {
    let mut raw = vec![0; 64 << 10];
    let mut plain = Vec::new();
    let mut count = 0;
    loop {
        // What the handshake has read beyond its own end comes first.
        let mut left = &raw[..count];
        let mut answers = false;
        loop {
            let mut tls = tls.lock().expect("the TLS lock");
            let state = tls.process_new_packets().map_err(io::Error::other)?;
            let start = plain.len();
            plain.resize(start + state.plaintext_bytes_to_read(), 0);
            tls.reader().read_exact(&mut plain[start..])?;
            answers |= tls.wants_write();
            if left.is_empty() {
                break;
            }
            tls.read_tls(&mut left)?;
        }
        if answers {
            flush(tls, output, &[])?;
        }
        inner.write_all(&plain)?;
        plain.clear();
        count = encrypted.read(&mut raw).unwrap_or(0);
        if count == 0 {
            return Ok(());
        }
    }
}

fn encrypt(
    mut inner: TcpStream,
    tls: &Mutex<Connection>,
    output: &Mutex<TcpStream>,
) -> io::Result<()> {
    let mut plain = vec![0; 16 << 10];
    for piece in 1_u64.. {
        let count = inner.read(&mut plain).unwrap_or(0);
        if count == 0 {
            tls.lock().expect("the TLS lock").send_close_notify();
            flush(tls, output, &[])?;
            return output
                .lock()
                .expect("the output lock")
                .shutdown(Shutdown::Both);
        }
        if piece % KEY_UPDATE == 0 {
            // TLS 1.2 has none.
            let _ = tls.lock().expect("the TLS lock").refresh_traffic_keys();
        }
        flush(tls, output, &plain[..count])?;
    }
    Ok(())
}

/// Encrypts and sends. Records leave in the order they were made because the output is locked first.
fn flush(tls: &Mutex<Connection>, output: &Mutex<TcpStream>, plain: &[u8]) -> io::Result<()> {
    let mut output = output.lock().expect("the output lock");
    let mut records = Vec::new();
    {
        let mut tls = tls.lock().expect("the TLS lock");
        tls.writer().write_all(plain)?;
        while tls.wants_write() {
            tls.write_tls(&mut records)?;
        }
    }
    output.write_all(&records)
}
