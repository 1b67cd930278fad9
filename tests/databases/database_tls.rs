//! The certificate of a database is verified, and its own self-signed one can be trusted as it is.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use runner_testkit::openssl::Openssl;
use runner_testkit::temp::TempDir;
use runner_testkit::{
    RunnerBuilder, SelfSigned, ServerConfig, TestCa, databases, network, tls, watchdog,
};
use serde_json::Value;

/// A server that offers TLS with this certificate: the real one behind a door that speaks it.
fn door(open: Open, server: SocketAddr, config: &Arc<ServerConfig>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = Arc::clone(config);
    thread::spawn(move || {
        for client in listener.incoming() {
            let config = Arc::clone(&config);
            // A refused handshake is what some of the tests are about.
            thread::spawn(move || drop(open(client.unwrap(), server, config)));
        }
    });
    port
}

type Open = fn(TcpStream, SocketAddr, Arc<ServerConfig>) -> io::Result<()>;

fn postgres(
    mut client: TcpStream,
    server: SocketAddr,
    config: Arc<ServerConfig>,
) -> io::Result<()> {
    let mut request = [0; 8];
    client.read_exact(&mut request)?;
    if request != [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f] {
        return Err(io::ErrorKind::InvalidData.into());
    }
    client.write_all(b"S")?;
    let plain = tls::terminate(client, config)?;
    network::join(&plain, &TcpStream::connect(server)?)
}

/// The greeting and the request for TLS are the real server's and the client's; it has TLS, too.
fn mysql(client: TcpStream, server: SocketAddr, config: Arc<ServerConfig>) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    for (mut from, mut to) in [(&server, &client), (&client, &server)] {
        let mut head = [0; 4];
        from.read_exact(&mut head)?;
        let length = u32::from_le_bytes([head[0], head[1], head[2], 0]);
        let mut packet = vec![0; length as usize];
        from.read_exact(&mut packet)?;
        to.write_all(&[&head, packet.as_slice()].concat())?;
    }
    let server = tls::originate(server, tls::credulous(), "localhost")?;
    let client = tls::terminate(client, config)?;
    network::join(&client, &server)
}

/// A connection came about, over TLS.
#[track_caller]
fn expect_encrypted(found: &Value) {
    assert_eq!(
        (&found["ok"], &found["tls"]),
        (&true.into(), &true.into()),
        "{found}"
    );
}

/// No connection came about, for this reason.
#[track_caller]
fn expect_unreachable(found: &Value, reason: &[&str]) {
    assert_eq!(found["code"], "SOURCE_UNREACHABLE", "{found}");
    for part in reason {
        assert!(found["message"].as_str().unwrap().contains(part), "{found}");
    }
}

/// What `test-source` reports of a source on localhost that shows this certificate.
fn report(server: &str, config: &Arc<ServerConfig>, parameters: &str, extra: &str) -> Value {
    let open: Open = if server.starts_with("mysql:") {
        mysql
    } else {
        postgres
    };
    let port = door(open, databases::address(server), config);
    let mut url = databases::with_address(server, ([127, 0, 0, 1], port).into());
    url = url.replace("127.0.0.1", "localhost");
    let separator = if url.contains('?') { '&' } else { '?' };
    let mut runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), "")
        .args(&["test-source", "--json"])
        .env(
            "SEMILAYER_SOURCE_S_URL",
            format!("{url}{separator}{parameters}"),
        );
    if !extra.is_empty() {
        runner = runner.env("NODE_EXTRA_CA_CERTS", extra);
    }
    let runner = runner.start();
    runner.wait_exit(Duration::from_secs(20));
    let reports: Vec<Value> = serde_json::from_str(&runner.stdout()).unwrap();
    reports[0].clone()
}

#[test]
fn a_databases_own_certificate_vouches_for_no_other() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let folder = TempDir::new();
    for server in [databases::postgres(), databases::mysql9()]
        .into_iter()
        .flatten()
    {
        let pinned = SelfSigned::new(&["other.example"], false);
        let pem = folder.write("pinned.pem", pinned.pem());
        let pem = pem.to_str().unwrap();
        let other = pinned.sign_server(&["localhost"]);
        expect_unreachable(&report(&server, &other, "sslmode=require", pem), &[]);
        let own = format!("sslmode=require&sslrootcert={pem}");
        expect_unreachable(&report(&server, &other, &own, ""), &[]);
    }
}

#[test]
fn a_databases_own_certificate_is_trusted_as_it_is() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let Some(server) = databases::postgres() else {
        return;
    };
    let folder = TempDir::new();
    for authority in [true, false] {
        let own = SelfSigned::new(&["localhost"], authority);
        let file = folder.write("own.pem", own.pem());
        let file = file.to_str().unwrap();
        let named = format!("sslmode=verify-full&sslrootcert={file}");
        for (parameters, extra) in [(named.as_str(), ""), ("sslmode=require", file)] {
            let found = report(&server, &own.server(), parameters, extra);
            expect_encrypted(&found);
        }
        let twin = SelfSigned::new(&["localhost"], authority);
        let elsewhere = SelfSigned::new(&["db.example"], authority);
        let elsewhere_pem = folder.write("elsewhere.pem", elsewhere.pem());
        let old = SelfSigned::expired(&["localhost"], authority);
        let old_pem = folder.write("old.pem", old.pem());
        for (config, pem, words) in [
            (twin.server(), file, "own server"),
            (
                elsewhere.server(),
                elsewhere_pem.to_str().unwrap(),
                "is not for localhost but for db.example",
            ),
            (
                old.server(),
                old_pem.to_str().unwrap(),
                "expired on 2020-12-31",
            ),
        ] {
            let parameters = format!("sslmode=verify-full&sslrootcert={pem}");
            let found = report(&server, &config, &parameters, "");
            expect_unreachable(&found, &[words]);
        }
    }
}

