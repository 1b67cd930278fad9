//! Of a runner-local source the gateway learns neither host nor port, user, file or certificate, whatever fails and on
//! whatever engine.

use std::collections::BTreeMap;
use std::time::Duration;

use runner_testkit::databases::{self, with_credentials};
use runner_testkit::fakes::{Server, stay_silent};
use runner_testkit::temp::TempDir;
use runner_testkit::{TestCa, network, session, source, tls, watchdog};
use serde_json::json;

/// The word that every name of these sources has in it, in host, user, database and path.
const WORD: &str = "innerplace7";

/// A way to fail: variables of a source, without its prefix.
type Source = (&'static str, Vec<(&'static str, String)>);

fn sources(folder: &TempDir) -> Vec<Source> {
    let closed = network::closed_port();
    let silent = Server::start(std::sync::Arc::new(|client| stay_silent(&client))).address;
    let talker = Server::start(std::sync::Arc::new(|mut client: std::net::TcpStream| {
        use std::io::Write;
        client.write_all(b"HTTP/1.1 418 innerplace7\r\nContent-Length: 11\r\n\r\ninnerplace7")?;
        stay_silent(&client)
    }))
    .address;
    let ca = TestCa::new(WORD);
    let certificate = ca.server(&["other-innerplace7.test"]);
    let encrypted = Server::start(std::sync::Arc::new(move |client| {
        stay_silent(&tls::terminate(client, certificate.clone())?)
    }))
    .address;
    let file = folder.write(&format!("{WORD}.pem"), "no certificate");
    let file = file.to_str().unwrap();
    let missing = folder.path().join(format!("{WORD}-missing"));
    let missing = missing.to_str().unwrap();
    let mut all: Vec<Source> = Vec::new();
    for (bridge, scheme, query) in [
        ("postgres", "postgres", "?sslmode=disable"),
        ("postgres", "postgres", "?sslmode=require"),
        ("neon", "postgres", ""),
        ("mysql", "mysql", ""),
        ("mysql", "mysql", "?sslmode=required"),
        ("mongodb", "mongodb", "?serverSelectionTimeoutMS=300"),
        (
            "mongodb",
            "mongodb",
            "?tls=true&serverSelectionTimeoutMS=300",
        ),
        ("clickhouse", "http", ""),
        ("clickhouse", "https", ""),
        ("redis", "redis", ""),
        ("redis", "rediss", ""),
    ] {
        for place in [
            format!("127.0.0.1:{closed}"),
            format!("localhost:{closed}"),
            format!("{WORD}.invalid:{closed}"),
            silent.to_string(),
            talker.to_string(),
            encrypted.to_string(),
            format!("localhost:{}", encrypted.port()),
        ] {
            let path = if bridge == "redis" { "0" } else { "shop" };
            let url = format!("{scheme}://{WORD}u:{WORD}pw@{place}/{path}{query}");
            all.push((bridge, vec![("URL", url)]));
        }
    }
    for place in [
        format!("127.0.0.1:{closed}"),
        talker.to_string(),
        format!("{WORD}.invalid:1"),
    ] {
        let token = ("TOKEN", format!("{WORD}-token"));
        all.push(("upstash", vec![("URL", format!("http://{place}")), token]));
    }
    let local = |bridge, key, value: String| (bridge, vec![(key, value)]);
    all.push(local("sqlite", "PATH", missing.to_owned()));
    all.push(local("sqlite", "PATH", file.to_owned()));
    all.push(local(
        "sqlite",
        "PATH",
        folder.path().to_str().unwrap().to_owned(),
    ));
    all.push(local("sqlite", "PATH_FILE", missing.to_owned()));
    all.push(local("postgres", "URL_FILE", missing.to_owned()));
    all.push(local(
        "redis",
        "URL",
        format!("redis+unix://{missing}.sock"),
    ));
    all.push(local(
        "postgres",
        "URL",
        format!("postgres:///shop?host={missing}"),
    ));
    all.push(local(
        "mongodb",
        "URL",
        format!("mongodb://{}/shop", missing.replace('/', "%2F")),
    ));
    for (bridge, url) in [
        (
            "postgres",
            format!("postgres://u@h/shop?sslmode=verify-full&sslrootcert={file}"),
        ),
        (
            "postgres",
            format!("postgres://u@h/shop?sslcert={missing}&sslkey={missing}"),
        ),
        ("postgres", format!("postgres://u@{WORD}:notaport/d")),
        ("postgres", format!("postgres://u@{WORD}/d?sslmode={WORD}")),
        ("postgres", format!("postgres://u@h/d?nonsense={WORD}")),
        (
            "mysql",
            format!("mysql://u@h/shop?sslmode=required&sslca={file}"),
        ),
        ("mysql", format!("mysql://u@{WORD}:notaport/d")),
        ("mysql", format!("mysql://u@{WORD}/d?nonsense={WORD}")),
        (
            "mongodb",
            format!("mongodb://h/shop?tls=true&tlsCAFile={file}"),
        ),
        ("mongodb", format!("mongodb://{WORD}:notaport/d")),
        (
            "mongodb",
            format!("mongodb://{WORD}/d?authMechanism={WORD}"),
        ),
        (
            "mongodb",
            format!("mongodb+srv://{WORD}.invalid/d?serverSelectionTimeoutMS=300"),
        ),
        ("clickhouse", format!("http://{WORD}:notaport/d")),
        ("clickhouse", format!("ftp://{WORD}/d")),
        ("redis", format!("redis://{WORD}:notaport/0")),
        ("redis", format!("redis://{WORD}/notanumber")),
    ] {
        all.push(local(bridge, "URL", url));
    }
    // Refused by real servers.
    for (bridge, url) in databases::with_logins() {
        let user = format!("{WORD}u");
        let login = match bridge {
            "redis" => url.replace("redis://", &format!("redis://{user}:{WORD}pw@")),
            _ => with_credentials(&url, &user, &format!("{WORD}pw")),
        };
        all.push(local(bridge, "URL", login));
        if bridge != "redis" {
            let nowhere = databases::with_database(&url, "no-such-database");
            all.push(local(bridge, "URL", nowhere));
        }
    }
    all
}

