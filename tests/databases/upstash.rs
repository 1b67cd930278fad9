//! Upstash as it is reached: over https, and through the proxies that the environment names for it. Behind the door is a
//! stand-in on a real Redis.

use std::time::Duration;

use runner_testkit::databases;
use runner_testkit::fakes::{UPSTASH_TOKEN, upstash};
use runner_testkit::proxy::{PROXY_USER, Proxy};
use runner_testkit::temp::TempDir;
use runner_testkit::{RunnerBuilder, TestCa, network, tls};
use serde_json::Value;

struct Setup {
    ca: TestCa,
    folder: TempDir,
    /// Where it speaks TLS.
    port: u16,
}

fn setup() -> Option<Setup> {
    let redis = databases::redis()?;
    let plain = databases::address(&upstash(&redis, 1 << 20));
    let ca = TestCa::new("service root");
    let door = tls::front(
        plain,
        ca.server(&["localhost", "127.0.0.1", "db.upstash.test"]),
    );
    let folder = TempDir::new();
    folder.write("ca.pem", ca.pem());
    Some(Setup {
        port: door.port(),
        ca,
        folder,
    })
}

impl Setup {
    /// What `test-source` says of the service by this name, with these variables.
    fn report(&self, host: &str, variables: &[(&str, &str)]) -> Value {
        let pem = self.folder.path().join("ca.pem");
        let mut runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), "")
            .args(&["test-source", "--json"])
            .env("NODE_EXTRA_CA_CERTS", pem.to_str().unwrap())
            .env(
                "SEMILAYER_SOURCE_S_URL",
                format!("https://{host}:{}", self.port),
            )
            .env("SEMILAYER_SOURCE_S_TOKEN", UPSTASH_TOKEN)
            .env("SEMILAYER_SOURCE_S_BRIDGE", "upstash");
        for (name, value) in variables {
            runner = runner.env(name, *value);
        }
        let runner = runner.start();
        runner.wait_exit(Duration::from_secs(20));
        let reports: Vec<Value> = serde_json::from_str(&runner.stdout()).unwrap();
        reports[0].clone()
    }
}

#[track_caller]
fn expect_encrypted(report: &Value) {
    let found = (&report["ok"], &report["tls"]);
    assert_eq!(found, (&true.into(), &true.into()), "{report}");
}

#[track_caller]
fn expect_unreachable(report: &Value, words: &[&str]) {
    assert_eq!(report["code"], "SOURCE_UNREACHABLE", "{report}");
    let said = report["message"].as_str().unwrap();
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn over_https_the_certificate_is_checked() {
    let Some(setup) = setup() else {
        return;
    };
    expect_encrypted(&setup.report("localhost", &[]));
    let unknown = setup.report("localhost", &[("NODE_EXTRA_CA_CERTS", "")]);
    expect_unreachable(&unknown, &["service root", "UnknownIssuer"]);
    let elsewhere = setup.report("[::ffff:127.0.0.1]", &[]);
    expect_unreachable(&elsewhere, &["certificate is not for"]);
}

#[test]
fn proxies_of_every_kind_lead_there() {
    let Some(setup) = setup() else {
        return;
    };
    let asked = |port: u16| format!("CONNECT db.upstash.test:{port} ");
    let proxies = [
        (
            "http",
            "127.0.0.1",
            Proxy::http(setup.port),
            asked(setup.port),
        ),
        (
            "https",
            "localhost",
            Proxy::https(setup.port, setup.ca.server(&["localhost"])),
            asked(setup.port),
        ),
        (
            "socks5h",
            "127.0.0.1",
            Proxy::socks(setup.port),
            "db.upstash.test".to_owned(),
        ),
    ];
    for (scheme, host, proxy, begins) in &proxies {
        let address = format!("{host}:{}", proxy.port);
        let known = format!("{scheme}://{PROXY_USER}@{address}");
        // Only the proxy can find the name.
        let found = setup.report("db.upstash.test", &[("HTTPS_PROXY", &known)]);
        expect_encrypted(&found);
        let requests = proxy.requests();
        assert!(
            !requests.is_empty() && requests.iter().all(|request| request.starts_with(begins)),
            "{scheme}: {requests:?}"
        );
        assert!(!requests.concat().contains(UPSTASH_TOKEN));
        let stranger = format!("{scheme}://{address}");
        let found = setup.report("db.upstash.test", &[("https_proxy", &stranger)]);
        let word = if *scheme == "socks5h" {
            "a user and a password"
        } else {
            "user and password into HTTPS_PROXY"
        };
        expect_unreachable(&found, &["proxy", &address, word]);
        // The plain one is for other things.
        let found = setup.report("localhost", &[("HTTP_PROXY", &known)]);
        expect_encrypted(&found);
        assert_eq!(
            proxy.requests().len(),
            requests.len() + usize::from(*scheme != "socks5h")
        );
    }
    // The proxy's own certificate.
    let (_, _, proxy, _) = &proxies[1];
    let elsewhere = format!("https://{PROXY_USER}@127.0.0.1:{}", proxy.port);
    let found = setup.report("db.upstash.test", &[("HTTPS_PROXY", &elsewhere)]);
    expect_unreachable(&found, &["the proxy 127.0.0.1", "is not for 127.0.0.1"]);
    let nobody = format!("http://127.0.0.1:{}", network::closed_port());
    let found = setup.report("db.upstash.test", &[("ALL_PROXY", &nobody)]);
    expect_unreachable(&found, &["the proxy that HTTPS_PROXY names", "refused"]);
    let found = setup.report(
        "db.upstash.test",
        &[("HTTPS_PROXY", "http://nowhere.invalid:3128")],
    );
    expect_unreachable(
        &found,
        &["the proxy that HTTPS_PROXY names", "nowhere.invalid"],
    );
}

#[test]
fn hosts_may_be_exempt_in_many_ways() {
    let Some(setup) = setup() else {
        return;
    };
    let proxy = Proxy::http(setup.port);
    let url = format!("http://{PROXY_USER}@127.0.0.1:{}", proxy.port);
    let port = setup.port;
    for (host, list, exempt) in [
        ("localhost", "*".to_owned(), true),
        ("localhost", "localhost".to_owned(), true),
        ("localhost", ".localhost".to_owned(), true),
        ("localhost", "LOCALHOST.".to_owned(), true),
        ("localhost", format!("example.com, localhost:{port}"), true),
        ("localhost", format!("localhost:{}", port - 1), false),
        ("localhost", "host".to_owned(), false),
        ("127.0.0.1", "127.0.0.0/8".to_owned(), true),
        ("127.0.0.1", "10.0.0.0/8 127.0.0.1".to_owned(), true),
        ("127.0.0.1", format!("127.0.0.1:{port}"), true),
        ("127.0.0.1", "128.0.0.0/8,::/0".to_owned(), false),
        // Only the proxy knows these names.
        ("db.upstash.test", "upstash.test.example".to_owned(), false),
        ("db.upstash.test", "b.upstash.test".to_owned(), false),
    ] {
        let before = proxy.requests().len();
        let found = setup.report(host, &[("HTTPS_PROXY", &url), ("NO_PROXY", &list)]);
        expect_encrypted(&found);
        assert_eq!(proxy.requests().len() == before, exempt, "{host} {list}");
    }
    for list in ["upstash.test", ".upstash.test", "*.upstash.test"] {
        let found = setup.report(
            "db.upstash.test",
            &[("HTTPS_PROXY", &url), ("no_proxy", list)],
        );
        expect_unreachable(&found, &["db.upstash.test", "resolved"]);
    }
}