#[test]
fn an_unknown_authority_is_named() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(server) = databases::postgres() else {
        return;
    };
    let ca = TestCa::new("Database Root");
    let found = report(&server, &ca.server(&["localhost"]), "sslmode=require", "");
    expect_unreachable(
        &found,
        &["signed by \"CN=Database Root\", which is not trusted here"],
    );
    let found = report(&server, &ca.server(&["localhost"]), "sslmode=no-verify", "");
    expect_encrypted(&found);
}

#[test]
fn a_mysql_servers_own_certificate_is_trusted_as_it_is() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let Some(server) = databases::mysql9() else {
        return;
    };
    let folder = TempDir::new();
    let own = SelfSigned::new(&["localhost"], false);
    let file = folder.write("own.pem", own.pem());
    let file = file.to_str().unwrap();
    let named = format!("sslmode=require&sslrootcert={file}");
    for (parameters, extra) in [(named.as_str(), ""), ("sslmode=require", file)] {
        let found = report(&server, &own.server(), parameters, extra);
        expect_encrypted(&found);
    }
    let refused = |server_config: &Arc<ServerConfig>, pem: &str, words: &[&str]| {
        let file = folder.write("root.pem", pem);
        let parameters = format!("sslmode=require&sslrootcert={}", file.display());
        let found = report(&server, server_config, &parameters, "");
        expect_unreachable(&found, words);
    };
    let authority = SelfSigned::new(&["localhost"], true);
    let file = folder.write("authority.pem", authority.pem());
    let parameters = format!("sslmode=require&sslrootcert={}", file.display());
    expect_encrypted(&report(&server, &authority.server(), &parameters, ""));
    let elsewhere = SelfSigned::new(&["db.example"], false);
    let words = ["is not for localhost but for db.example"];
    refused(&elsewhere.server(), &elsewhere.pem(), &words);
    // Of the same name, but not the same; and one of another name.
    let words = ["self-signed by", "NODE_EXTRA_CA_CERTS"];
    refused(&elsewhere.server(), &own.pem(), &words);
    let words = ["UnknownIssuer", "NODE_EXTRA_CA_CERTS"];
    refused(&own.server(), &TestCa::new("another").pem(), &words);
    let anybody = report(&server, &authority.server(), "sslmode=no-verify", "");
    assert_eq!(anybody["ok"], true, "{anybody}");
}

/// What editors, copying and old tools make of a file of roots.
#[test]
fn roots_are_read_however_they_were_written() {
    let _watchdog = watchdog(Duration::from_secs(90));
    let (Some(server), Some(openssl)) = (databases::postgres(), Openssl::start()) else {
        return;
    };
    let (ca, other) = (TestCa::new("Database Root"), TestCa::new("Another"));
    let pem = ca.pem();
    openssl.write("ca.pem", &pem);
    openssl.run(&[
        "x509",
        "-in",
        "ca.pem",
        "-addtrust",
        "serverAuth",
        "-setalias",
        "db",
        "-trustout",
        "-out",
        "trusted.pem",
    ]);
    let trusted = openssl.read("trusted.pem");
    assert!(trusted.contains("BEGIN TRUSTED CERTIFICATE") && trusted.len() > pem.len() + 20);
    let crlf = pem.replace('\n', "\r\n");
    for (name, text) in [
        ("mark", format!("\u{feff}{pem}").into_bytes()),
        ("crlf", crlf.clone().into_bytes()),
        ("mark and crlf", format!("\u{feff}{crlf}").into_bytes()),
        (
            "marks between",
            format!("\u{feff}{}\u{feff}{pem}", other.pem()).into_bytes(),
        ),
        (
            "text around",
            [
                b"# Soci\xe9t\xe9\nsubject=CN = x\n\n",
                pem.as_bytes(),
                b"\nbye",
            ]
            .concat(),
        ),
        (
            "long name",
            pem.replace(" CERTIFICATE", " X509 CERTIFICATE")
                .into_bytes(),
        ),
        ("trusted", trusted.into_bytes()),
        ("no last line end", pem.trim_end().as_bytes().to_vec()),
    ] {
        let file = openssl.write("roots.pem", text);
        let file = file.to_str().unwrap();
        let named = format!("sslmode=verify-full&sslrootcert={file}");
        for (parameters, extra) in [(named.as_str(), ""), ("sslmode=require", file)] {
            let found = report(&server, &ca.server(&["localhost"]), parameters, extra);
            assert_eq!(found["ok"], true, "{name}: {found}");
            expect_encrypted(&found);
        }
        // It is these roots that are trusted, and not everybody's.
        if name != "marks between" {
            let found = report(&server, &other.server(&["localhost"]), &named, "");
            expect_unreachable(&found, &["UnknownIssuer"]);
        }
    }
}
