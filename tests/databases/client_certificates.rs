//! A certificate that the runner shows a server, instead of a password: keys of every kind and in every form, from files,
//! from variables and as text. The servers are real.

use std::time::Duration;

use runner_testkit::databases::{self, PrivateServer};
use runner_testkit::openssl::{ED25519, Openssl, P256, P384, RSA};
use runner_testkit::{RunnerBuilder, Session, Terminal, session, source};
use serde_json::{Value, json};

/// Who logs in; the certificate says so.
const USER: &str = "runner";

/// An authority.
fn authority(openssl: &Openssl) {
    openssl.key("ca", P256);
    openssl.self_sign("ca", "/CN=clients");
}

/// Certificates of the authority in `ca` for this subject, with keys in each of the forms that there are. The names of
/// both files.
fn identities(openssl: &Openssl, subject: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (name, kind, old) in [
        ("rsa", RSA, Some("rsa")),
        ("p256", P256, Some("ec")),
        ("p384", P384, Some("ec")),
        ("ed25519", ED25519, None),
    ] {
        openssl.key(name, kind);
        openssl.sign(name, subject, "ca");
        let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
        found.push((certificate.clone(), key.clone()));
        if let Some(tool) = old {
            let older = format!("{name}.old");
            let convert: &[&str] = match tool {
                "rsa" => &["rsa", "-traditional", "-in", &key, "-out", &older],
                _ => &["ec", "-in", &key, "-out", &older],
            };
            openssl.run(convert);
            let begin = format!("-----BEGIN {} PRIVATE KEY-----", tool.to_uppercase());
            assert!(openssl.read(&older).contains(&begin), "{older}");
            found.push((certificate, older));
        }
    }
    // As `openssl ecparam -genkey` writes it: the curve first.
    openssl.run(&[
        "ecparam",
        "-genkey",
        "-name",
        "prime256v1",
        "-out",
        "params.key",
    ]);
    assert!(openssl.read("params.key").contains("EC PARAMETERS"));
    openssl.sign("params", subject, "ca");
    found.push(("params.pem".into(), "params.key".into()));
    // As editors of another system leave them.
    for name in ["rsa.pem", "rsa.key"] {
        let text = openssl.read(name).replace('\n', "\r\n");
        openssl.write(&format!("windows.{name}"), format!("\u{feff}{text}"));
    }
    found.push(("windows.rsa.pem".into(), "windows.rsa.key".into()));
    // Both in one.
    let both = format!("{}\n{}", openssl.read("p256.key"), openssl.read("p256.pem"));
    openssl.write("both.pem", both);
    found.push(("both.pem".into(), "both.pem".into()));
    found
}

fn said(session: &Session, id: &str, bridge: &str, config: Value) -> Result<bool, String> {
    let source = source::managed(id, bridge, config);
    match session.ask(&source, "test", "", json!({})).terminal {
        Terminal::Done(meta) => Ok(meta["tls"] == true),
        Terminal::Error { message, .. } => Err(message),
        other => panic!("{other:?}"),
    }
}

/// What `test-source` says of a source with these variables.
fn told(variables: &[(&str, &str)]) -> Result<bool, String> {
    let mut runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), "")
        .args(&["test-source", "--json"]);
    for (name, value) in variables {
        runner = runner.env(&format!("SEMILAYER_SOURCE_S_{name}"), *value);
    }
    let runner = runner.start();
    runner.wait_exit(Duration::from_secs(20));
    let reports: Vec<Value> = serde_json::from_str(&runner.stdout()).unwrap();
    match reports[0]["ok"] == true {
        true => Ok(reports[0]["tls"] == true),
        false => Err(reports[0]["message"].as_str().unwrap().to_owned()),
    }
}

