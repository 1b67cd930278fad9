//! Where a source's server is, in all the ways that libpq and the official bridges take it; the answers are of the
//! real servers.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use runner_testkit::databases::{self, PostgresDatabase, PrivateServer};
use runner_testkit::openssl::{Openssl, P256};
use runner_testkit::temp::TempDir;
use runner_testkit::{RunnerBuilder, Session, network, session, source};
use serde_json::{Value, json};

/// The database that a source's session is in.
#[track_caller]
fn database_of(session: &Session, id: &str, config: Value) -> String {
    let source = source::managed(id, "postgres", config);
    let answer = session.ask(&source, "query", "here", json!({}));
    answer.expect_done();
    answer.rows()[0]["name"].as_str().unwrap().to_owned()
}

const HERE: &str = "CREATE VIEW here AS SELECT current_database()::text AS name;";

/// A socket of the file system that leads to a server.
fn socket(folder: PathBuf, server: SocketAddr) {
    fs::create_dir_all(&folder).unwrap();
    let listener = UnixListener::bind(folder.join(".s.PGSQL.5432")).unwrap();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(server).unwrap();
            let client = TcpStream::from(OwnedFd::from(client));
            thread::spawn(move || network::join(&client, &server));
        }
    });
}

#[test]
fn parameters_replace_the_hosts_and_ports_of_a_url() {
    let Some(database) = PostgresDatabase::with(HERE) else {
        return;
    };
    let address = databases::address(&database.url);
    let credentials = database.url.split_once("//").unwrap().1;
    let credentials = credentials.split_once('@').unwrap().0;
    let (ip, port, name) = (address.ip(), address.port(), database.name());
    let closed = network::closed_port();
    let folder = TempDir::new();
    let colons = folder.path().join("project:region:instance");
    socket(colons.clone(), address);
    let colons = colons.display();
    let session = session!();
    for (n, rest) in [
        format!("{ip}:{closed}/{name}?host={ip}&port={port}"),
        format!("{ip}:{closed}/{name}?port={port}"),
        format!("localhost.invalid:{port}/{name}?host={ip}"),
        format!("localhost.invalid/{name}?host={colons}"),
        format!("/{name}?host={colons}&port=5432"),
        format!("/elsewhere?host={ip}&port={port}&dbname={name}"),
    ]
    .into_iter()
    .enumerate()
    {
        let url = format!("postgresql://{credentials}@{rest}");
        let found = database_of(&session, &format!("u{n}"), json!({ "url": url }));
        assert_eq!(found, name, "{rest}");
    }
    let (user, password) = credentials.split_once(':').unwrap();
    let fields = json!({
        "host": colons.to_string(), "database": name, "user": user, "password": password
    });
    assert_eq!(database_of(&session, "fields", fields), name);
}

#[test]
fn lines_of_files_end_no_setting() {
    let Some(database) = PostgresDatabase::with(HERE) else {
        return;
    };
    let session = session!();
    let name = database.name();
    let url = format!("{}\n", database.url);
    assert_eq!(database_of(&session, "url", json!({ "url": url })), name);
    let address = databases::address(&database.url);
    let parsed: postgres::Config = database.url.parse().unwrap();
    let password = String::from_utf8(parsed.get_password().unwrap().to_vec()).unwrap();
    let fields = json!({
        "host": format!("{}\r\n", address.ip()), "port": format!("{}\n", address.port()),
        "database": format!("{name}\n"), "user": parsed.get_user(), "password": password,
    });
    assert_eq!(database_of(&session, "fields", fields), name);
}

