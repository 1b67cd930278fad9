//! The gateway's certificate is verified before the token leaves the process.

use std::sync::Arc;
use std::time::Duration;

use runner_testkit::temp::TempDir;
use runner_testkit::{Gateway, Options, SelfSigned, TestCa, runner, watchdog};

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

#[test]
fn a_trusted_server_vouches_for_no_other_name() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    for variable in ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"] {
        let pinned = SelfSigned::new(&["database.example"], false);
        let pem = folder.write("pinned.pem", pinned.pem());
        let gateway = Gateway::with(Options {
            tls: Some(pinned.sign_server(&["localhost"])),
            host: "localhost".to_owned(),
            ..Options::default()
        });
        let runner = runner!(gateway)
            .env(variable, pem.to_str().unwrap())
            .start();
        runner.wait_stdout("  ⚠ disconnected: ", SOON);
        assert!(gateway.state().upgrades.is_empty());
    }
}

/// What a runner says that trusts `pem` and meets a server like this on localhost.
fn refusal(server: Arc<runner_testkit::ServerConfig>, pem: &str) -> String {
    let folder = TempDir::new();
    let file = folder.write("ca.pem", pem);
    let gateway = Gateway::with(Options {
        tls: Some(server),
        host: "localhost".to_owned(),
        ..Options::default()
    });
    let runner = runner!(gateway)
        .env("NODE_EXTRA_CA_CERTS", file.to_str().unwrap())
        .start();
    runner.wait_stderr("next attempt", SOON);
    assert!(gateway.state().upgrades.is_empty());
    runner.stderr()
}

#[test]
fn a_servers_own_certificate_is_trusted_as_it_is() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    for authority in [true, false] {
        let own = SelfSigned::new(&["localhost"], authority);
        let file = folder.write("own.pem", own.pem());
        let gateway = Gateway::with(Options {
            tls: Some(own.server()),
            host: "localhost".to_owned(),
            ..Options::default()
        });
        let _runner = runner!(gateway)
            .env("NODE_EXTRA_CA_CERTS", file.to_str().unwrap())
            .start();
        gateway.wait_hello(1, SOON);
        // For its own names and time only, and only that one.
        let elsewhere = SelfSigned::new(&["gateway.example"], authority);
        let said = refusal(elsewhere.server(), &elsewhere.pem());
        assert!(
            said.contains("the server's certificate is not for localhost but for gateway.example"),
            "{said}"
        );
        let old = SelfSigned::expired(&["localhost"], authority);
        let said = refusal(old.server(), &old.pem());
        assert!(said.contains("certificate expired on 2020-12-31"), "{said}");
        let twin = SelfSigned::new(&["localhost"], authority);
        let said = refusal(twin.server(), &own.pem());
        assert!(said.contains("NODE_EXTRA_CA_CERTS"), "{said}");
    }
}

#[test]
fn refused_certificates_are_described() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let ca = TestCa::new("Corporate Root");
    let said = refusal(ca.expired_server(&["localhost"]), &ca.pem());
    assert!(said.contains("certificate expired on 2020-12-31"), "{said}");
    assert!(said.contains("heck this machine's clock"), "{said}");
    let said = refusal(ca.server(&["a.example", "127.0.0.1"]), &ca.pem());
    assert!(
        said.contains("is not for localhost but for a.example, 127.0.0.1"),
        "{said}"
    );
    let said = refusal(ca.server(&["localhost"]), &TestCa::new("another").pem());
    assert!(
        said.contains(
            "is signed by \"CN=Corporate Root\", which is not trusted here (UnknownIssuer)"
        ),
        "{said}"
    );
    let own = SelfSigned::new(&["localhost"], false);
    let said = refusal(own.server(), &ca.pem());
    assert!(
        said.contains("is self-signed by \"CN=own server\""),
        "{said}"
    );
}
