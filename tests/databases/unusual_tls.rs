//! Servers that offer TLS of a kind that no handshake comes of, or a certificate that few read. Where TLS is only
//! preferred the runner goes without it, as libpq does, and says so once a source; where it is asked for, that is an
//! error. `test-source` says what the job says.

use std::thread;
use std::time::Duration;

use runner_testkit::databases::PrivateServer;
use runner_testkit::openssl::{Openssl, P256, P521, RSA};
use runner_testkit::{RunnerBuilder, Session, Terminal, session, source};
use serde_json::{Value, json};

/// A certificate for 127.0.0.1 and its key; of version 1 if so.
fn certificate(openssl: &Openssl, kind: &[&str], version_1: bool) -> (String, String) {
    openssl.key("server", kind);
    openssl.self_sign("server", "/CN=127.0.0.1");
    if version_1 {
        openssl.sign("server", "/CN=127.0.0.1", "server");
    }
    (openssl.read("server.pem"), openssl.read("server.key"))
}

/// Whether a session came about over TLS, asked as the test of a source that the gateway sends.
fn tls_of(session: &Session, id: &str, bridge: &str, url: &str) -> Result<bool, String> {
    let source = source::managed(id, bridge, json!({ "url": url }));
    match session.ask(&source, "test", "", json!({})).terminal {
        Terminal::Done(meta) => Ok(meta["tls"] == true),
        Terminal::Error { message, .. } => Err(message),
        other => panic!("{other:?}"),
    }
}

/// The same as `test-source` finds it out.
fn tls_told(bridge: &str, url: &str) -> Result<bool, String> {
    let runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), "")
        .args(&["test-source", "--json"])
        .env("SEMILAYER_SOURCE_S_URL", url)
        .env("SEMILAYER_SOURCE_S_BRIDGE", bridge)
        .start();
    runner.wait_exit(Duration::from_secs(20));
    let reports: Vec<Value> = serde_json::from_str(&runner.stdout()).unwrap();
    match reports[0]["ok"] == true {
        true => Ok(reports[0]["tls"] == true),
        false => Err(reports[0]["message"].as_str().unwrap().to_owned()),
    }
}

/// A server whose TLS is of no use is asked in each way, by this URL.
fn expect_plain_where_preferred(session: &Session, id: &str, bridge: &str, url: &str) {
    let warning = "connections are not encrypted";
    let before = session.runner.stderr().matches(warning).count();
    for _ in 0..2 {
        assert_eq!(tls_of(session, id, bridge, url), Ok(false), "{id}");
    }
    session.runner.wait_stderr(warning, Duration::from_secs(5));
    assert_eq!(tls_told(bridge, url), Ok(false), "{id}");
    for word in ["prefer", "require", "no-verify"] {
        let url = format!("{url}?sslmode={word}");
        let found = tls_of(session, &format!("{id}-{word}"), bridge, &url);
        assert_eq!(found, tls_told(bridge, &url), "{id} {word}");
        match word {
            "prefer" => assert_eq!(found, Ok(false), "{id}"),
            _ => {
                let said = found.unwrap_err();
                assert!(
                    said.contains("no kind of TLS that the runner speaks"),
                    "{id} {word}: {said}"
                );
            }
        }
    }
    // Of the two sources that prefer it, one each.
    let after = session.runner.stderr().matches(warning).count();
    assert_eq!(after - before, 2, "{id}");
}

#[test]
fn a_postgres_is_asked_in_plain_text_where_tls_is_only_preferred() {
    let (Some(openssl), Some(server)) = (Openssl::start(), PrivateServer::postgres()) else {
        return;
    };
    let rsa = certificate(&openssl, RSA, false);
    let p521 = certificate(&openssl, P521, false);
    let session = session!();
    for (id, (certificate, key), settings) in [
        ("p521", &p521, &[][..]),
        (
            "cbc",
            &rsa,
            &[
                "ssl_max_protocol_version = 'TLSv1.2'",
                "ssl_ciphers = 'ECDHE-RSA-AES256-SHA'",
            ],
        ),
        (
            "kx",
            &rsa,
            &[
                "ssl_max_protocol_version = 'TLSv1.2'",
                "ssl_ciphers = 'AES256-GCM-SHA384'",
            ],
        ),
        (
            "tls1.1",
            &rsa,
            &[
                "ssl_min_protocol_version = 'TLSv1.1'",
                "ssl_max_protocol_version = 'TLSv1.1'",
                "ssl_ciphers = 'ALL:@SECLEVEL=0'",
            ],
        ),
    ] {
        server.administrate("ALTER SYSTEM RESET ALL");
        server.encrypt_with(certificate, key);
        for setting in settings {
            server.administrate(&format!("ALTER SYSTEM SET {setting}"));
        }
        server.administrate("SELECT pg_reload_conf()");
        thread::sleep(Duration::from_millis(500));
        expect_plain_where_preferred(&session, id, "postgres", &server.url);
    }
}