/// A server that takes a certificate of the authority for [`USER`], and nobody else.
fn expect_certificates_to_log_in(
    openssl: &Openssl,
    bridge: &str,
    url: &str,
    forms: &[(String, String)],
) {
    let session = session!();
    let path = |name: &str| openssl.path(name).to_str().unwrap().to_owned();
    let bare = format!("{url}?sslmode=no-verify");
    let none = said(&session, "none", bridge, json!({ "url": bare }));
    none.expect_err("a server that asks for no certificate");
    for (certificate, key) in forms {
        let (certificate, key) = (path(certificate), path(key));
        let url = format!("{bare}&sslcert={certificate}&sslkey={key}");
        assert_eq!(
            said(&session, &key, bridge, json!({ "url": url })),
            Ok(true),
            "{key}"
        );
    }
    // The key that is in the file of the certificate need not be named.
    let both = format!("{bare}&sslcert={}", path("both.pem"));
    assert_eq!(
        said(&session, "both", bridge, json!({ "url": both })),
        Ok(true)
    );
    let alone = format!("{bare}&sslcert={}", path("rsa.pem"));
    let error = said(&session, "alone", bridge, json!({ "url": alone })).unwrap_err();
    assert!(error.contains("sslkey"), "{error}");
    // As the texts themselves, which are no files of ours.
    let (pem, key) = (openssl.read("p256.pem"), openssl.read("p256.key"));
    let config = json!({ "url": bare, "sslcert": pem, "sslkey": key });
    assert_eq!(said(&session, "text", bridge, config), Ok(true));
    let config = json!({ "url": bare, "ssl": {
        "rejectUnauthorized": false, "cert": pem, "key": key,
    } });
    assert_eq!(said(&session, "object", bridge, config), Ok(true));
    // Variables: the name of a file, the text, the text on one line, a secret that holds the text.
    let one_line = |text: &str| text.replace('\n', "\\n");
    let (pem_line, key_line) = (one_line(&pem), one_line(&key));
    let (pem_file, key_file) = (path("p256.pem"), path("p256.key"));
    for (certificate, key) in [
        (
            ("SSL_CERT", pem_file.as_str()),
            ("SSL_KEY", key_file.as_str()),
        ),
        (("SSL_CERT", pem.as_str()), ("SSL_KEY", key.as_str())),
        (("SSL_CERT", &pem_line), ("SSL_KEY", &key_line)),
        (("SSL_CERT_FILE", &pem_file), ("SSL_KEY_FILE", &key_file)),
    ] {
        let variables = [
            ("URL", url),
            ("BRIDGE", bridge),
            ("SSL_MODE", "no-verify"),
            certificate,
            key,
        ];
        assert_eq!(told(&variables), Ok(true), "{} {}", certificate.0, key.0);
    }
    // Keys with a password: both forms, and the password itself.
    openssl.lock("rsa.key", "new.locked");
    openssl.run(&[
        "rsa",
        "-traditional",
        "-aes128",
        "-in",
        "rsa.key",
        "-passout",
        "pass:s3cret",
        "-out",
        "old.locked",
    ]);
    for locked in ["new.locked", "old.locked"] {
        let certificate = path("rsa.pem");
        let url = format!("{bare}&sslcert={certificate}&sslkey={}", path(locked));
        let error = said(&session, locked, bridge, json!({ "url": url })).unwrap_err();
        assert!(error.contains("sslkey"), "{error}");
        session
            .runner
            .wait_stderr("a key with a password", Duration::from_secs(5));
        let file = path(locked);
        let variables = [
            ("URL", bare.as_str()),
            ("BRIDGE", bridge),
            ("SSL_CERT", &certificate),
            ("SSL_KEY", &file),
        ];
        let error = told(&variables).unwrap_err();
        assert!(error.contains("a key with a password"), "{error}");
    }
    let url = format!("{bare}&sslpassword=s3cret");
    let error = said(&session, "password", bridge, json!({ "url": url })).unwrap_err();
    assert!(
        error.contains("sslpassword") && !error.contains("s3cret"),
        "{error}"
    );
}