#[test]
fn no_place_of_a_runner_local_source_crosses() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let folder = TempDir::new();
    let sources = sources(&folder);
    let name = |number: usize| format!("s{number}x");
    let session = session!(|mut runner| {
        for (number, (_, variables)) in sources.iter().enumerate() {
            for (key, value) in variables {
                let variable = format!("SEMILAYER_SOURCE_{}_{key}", name(number).to_uppercase());
                runner = runner.env(&variable, value.as_str());
            }
        }
        runner
    });
    let ports: Vec<String> = sources
        .iter()
        .flat_map(|(_, variables)| variables)
        .filter_map(|(_, value)| {
            let digits = value
                .rsplit_once("127.0.0.1:")
                .or(value.rsplit_once("localhost:"))?
                .1;
            Some(digits.chars().take_while(char::is_ascii_digit).collect())
        })
        .collect();
    let jobs: Vec<_> = sources
        .iter()
        .enumerate()
        .flat_map(|(number, (bridge, variables))| {
            let local = source::runner_local(&name(number), &name(number), bridge);
            ["test", "batchRead", "introspectTarget"].map(|kind| {
                let job = session
                    .gateway
                    .dispatch_with(&local, kind, "t", json!({}), 1500, false);
                (job, bridge, variables)
            })
        })
        .collect();
    let mut told = BTreeMap::new();
    for (job, bridge, variables) in jobs {
        let answer = job.wait_for(Duration::from_secs(60));
        let runner_testkit::Terminal::Error { code, message } = &answer.terminal else {
            // A server may have no such database and say so only when a table is asked for.
            continue;
        };
        let lower = message.to_lowercase();
        for part in [WORD, "127.0.0.1", "localhost", "other-inner", "/tmp", "::1"] {
            assert!(
                !lower.contains(part),
                "{part} of {bridge} {variables:?} crossed: {code} {message}"
            );
        }
        for port in &ports {
            assert!(
                !lower.contains(port),
                "{port} of {bridge} {variables:?} crossed: {code} {message}"
            );
        }
        *told
            .entry(format!("{bridge}: {code}: {message}"))
            .or_insert(0) += 1;
    }
    for (line, times) in told {
        println!("{times} × {line}");
    }
}