#[test]
fn a_mariadb_is_asked_in_plain_text_where_tls_is_only_preferred() {
    let (Some(openssl), Some(server)) = (Openssl::start(), PrivateServer::mariadb()) else {
        return;
    };
    let rsa = certificate(&openssl, RSA, false);
    let p521 = certificate(&openssl, P521, false);
    let session = session!();
    for (id, (certificate, key), settings) in [
        ("p521", &p521, ""),
        (
            "cbc",
            &rsa,
            "tls_version = TLSv1.2\nssl_cipher = ECDHE-RSA-AES256-SHA",
        ),
        (
            "kx",
            &rsa,
            "tls_version = TLSv1.2\nssl_cipher = AES256-GCM-SHA384",
        ),
        (
            "tls1.1",
            &rsa,
            "tls_version = TLSv1.1\nssl_cipher = ALL:@SECLEVEL=0",
        ),
    ] {
        let encryption = server.encryption(certificate, key);
        server.configure(&format!("{encryption}{settings}"));
        expect_plain_where_preferred(&session, id, "mariadb", &server.url);
    }
    // An account that insists on TLS: both reasons are told.
    server.administrate("CREATE USER strict IDENTIFIED BY 'strict' REQUIRE SSL");
    let url = runner_testkit::databases::with_user(&server.url, "strict");
    let said = tls_of(&session, "strict", "mysql", &url).unwrap_err();
    assert!(
        said.contains("TLS") && said.contains("; without TLS: "),
        "{said}"
    );
    // One that offers none is no reason for a warning.
    server.configure("");
    let plain = session!();
    assert_eq!(tls_of(&plain, "none", "mysql", &server.url), Ok(false));
    assert!(!plain.runner.stderr().contains("not encrypted"));
}

#[test]
fn a_certificate_of_the_first_version_is_any_certificate() {
    let (Some(openssl), Some(postgres)) = (Openssl::start(), PrivateServer::postgres()) else {
        return;
    };
    let mariadb = PrivateServer::mariadb();
    let session = session!();
    for (name, kind) in [("rsa", RSA), ("p256", P256)] {
        let (certificate, key) = certificate(&openssl, kind, true);
        postgres.encrypt_with(&certificate, &key);
        for version in ["TLSv1.2", "TLSv1.3"] {
            postgres.administrate(&format!(
                "ALTER SYSTEM SET ssl_max_protocol_version = '{version}'"
            ));
            postgres.administrate("SELECT pg_reload_conf()");
            thread::sleep(Duration::from_millis(500));
            let mut servers = vec![("postgres", &postgres.url)];
            if let Some(mariadb) = &mariadb {
                let encryption = mariadb.encryption(&certificate, &key);
                mariadb.configure(&format!("{encryption}tls_version = {version}"));
                servers.push(("mariadb", &mariadb.url));
            }
            for (bridge, url) in servers {
                for (word, expected) in [
                    ("no-verify", Some(true)),
                    ("prefer", Some(true)),
                    ("require", None),
                ] {
                    let url = format!("{url}?sslmode={word}");
                    let id = format!("{bridge}-{name}-{version}-{word}");
                    let found = tls_of(&session, &id, bridge, &url);
                    assert_eq!(found.clone().ok(), expected, "{id}: {found:?}");
                    if let Err(said) = found {
                        assert!(said.contains("certificate is of version 1"), "{id}: {said}");
                    }
                }
            }
        }
    }
}

/// A login is tied to the certificate under the hash that the certificate is signed with.
#[test]
fn channel_binding_knows_every_hash() {
    let (Some(server), Some(openssl)) = (PrivateServer::postgres(), Openssl::start()) else {
        return;
    };
    let access = "local all all trust\nhostssl all all all scram-sha-256\n";
    let access = server.file("data/scram.hba", access);
    let access = access.display();
    server.administrate(&format!("ALTER SYSTEM SET hba_file = '{access}'"));
    let session = session!();
    for (name, kind) in [("rsa", RSA), ("ec", P256)] {
        openssl.key("server", kind);
        for hash in ["-sha1", "-sha256", "-sha384", "-sha512"] {
            let certificate = ["req", "-x509", "-key", "server.key", "-out", "server.pem"];
            openssl.run(&[&certificate[..], &["-subj", "/CN=127.0.0.1", hash]].concat());
            server.encrypt_with(&openssl.read("server.pem"), &openssl.read("server.key"));
            thread::sleep(Duration::from_millis(500));
            let url = format!("{}?sslmode=no-verify&channel_binding=require", server.url);
            let found = tls_of(&session, &format!("{name}{hash}"), "postgres", &url);
            assert_eq!(found, Ok(true), "{name} {hash}");
        }
    }
}
