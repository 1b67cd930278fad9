//! The gateway's certificate is verified before the token leaves the process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::Duration;

use runner_testkit::temp::TempDir;
use runner_testkit::{Gateway, Options, TestCa, runner, watchdog};

const SOON: Duration = Duration::from_secs(10);

fn gateway(ca: &TestCa, host: &str, names: &[&str]) -> Gateway {
    Gateway::with(Options {
        tls: Some(ca.server(names)),
        host: host.to_owned(),
        ..Options::default()
    })
}

#[test]
fn an_extra_authority_is_trusted() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let ca = TestCa::new("private root");
    let folder = TempDir::new();
    let pem = folder.write(
        "ca.pem",
        format!("# a comment\n{}{}", TestCa::new("another").pem(), ca.pem()),
    );
    for variable in ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"] {
        for (host, names) in [("localhost", ["localhost"]), ("127.0.0.1", ["127.0.0.1"])] {
            let gateway = gateway(&ca, host, &names);
            let _runner = runner!(gateway)
                .env(variable, pem.to_str().unwrap())
                .start();
            gateway.wait_hello(1, SOON);
        }
    }
}

#[test]
fn an_unknown_authority_sees_no_token() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let ca = TestCa::new("private root");
    let gateway = gateway(&ca, "localhost", &["localhost"]);
    let runner = runner!(gateway).start();
    runner.wait_stdout("  ⚠ disconnected: ", SOON);
    gateway.wait("failed handshake", SOON, |state| {
        state.tls_failures.first().cloned()
    });
    assert!(gateway.state().upgrades.is_empty());
    // Another stream than the line above: it may come later.
    runner.wait_stderr("next attempt", SOON);
    let said = runner.stdout() + &runner.stderr();
    assert!(said.to_lowercase().contains("certificate"), "{said}");
    assert!(
        said.contains("NODE_EXTRA_CA_CERTS"),
        "the remedy is not named: {said}"
    );
}

#[test]
fn another_host_name_sees_no_token() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let ca = TestCa::new("private root");
    let folder = TempDir::new();
    let pem = folder.write("ca.pem", ca.pem());
    let gateway = gateway(&ca, "localhost", &["gateway.example"]);
    let runner = runner!(gateway)
        .env("NODE_EXTRA_CA_CERTS", pem.to_str().unwrap())
        .start();
    runner.wait_stdout("  ⚠ disconnected: ", SOON);
    assert!(gateway.state().upgrades.is_empty());
}