#[test]
fn any_of_libpqs_words_for_a_server_finds_it() {
    let Some(server) = PrivateServer::postgres() else {
        return;
    };
    server.administrate(
        "CREATE VIEW standing AS SELECT pg_is_in_recovery() AS follows; GRANT SELECT ON standing TO PUBLIC",
    );
    let standby = server.replica();
    let session = session!();
    let (primary, follower) = (
        databases::address(&server.url),
        databases::address(&standby),
    );
    let hosts = |first: SocketAddr, second: SocketAddr, word: &str| {
        format!(
            "{}?host={},{}&port={},{}&target_session_attrs={word}",
            server.url,
            first.ip(),
            second.ip(),
            first.port(),
            second.port()
        )
    };
    let follows = |id: &str, url: String| {
        let source = source::managed(id, "postgres", json!({ "url": url }));
        let answer = session.ask(&source, "query", "standing", json!({}));
        answer.expect_done();
        answer.rows()[0]["follows"] == true
    };
    for (word, expected) in [
        ("read-write", false),
        ("primary", false),
        ("standby", true),
        ("prefer-standby", true),
        ("read-only", true),
    ] {
        for (order, first, second) in [("p", primary, follower), ("s", follower, primary)] {
            let id = format!("{word}-{order}");
            assert_eq!(follows(&id, hosts(first, second, word)), expected, "{id}");
        }
    }
    assert!(!follows("any-p", hosts(primary, follower, "any")));
    assert!(follows("any-s", hosts(follower, primary, "any")));
    // Nobody knows this word, and these are no numbers.
    let odd = format!(
        "{}?target_session_attrs=leader&keepalives=yes&keepalives_idle=1h",
        server.url
    );
    assert!(!follows("odd", odd));
    session.runner.wait_stderr(
        "target_session_attrs, keepalives, keepalives_idle",
        Duration::from_secs(5),
    );
    assert!(!follows(
        "alone",
        format!("{}?target_session_attrs=prefer-standby", server.url)
    ));
    let nowhere = format!("{}?target_session_attrs=standby", server.url);
    let nowhere = source::managed("nowhere", "postgres", json!({ "url": nowhere }));
    let answer = session.ask(&nowhere, "test", "", json!({}));
    let said = answer.expect_error("SOURCE_UNREACHABLE");
    assert!(said.contains("the server is no standby"), "{said}");
}

/// What `test-source` says of a source of this URL when it runs as a user without a name.
#[test]
fn a_user_without_a_name_is_not_taken_for_one() {
    let Some(server) = databases::postgres() else {
        return;
    };
    if !is_root() {
        return;
    }
    let address = databases::address(&server);
    let url = format!("postgresql://{address}/conformance");
    let runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), "")
        .through(&["setpriv", "--reuid=54321", "--clear-groups", "--"])
        .args(&["test-source", "--json"])
        .env("SEMILAYER_SOURCE_S_URL", url)
        .start();
    runner.wait_exit(Duration::from_secs(20));
    let said = runner.stdout();
    assert!(
        said.contains("no user is named"),
        "{said} {}",
        runner.stderr()
    );
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A door on the loopback interface's other address.
fn door6(server: SocketAddr) -> u16 {
    let listener = std::net::TcpListener::bind("[::1]:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(server).unwrap();
            thread::spawn(move || network::join(&client, &server));
        }
    });
    port
}

