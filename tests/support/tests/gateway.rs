//! The gateway against a client that is known to be right, before it judges the runner.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use runner_testkit::{Gateway, Options, TOKEN, Terminal, TestCa, source, watchdog};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

const SOON: Duration = Duration::from_secs(5);

fn read<S: std::io::Read + std::io::Write>(client: &mut WebSocket<S>) -> Value {
    loop {
        if let Message::Text(text) = client.read().expect("a frame") {
            return serde_json::from_str(&text).expect("JSON");
        }
    }
}

fn send<S: std::io::Read + std::io::Write>(client: &mut WebSocket<S>, frame: &Value) {
    client
        .send(Message::text(frame.to_string()))
        .expect("a frame sent");
}

/// One session: hello, a job with two rows, a lost connection.
fn session<S: std::io::Read + std::io::Write>(gateway: &Gateway, stream: S) {
    let url = format!(
        "{}?token={TOKEN}&runnerId=x",
        gateway.url().replace("wss", "ws")
    );
    let (mut client, _) = tungstenite::client(url, stream).unwrap_or_else(|_| panic!("upgrade"));
    send(
        &mut client,
        &json!({ "type": "hello", "version": 1, "runnerId": "x", "capabilities": [] }),
    );
    assert_eq!(read(&mut client)["type"], "hello-ack");
    let source = source::managed("s", "sqlite", json!({}));
    let job = gateway.dispatch(&source, "query", "people", json!({}));
    let frame = read(&mut client);
    assert_eq!(frame["id"], job.id);
    assert_eq!(frame["params"]["job"]["target"], "people");
    // Larger than every buffer on the way.
    let filler = "x".repeat(20 << 20);
    send(
        &mut client,
        &json!({ "id": job.id, "type": "chunk", "rows": [{ "a": 1 }, { "a": filler }] }),
    );
    send(
        &mut client,
        &json!({ "id": job.id, "type": "done", "meta": { "count": 2 } }),
    );
    let answer = job.wait();
    assert_eq!((answer.frames, answer.rows().len()), (1, 2));
    assert_eq!(
        answer.result("query").unwrap()["rows"][0],
        json!({ "a": 1 })
    );
    let lost = gateway.dispatch(&source, "query", "people", json!({}));
    client.close(None).expect("a close");
    assert_eq!(lost.wait().terminal, Terminal::Disconnected);
    assert_eq!(gateway.wait_closed(1, SOON), Some((1005, String::new())));
}

fn open_admission() -> Options {
    Options {
        admit: Box::new(|_| runner_testkit::Admission::Accept),
        ..Options::default()
    }
}

#[test]
fn serves_a_session() {
    let _watchdog = watchdog(Duration::from_secs(30));
    let gateway = Gateway::with(open_admission());
    session(
        &gateway,
        TcpStream::connect(("127.0.0.1", gateway.port())).unwrap(),
    );
}

#[test]
fn serves_a_session_over_tls() {
    let _watchdog = watchdog(Duration::from_secs(30));
    let ca = TestCa::new("test root");
    let gateway = Gateway::with(Options {
        tls: Some(ca.server(&["localhost", "127.0.0.1"])),
        ..open_admission()
    });
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca.pem().as_bytes()).unwrap())
        .unwrap();
    let config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let tcp = TcpStream::connect(("127.0.0.1", gateway.port())).unwrap();
    session(&gateway, StreamOwned::new(tls, tcp));
}

#[test]
fn closes_on_bad_credentials() {
    let _watchdog = watchdog(Duration::from_secs(30));
    let gateway = Gateway::start();
    for (query, reason) in [
        ("token=wrong", "bad token"),
        (&format!("token={TOKEN}&runnerId=no"), "unknown runner"),
    ] {
        let tcp = TcpStream::connect(("127.0.0.1", gateway.port())).unwrap();
        let (mut client, _) =
            tungstenite::client(format!("{}?{query}", gateway.url()), tcp).unwrap();
        let Ok(Message::Close(Some(close))) = client.read() else {
            panic!("no close")
        };
        assert_eq!(
            (u16::from(close.code), close.reason.as_str()),
            (4401, reason)
        );
    }
}

#[test]
#[should_panic(expected = "frame contract")]
fn a_breach_fails_the_test() {
    let _watchdog = watchdog(Duration::from_secs(30));
    let gateway = Gateway::with(open_admission());
    let tcp = TcpStream::connect(("127.0.0.1", gateway.port())).unwrap();
    let (mut client, _) = tungstenite::client(gateway.url(), tcp).unwrap();
    send(
        &mut client,
        &json!({ "type": "hello", "version": 1, "runnerId": "x", "capabilities": [] }),
    );
    send(&mut client, &json!({ "id": "nobody", "type": "done" }));
    send(&mut client, &json!({ "type": "heartbeat" }));
    gateway.wait("heartbeat", SOON, |state| state.heartbeats.first().cloned());
}
