//! A gateway behind an HTTP proxy, whose name only the proxy can resolve.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use runner_testkit::temp::TempDir;
use runner_testkit::{Gateway, Options, RunnerBuilder, TestCa, network, runner, watchdog};

const SOON: Duration = Duration::from_secs(10);

/// A proxy that asks for a user and leads everybody to the same port.
struct Proxy {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, seen) = (client.unwrap(), Arc::clone(&seen));
                thread::spawn(move || serve(client, target, &seen));
            }
        });
        Self { port, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(mut client: TcpStream, target: u16, requests: &Mutex<Vec<String>>) {
    let Some(head) = network::read_head(&mut client) else {
        return;
    };
    requests.lock().unwrap().push(head.clone());
    // "user:p@ssw0rd"
    if !head.contains("\r\nProxy-Authorization: Basic dXNlcjpwQHNzdzByZA==\r\n") {
        let _ = client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
        return;
    }
    client
        .write_all(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")
        .unwrap();
    let server = TcpStream::connect(("127.0.0.1", target)).unwrap();
    network::join(&client, &server).unwrap();
}

struct Setup {
    gateway: Gateway,
    proxy: Proxy,
    folder: TempDir,
}

fn setup() -> Setup {
    let ca = TestCa::new("private root");
    let gateway = Gateway::with(Options {
        tls: Some(ca.server(&["gateway.test", "localhost"])),
        host: "localhost".to_owned(),
        ..Options::default()
    });
    let folder = TempDir::new();
    folder.write("ca.pem", ca.pem());
    Setup {
        proxy: Proxy::start(gateway.port()),
        gateway,
        folder,
    }
}

impl Setup {
    fn runner(&self, host: &str, user: &str) -> RunnerBuilder {
        let pem = self.folder.path().join("ca.pem");
        let url = format!("wss://{host}:{}/connect", self.gateway.port());
        let proxy = format!("http://{user}127.0.0.1:{}", self.proxy.port);
        runner!(self.gateway)
            .env("SEMILAYER_GATEWAY_URL", url)
            .env("NODE_EXTRA_CA_CERTS", pem.to_str().unwrap())
            .env("HTTPS_PROXY", proxy)
    }
}

#[test]
fn the_proxy_finds_the_gateway_and_never_sees_the_token() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let setup = setup();
    let runner = setup.runner("gateway.test", "user:p%40ssw0rd@").start();
    setup.gateway.wait_hello(1, SOON);
    runner.wait_stdout("  → connected, awaiting jobs", SOON);
    let port = setup.gateway.port();
    let requests = setup.proxy.requests();
    assert!(
        requests[0].starts_with(&format!(
            "CONNECT gateway.test:{port} HTTP/1.1\r\nHost: gateway.test:{port}\r\n"
        )),
        "{requests:?}"
    );
    assert!(!requests[0].contains("rk_"));
}

#[test]
fn a_proxy_that_wants_a_user_is_told_apart() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let setup = setup();
    let runner = setup.runner("gateway.test", "").start();
    runner.wait_stdout("  ⚠ disconnected: close 1006", SOON);
    runner.wait_stderr("refuses with status 407", SOON);
    runner.wait_stderr("Put user and password into HTTPS_PROXY", SOON);
    assert!(setup.gateway.state().upgrades.is_empty());
}

#[test]
fn an_exempt_gateway_is_reached_directly() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let setup = setup();
    let _runner = setup
        .runner("localhost", "")
        .env("NO_PROXY", "example.com,localhost")
        .start();
    setup.gateway.wait_hello(1, SOON);
    assert!(setup.proxy.requests().is_empty());
}