#[test]
fn a_postgres_takes_a_certificate_for_its_user() {
    let (Some(openssl), Some(server)) = (Openssl::start(), PrivateServer::postgres()) else {
        return;
    };
    openssl.key("server", P256);
    openssl.self_sign("server", "/CN=127.0.0.1");
    server.encrypt_with(&openssl.read("server.pem"), &openssl.read("server.key"));
    authority(&openssl);
    let forms = identities(&openssl, &format!("/CN={USER}"));
    let roots = server.file("data/clients.pem", &openssl.read("ca.pem"));
    let access = "local all all trust\nhostssl all all all trust clientcert=verify-full\n";
    let access = server.file("data/clients.hba", access);
    for (name, file) in [("ssl_ca_file", roots), ("hba_file", access)] {
        server.administrate(&format!("ALTER SYSTEM SET {name} = '{}'", file.display()));
    }
    server.restart();
    let url = databases::with_credentials(&server.url, USER, "");
    expect_certificates_to_log_in(&openssl, "postgres", &url, &forms);
    // A certificate for somebody else.
    openssl.key("other", P256);
    openssl.sign("other", "/CN=other", "ca");
    let (pem, key) = (openssl.path("other.pem"), openssl.path("other.key"));
    let url = format!(
        "{url}?sslmode=no-verify&sslcert={}&sslkey={}",
        pem.display(),
        key.display()
    );
    let error = said(&session!(), "other", "postgres", json!({ "url": url })).unwrap_err();
    assert!(error.contains("28000"), "{error}");
}

#[test]
fn a_mariadb_takes_a_certificate_for_its_user() {
    let (Some(openssl), Some(server)) = (Openssl::start(), PrivateServer::mariadb()) else {
        return;
    };
    openssl.key("server", P256);
    openssl.self_sign("server", "/CN=127.0.0.1");
    authority(&openssl);
    let forms = identities(&openssl, &format!("/CN={USER}"));
    server.administrate(&format!(
        "CREATE OR REPLACE USER {USER} IDENTIFIED BY '' REQUIRE SUBJECT '/CN={USER}'; GRANT SELECT ON *.* TO {USER}"
    ));
    let roots = server.file("clients.pem", &openssl.read("ca.pem"));
    let encryption = server.encryption(&openssl.read("server.pem"), &openssl.read("server.key"));
    server.configure(&format!("{encryption}ssl_ca = {}", roots.display()));
    let url = databases::with_credentials(&server.url, USER, "");
    expect_certificates_to_log_in(&openssl, "mysql", &url, &forms);
}

/// A MongoDB takes both in one file.
#[cfg(feature = "mongodb")]
#[test]
fn a_mongodb_takes_a_certificate_for_its_user() {
    let (Some(openssl), Some(url), Some(tls)) = (
        Openssl::start(),
        databases::mongodb(),
        databases::mongodb_certificates(),
    ) else {
        return;
    };
    for name in ["ca.pem", "ca.key"] {
        openssl.write(name, std::fs::read(tls.join(name)).unwrap());
    }
    let forms = identities(&openssl, "/CN=reader/OU=apps/O=Example");
    let session = session!();
    let server = databases::address(&url);
    let ca = tls.join("ca.pem").display().to_string();
    let of = |file: &str, options: &str| {
        format!(
            "mongodb://{server}/conformance?authMechanism=MONGODB-X509&tlsCAFile={ca}&tlsCertificateKeyFile={file}{options}"
        )
    };
    for (certificate, key) in forms {
        let both = [openssl.read(&certificate), openssl.read(&key)].concat();
        let file = openssl.write("identity.pem", both).display().to_string();
        let found = said(&session, &key, "mongodb", json!({ "url": of(&file, "") }));
        assert_eq!(found, Ok(true), "{key}");
        assert_eq!(told(&[("URL", &of(&file, ""))]), Ok(true), "{key}");
    }
    // The roots likewise.
    let roots = std::fs::read_to_string(&ca).unwrap().replace('\n', "\r\n");
    let roots = openssl.write("roots.pem", format!("\u{feff}{roots}"));
    let file = openssl.path("identity.pem").display().to_string();
    let url = of(&file, "").replace(&ca, roots.to_str().unwrap());
    assert_eq!(told(&[("URL", &url)]), Ok(true));
    openssl.lock("rsa.key", "locked");
    let both = [openssl.read("rsa.pem"), openssl.read("locked")].concat();
    let file = openssl.write("locked.pem", both).display().to_string();
    let error = told(&[("URL", &of(&file, ""))]).unwrap_err();
    assert!(error.contains("a key with a password"), "{error}");
    let error = told(&[("URL", &of(&file, "&tlsCertificateKeyFilePassword=s3cret"))]).unwrap_err();
    assert!(
        error.contains("tlsCertificateKeyFilePassword") && !error.contains("s3cret"),
        "{error}"
    );
}
