//! A PostgreSQL that offers TLS of a kind that no handshake comes of, or a certificate that few read. Where TLS is only
//! preferred the runner goes without it, as libpq does, and says so once; where it is asked for, that is an error.

use std::process::Command;
use std::time::Duration;

use runner_testkit::databases::PrivateServer;
use runner_testkit::temp::TempDir;
use runner_testkit::{Session, session, source};
use serde_json::json;

/// A certificate for 127.0.0.1 and its key, as OpenSSL makes them. `None` where it does not.
fn certificate(key: &[&str], version_1: bool) -> Option<(String, String)> {
    let folder = TempDir::new();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (key_file, request, signed) = (file("key"), file("request"), file("signed"));
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).output().ok()?;
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        Some(())
    };
    openssl(&[&["genpkey", "-out", &key_file], key].concat())?;
    let subject = ["-key", &key_file, "-subj", "/CN=127.0.0.1"];
    match version_1 {
        true => {
            openssl(&[&["req", "-new", "-out", &request][..], &subject].concat())?;
            openssl(&[
                "x509", "-req", "-in", &request, "-signkey", &key_file, "-out", &signed,
            ])?;
        }
        false => openssl(&[&["req", "-x509", "-out", &signed][..], &subject].concat())?,
    }
    let read = |name: &str| std::fs::read_to_string(name).unwrap();
    Some((read(&signed), read(&key_file)))
}

const EC: [&str; 3] = ["-algorithm", "EC", "-pkeyopt"];

/// Whether a session came about, over TLS.
fn tls_of(session: &Session, id: &str, url: &str) -> Result<bool, String> {
    let source = source::managed(id, "postgres", json!({ "url": url }));
    let (meta, error) = match session.ask(&source, "test", "", json!({})).terminal {
        runner_testkit::Terminal::Done(meta) => (meta, None),
        runner_testkit::Terminal::Error { message, .. } => (json!({}), Some(message)),
        other => panic!("{other:?}"),
    };
    match error {
        Some(message) => Err(message),
        None => Ok(meta["tls"] == true),
    }
}

#[test]
fn tls_that_is_only_preferred_is_done_without() {
    let Some(server) = PrivateServer::postgres() else {
        return;
    };
    let rsa: &[&str] = &["-algorithm", "RSA"];
    let p521 = [&EC[..], &["ec_paramgen_curve:P-521"]].concat();
    let (Some(rsa), Some(p521)) = (certificate(rsa, false), certificate(&p521, false)) else {
        return;
    };
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
    ] {
        server.administrate("ALTER SYSTEM RESET ALL");
        server.encrypt_with(certificate, key);
        for setting in settings {
            server.administrate(&format!("ALTER SYSTEM SET {setting}"));
        }
        server.administrate("SELECT pg_reload_conf()");
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(tls_of(&session, id, &server.url), Ok(false), "{id}");
        for word in ["require", "no-verify"] {
            let url = format!("{}?sslmode={word}", server.url);
            let said = tls_of(&session, &format!("{id}-{word}"), &url);
            assert!(said.is_err(), "{id} {word}: {said:?}");
        }
        let prefer = format!("{}?sslmode=prefer&application_name={id}", server.url);
        assert_eq!(
            tls_of(&session, &format!("{id}-prefer"), &prefer),
            Ok(false)
        );
        session
            .runner
            .wait_stderr("connections are not encrypted", Duration::from_secs(5));
    }
}

#[test]
fn a_certificate_of_the_first_version_is_any_certificate() {
    let Some(server) = PrivateServer::postgres() else {
        return;
    };
    let p256 = [&EC[..], &["ec_paramgen_curve:P-256"]].concat();
    let session = session!();
    for (name, key) in [("rsa", &["-algorithm", "RSA"][..]), ("p256", &p256[..])] {
        let Some((certificate, key)) = certificate(key, true) else {
            return;
        };
        server.encrypt_with(&certificate, &key);
        for version in ["TLSv1.2", "TLSv1.3"] {
            server.administrate(&format!(
                "ALTER SYSTEM SET ssl_max_protocol_version = '{version}'"
            ));
            server.administrate("SELECT pg_reload_conf()");
            std::thread::sleep(Duration::from_millis(500));
            for (word, expected) in [
                ("no-verify", Some(true)),
                ("prefer", Some(true)),
                ("require", None),
            ] {
                let url = format!("{}?sslmode={word}", server.url);
                let found = tls_of(&session, &format!("{name}-{version}-{word}"), &url);
                assert_eq!(
                    found.clone().ok(),
                    expected,
                    "{name} {version} {word}: {found:?}"
                );
            }
        }
    }
}

/// Keys as OpenSSL writes them now, and as it did before, of both kinds.
#[test]
fn a_certificate_of_the_clients_own_logs_in() {
    let Some(server) = PrivateServer::postgres() else {
        return;
    };
    let p256 = [&EC[..], &["ec_paramgen_curve:P-256"]].concat();
    let folder = TempDir::new();
    let Some(of_server) = certificate(&p256, false) else {
        return;
    };
    server.encrypt_with(&of_server.0, &of_server.1);
    let session = session!();
    for (kind, key, old) in [
        ("rsa", &["-algorithm", "RSA"][..], "rsa"),
        ("ec", &p256[..], "ec"),
    ] {
        let (pem, key) = certificate(key, false).unwrap();
        // It vouches for itself.
        let roots = folder.write(&format!("{kind}.pem"), &pem);
        let access = folder.write(
            "hba",
            "local all all trust\nhostssl all all all trust clientcert=verify-ca\n",
        );
        for (name, file) in [("ssl_ca_file", &roots), ("hba_file", &access)] {
            server.administrate(&format!("ALTER SYSTEM SET {name} = '{}'", file.display()));
        }
        let key = folder.write(&format!("{kind}.key"), key);
        let older = folder.path().join(format!("{kind}.old"));
        let converted = Command::new("openssl")
            .args([old, "-traditional", "-in"])
            .arg(&key)
            .arg("-out")
            .arg(&older)
            .output()
            .unwrap();
        assert!(converted.status.success() || old == "ec", "{converted:?}");
        server.restart();
        let (pem, bare) = (roots.display(), format!("{}?sslmode=no-verify", server.url));
        let said = tls_of(&session, &format!("{kind}-none"), &bare).unwrap_err();
        assert!(said.contains("certificate"), "{said}");
        for key in [key, older].iter().filter(|key| key.exists()) {
            let url = format!("{bare}&sslcert={pem}&sslkey={}", key.display());
            let id = format!("{kind}-{}", key.display());
            assert_eq!(tls_of(&session, &id, &url), Ok(true), "{id}");
        }
        // Somebody without a certificate may set it up for the next one.
        folder.write("hba", "host all all all trust\n");
        server.restart();
    }
    let url = format!("{}?sslpassword=s3cret", server.url);
    let said = tls_of(&session, "password", &url).unwrap_err();
    assert!(
        said.contains("sslpassword") && !said.contains("s3cret"),
        "{said}"
    );
}