#[test]
fn addresses_of_version_6_may_have_brackets_and_a_zone() {
    let session = session!();
    let mut problems = Vec::new();
    for (bridge, server) in [
        ("postgres", databases::postgres()),
        ("mysql", databases::mysql9()),
        ("mariadb", databases::mariadb()),
        ("mongodb", databases::mongodb()),
        ("clickhouse", databases::clickhouse()),
        (
            "redis",
            databases::redis().map(|url| url.replacen("redis:", "http:", 1)),
        ),
    ] {
        let Some(server) = server else { continue };
        let address = databases::address(&server);
        let port = door6(address);
        let scheme = if bridge == "clickhouse" {
            "http"
        } else {
            bridge
        };
        let rest = server.split_once("//").unwrap().1;
        let (before, after) = rest.split_once(&address.to_string()).unwrap();
        let mut configs = Vec::new();
        for host in ["[::1]", "[::1%251]", "[::1%1]", "[0:0:0:0:0:0:0:1]"] {
            // MongoDB's takes what is encoded only.
            if bridge != "mongodb" || host != "[::1%1]" {
                let url = format!("{scheme}://{before}{host}:{port}{after}");
                configs.push(json!({ "url": url }));
            }
        }
        if !matches!(bridge, "mongodb") {
            let database = if bridge == "redis" {
                "0"
            } else {
                "conformance"
            };
            for host in ["::1", "[::1]", "::1%1", "[::1%1]"] {
                let mut config = json!({
                    "host": host, "port": port, "database": database, "user": "runner", "password": "runner",
                });
                if bridge == "redis" {
                    config = json!({ "host": host, "port": port });
                }
                configs.push(config);
            }
        }
        for (n, config) in configs.into_iter().enumerate() {
            let source = source::managed(&format!("{bridge}{n}"), bridge, config.clone());
            let answer = session.ask(&source, "test", "", json!({}));
            if let Err(error) = answer.result("test") {
                problems.push(format!("{bridge} {config}: {error:?}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn parameters_of_libpq_mean_what_they_mean_there() {
    let (Some(server), Some(openssl)) = (PrivateServer::postgres(), Openssl::start()) else {
        return;
    };
    openssl.key("server", P256);
    openssl.self_sign("server", "/CN=127.0.0.1");
    server.encrypt_with(&openssl.read("server.pem"), &openssl.read("server.key"));
    server.administrate(
        "CREATE VIEW me AS SELECT application_name AS app, ssl AS tls, current_setting('TimeZone') AS zone,
           current_setting('work_mem') AS mem FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE pid = pg_backend_pid();
         GRANT SELECT ON me TO PUBLIC",
    );
    thread::sleep(Duration::from_millis(500));
    let address = databases::address(&server.url);
    let closed = network::closed_port();
    let session = session!();
    for (n, (query, expected)) in [
        ("", json!({ "app": "semilayer-runner", "tls": true })),
        ("sslmode=DISABLE", json!({ "tls": false })),
        ("sslmode=Prefer", json!({ "tls": true })),
        ("sslmode=ALLOW", json!({ "tls": true })),
        ("sslmode=No-Verify", json!({ "tls": true })),
        ("SSLMODE=disable", json!({ "tls": false })),
        ("gssencmode=disable", json!({ "tls": true })),
        (
            "gssencmode=prefer&krbsrvname=postgres",
            json!({ "tls": true }),
        ),
        ("application_name=my%20app", json!({ "app": "my app" })),
        ("application_name=my+app", json!({ "app": "my app" })),
        (
            "fallback_application_name=other",
            json!({ "app": "semilayer-runner" }),
        ),
        (
            "options=-c%20TimeZone%3DAsia/Tokyo%20-c%20work_mem%3D5MB",
            json!({ "zone": "Asia/Tokyo", "mem": "5MB" }),
        ),
        (
            "options=-c+TimeZone%3DAsia/Tokyo+--work-mem%3D5MB",
            json!({ "zone": "Asia/Tokyo", "mem": "5MB" }),
        ),
        (
            "options=-c TimeZone=Asia/Tokyo",
            json!({ "zone": "Asia/Tokyo" }),
        ),
        ("channel_binding=disable", json!({ "tls": true })),
        (
            "channel_binding=prefer&sslmode=no-verify",
            json!({ "tls": true }),
        ),
        (
            "channel_binding=require&sslmode=no-verify",
            json!({ "tls": true }),
        ),
        (
            "channel_binding=Require&sslmode=disable",
            json!("channel binding"),
        ),
        (
            "connect_timeout=5&tcp_user_timeout=1000&load_balance_hosts=random",
            json!({ "tls": true }),
        ),
        (
            "sslnegotiation=postgres&sslcompression=0&sslsni=1",
            json!({ "tls": true }),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let url = format!("{}?{query}", server.url);
        let source = source::managed(&format!("p{n}"), "postgres", json!({ "url": url }));
        let answer = session.ask(&source, "query", "me", json!({}));
        match answer.result("query") {
            Ok(found) => {
                for (name, value) in expected
                    .as_object()
                    .unwrap_or_else(|| panic!("{query}: {found}"))
                {
                    assert_eq!(&found["rows"][0][name], value, "{query} {name}");
                }
            }
            Err((_, said)) => assert!(
                expected.as_str().is_some_and(|word| said.contains(word)),
                "{query}: {said}"
            ),
        }
    }
    // Several servers, each with its port, in the place of one.
    let ip = address.ip();
    for (n, hosts) in [
        format!("{ip}:{closed},{ip}:{}", address.port()),
        format!("{ip}:{},{ip}:{closed}", address.port()),
        format!("nowhere.invalid:{closed},{ip}:{}", address.port()),
    ]
    .into_iter()
    .enumerate()
    {
        let url = server.url.replacen(&address.to_string(), &hosts, 1);
        let source = source::managed(&format!("h{n}"), "postgres", json!({ "url": url }));
        session.ask(&source, "test", "", json!({})).expect_done();
    }
    // What would make the connection safer, and is not obeyed, is said.
    let safer = "gssencmode=require&sslcrl=/crl.pem&require_auth=scram-sha-256&ssl_min_protocol_version=TLSv1.3";
    let url = format!("{}?{safer}", server.url);
    let source = source::managed("safer", "postgres", json!({ "url": url }));
    session.ask(&source, "test", "", json!({})).expect_done();
    session.runner.wait_stderr(
        "gssencmode, sslcrl, require_auth, ssl_min_protocol_version",
        Duration::from_secs(5),
    );
}
