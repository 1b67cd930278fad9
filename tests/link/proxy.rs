//! A gateway behind a proxy of any kind, whose name only the proxy can resolve.

use std::time::Duration;

use runner_testkit::databases::{Database, SqliteDatabase};
use runner_testkit::proxy::Proxy;
use runner_testkit::temp::TempDir;
use runner_testkit::{Gateway, Options, RunnerBuilder, TestCa, network, runner, watchdog};
use serde_json::json;

const SOON: Duration = Duration::from_secs(10);

struct Setup {
    gateway: Gateway,
    proxy: Proxy,
    folder: TempDir,
    ca: TestCa,
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
        proxy: Proxy::http(gateway.port()),
        gateway,
        folder,
        ca,
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

#[test]
fn a_proxy_for_plain_http_is_not_used_and_that_is_said_once() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let setup = setup();
    let proxy = format!("http://user:p%40ssw0rd@127.0.0.1:{}", setup.proxy.port);
    let runner = setup.runner("localhost", "").env_remove("HTTPS_PROXY");
    let runner = runner.env("http_proxy", proxy).start();
    setup.gateway.wait_hello(1, SOON);
    setup.gateway.connection().cut();
    setup.gateway.wait_hello(2, SOON);
    assert!(setup.proxy.requests().is_empty());
    let log = runner.stderr();
    assert_eq!(log.matches("http_proxy is ignored").count(), 1, "{log}");
}

/// Frames of many sizes pass through both layers, both ways.
#[test]
fn a_proxy_that_is_reached_by_tls_sees_no_token_either() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let mut setup = setup();
    let (config, port) = (setup.ca.server(&["localhost"]), setup.gateway.port());
    setup.proxy = Proxy::https(port, config);
    let proxy = format!("https://user:p%40ssw0rd@localhost:{}", setup.proxy.port);
    let runner = setup
        .runner("gateway.test", "")
        .env("HTTPS_PROXY", &proxy)
        .start();
    setup.gateway.wait_hello(1, SOON);
    let requests = setup.proxy.requests();
    assert!(
        requests[0].starts_with("CONNECT gateway.test:"),
        "{requests:?}"
    );
    assert!(!requests[0].contains("rk_"));
    let database = SqliteDatabase::create(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, filler TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         INSERT INTO t SELECT i, printf('%.*c', i % 300, 'x') FROM n;",
    );
    for _ in 0..2 {
        let source = database.source();
        let answer = setup.gateway.dispatch(&source, "batchRead", "t", json!({}));
        assert_eq!(answer.wait().rows_counted, 20_000);
        // As large a frame the other way.
        let ids: Vec<u32> = (0..4000).collect();
        let options = json!({ "where": { "id": { "$in": ids } } });
        let answer = setup.gateway.dispatch(&source, "count", "t", options);
        answer.wait().expect_done();
    }
    drop(runner);
    // Its certificate is checked, too.
    let elsewhere = proxy.replace("localhost", "127.0.0.1");
    let runner = setup
        .runner("gateway.test", "")
        .env("HTTPS_PROXY", &elsewhere)
        .start();
    runner.wait_stderr("the proxy 127.0.0.1", SOON);
    runner.wait_stderr("not for 127.0.0.1", SOON);
}

#[test]
fn a_socks_proxy_is_asked_for_a_name_or_an_address() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let mut setup = setup();
    let port = setup.gateway.port();
    setup.proxy = Proxy::socks(port);
    let port = setup.proxy.port;
    for (scheme, host, asked) in [
        ("socks5h", "gateway.test", "gateway.test"),
        ("socks5", "localhost", "127.0.0.1"),
    ] {
        for variable in ["HTTPS_PROXY", "all_proxy"] {
            let proxy = format!("{scheme}://user:p%40ssw0rd@127.0.0.1:{port}");
            let before = setup.proxy.requests().len();
            let runner = setup
                .runner(host, "")
                .env_remove("HTTPS_PROXY")
                .env(variable, proxy);
            let runner = runner.start();
            runner.wait_stdout("connected, awaiting jobs", SOON);
            assert_eq!(setup.proxy.requests()[before..], [asked], "{variable}");
        }
    }
    for (user, host, words) in [
        ("", "gateway.test", "it asks for a user and a password"),
        (
            "user:wrong@",
            "gateway.test",
            "it does not know this user and password",
        ),
        (
            "user:p%40ssw0rd@",
            "forbidden.test",
            "its rules do not allow the connection",
        ),
    ] {
        let proxy = format!("socks5h://{user}127.0.0.1:{port}");
        let runner = setup.runner(host, "").env("HTTPS_PROXY", proxy).start();
        runner.wait_stderr(words, SOON);
    }
    let nobody = network::closed_port();
    let proxy = format!("socks5://127.0.0.1:{nobody}");
    let runner = setup
        .runner("localhost", "")
        .env("HTTPS_PROXY", proxy)
        .start();
    runner.wait_stderr("the proxy 127.0.0.1", SOON);
    runner.wait_stderr("Check HTTPS_PROXY", SOON);
}
