//! Users, passwords and databases of any characters, percent-encoded in a URL and as they are in fields, and what white
//! space, empty fields and odd ports come to; for every engine, on the real servers.

use std::net::SocketAddr;
use std::time::Duration;

use runner_testkit::databases::{self, PrivateServer, RedisClient};
use runner_testkit::{RunnerBuilder, Session, Terminal, session, source};
use serde_json::{Map, Value, json};

/// All that means something in some part of some URL or other.
const ODD: &str = "%41&?#/:@ +=;,'\"\\$[]{}|<>`^~!*()é\u{4e2d}";

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

/// The code and message of a test of this source, if it fails.
fn test(session: &Session, id: &str, bridge: &str, config: Value) -> Result<(), (String, String)> {
    let source = source::managed(id, bridge, config);
    match session.ask(&source, "test", "", json!({})).terminal {
        Terminal::Done(_) => Ok(()),
        Terminal::Error { code, message, .. } => Err((code, message)),
        other => panic!("{other:?}"),
    }
}

/// Each way to write the same account down, with and without white space around what is no password; then a wrong
/// password, and ports that are none.
fn expect_to_log_in(
    bridge: &str,
    scheme: &str,
    address: SocketAddr,
    user: &str,
    database: &str,
    options: &str,
) {
    let session = session!();
    let (ip, port) = (address.ip().to_string(), address.port());
    let (user_code, password_code) = (encoded(user), encoded(ODD));
    let url = |password: &str, port: &str| {
        format!(
            "{scheme}://{user_code}:{password}@{ip}:{port}/{}{options}",
            encoded(database)
        )
    };
    let good = url(&password_code, &port.to_string());
    let mut problems = Vec::new();
    let mut expect = |what: &str, config: Value, expected: &[&str]| {
        let found = test(&session, &format!("{bridge} {what}"), bridge, config);
        let code = found
            .as_ref()
            .map_or_else(|(code, _)| code.as_str(), |()| "ok");
        let told = found
            .as_ref()
            .map_or_else(|(_, said)| said.as_str(), |()| "");
        if !expected.contains(&code) || told.contains('\u{4e2d}') {
            problems.push(format!("{what}: {found:?}"));
        }
    };
    expect("url", json!({ "url": good }), &["ok"]);
    for (what, before, after) in [
        ("line", "", "\n"),
        ("lines", "\r\n", "\r\n"),
        ("spaces", " ", " "),
    ] {
        expect(
            what,
            json!({ "url": format!("{before}{good}{after}") }),
            &["ok"],
        );
    }
    expect(
        "wrong url",
        json!({ "url": url("no", &port.to_string()) }),
        &["SOURCE_AUTH_FAILED"],
    );
    for none in ["0", "65536", "99999999999", "x", "-1"] {
        expect(
            &format!("url port {none}"),
            json!({ "url": url(&password_code, none) }),
            &["SOURCE_CONFIG"],
        );
    }
    if bridge == "mongodb" {
        assert!(problems.is_empty(), "{bridge}:\n{}", problems.join("\n"));
        return;
    }
    let database = match bridge {
        "redis" => ("db", json!(database)),
        _ => ("database", json!(database)),
    };
    let fields = |changes: &[(&str, Value)]| {
        let mut fields = Map::new();
        for (name, value) in [
            ("host", json!(ip)),
            ("port", json!(port)),
            ("user", json!(user)),
            ("password", json!(ODD)),
            database.clone(),
        ] {
            fields.insert(name.to_owned(), value);
        }
        for (name, value) in changes {
            fields.insert((*name).to_owned(), value.clone());
        }
        Value::Object(fields)
    };
    expect("fields", fields(&[]), &["ok"]);
    let lines: Vec<_> = [
        ("host", ip.clone()),
        ("port", port.to_string()),
        ("user", user.to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name, json!(format!("{value}\n"))))
    .collect();
    expect("lines of fields", fields(&lines), &["ok"]);
    let spaced = format!("{}\r\n", database.1.as_str().unwrap());
    expect(
        "line of the database",
        fields(&[(database.0, json!(spaced))]),
        &["ok"],
    );
    expect(
        "spaces of the port",
        fields(&[("port", json!(format!(" {port} ")))]),
        &["ok"],
    );
    expect(
        "empty fields",
        fields(&[
            ("url", json!("")),
            ("ssl", json!("")),
            ("sslmode", json!("")),
            ("socketPath", json!("")),
        ]),
        &["ok"],
    );
    expect(
        "null fields",
        fields(&[("url", json!(null)), ("ssl", json!(null))]),
        &["ok"],
    );
    expect(
        "wrong field",
        fields(&[("password", json!("no"))]),
        &["SOURCE_AUTH_FAILED"],
    );
    expect(
        "other password",
        fields(&[("password", json!(format!("{ODD} ")))]),
        &["SOURCE_AUTH_FAILED"],
    );
    for none in [
        json!(0),
        json!(65536),
        json!("0"),
        json!("65536"),
        json!("x"),
        json!(-1),
        json!(1.5),
        json!("54 32"),
    ] {
        expect(
            &format!("port {none}"),
            fields(&[("port", none)]),
            &["SOURCE_CONFIG"],
        );
    }
    // An empty one is none.
    expect(
        "empty port",
        fields(&[("port", json!(""))]),
        &[
            "ok",
            "SOURCE_UNREACHABLE",
            "SOURCE_AUTH_FAILED",
            "SOURCE_CONFIG",
        ],
    );
    // The same by variables, of which the password is in a file of its own.
    let mut runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), "")
        .args(&["test-source", "--json"]);
    for (name, value) in [
        ("HOST", format!("{ip}\n")),
        ("PORT", format!("{port}\n")),
        ("USER", user.to_owned()),
        ("PASSWORD", ODD.to_owned()),
        ("BRIDGE", bridge.to_owned()),
    ] {
        runner = runner.env(&format!("SEMILAYER_SOURCE_S_{name}"), value);
    }
    let name = if bridge == "redis" { "DB" } else { "DATABASE" };
    let runner = runner
        .env(
            &format!("SEMILAYER_SOURCE_S_{name}"),
            database.1.as_str().unwrap(),
        )
        .start();
    runner.wait_exit(Duration::from_secs(20));
    if !runner.stdout().contains("\"ok\": true") && !runner.stdout().contains("\"ok\":true") {
        problems.push(format!("variables: {}", runner.stdout()));
    }
    assert!(problems.is_empty(), "{bridge}:\n{}", problems.join("\n"));
}

#[test]
fn of_postgres() {
    let Some(server) = PrivateServer::postgres() else {
        return;
    };
    let name = "d %?#/é";
    server.administrate(&format!("CREATE DATABASE \"{name}\""));
    let password = ODD.replace('\'', "''");
    server.administrate(&format!(
        "CREATE ROLE \"u@%:/é\" LOGIN PASSWORD '{password}'"
    ));
    expect_to_log_in(
        "postgres",
        "postgresql",
        databases::address(&server.url),
        "u@%:/é",
        name,
        "",
    );
}

#[test]
fn of_mysql() {
    let Some(server) = PrivateServer::mariadb() else {
        return;
    };
    let name = "d %?#é";
    let password = ODD.replace('\\', "\\\\").replace('\'', "''");
    server.administrate(&format!("SET NAMES utf8mb4; CREATE DATABASE `{name}`; CREATE USER 'u@%:/é' IDENTIFIED BY '{password}'; GRANT SELECT ON *.* TO 'u@%:/é'"));
    for (bridge, scheme) in [("mysql", "mysql"), ("mariadb", "mariadb")] {
        expect_to_log_in(
            bridge,
            scheme,
            databases::address(&server.url),
            "u@%:/é",
            name,
            "",
        );
    }
}

#[cfg(feature = "mongodb")]
#[test]
fn of_mongodb() {
    use runner_testkit::databases::MongodbDatabase;
    let Some(database) = MongodbDatabase::usual() else {
        return;
    };
    let user = format!("u@%:/é{}", std::process::id());
    database.run_on("admin", &json!({ "createUser": user, "pwd": ODD, "roles": [{ "role": "read", "db": "conformance" }] }));
    expect_to_log_in(
        "mongodb",
        "mongodb",
        databases::address(&database.url),
        &user,
        "conformance",
        "?authSource=admin",
    );
    database.run_on("admin", &json!({ "dropUser": user }));
}

#[cfg(feature = "redis")]
#[test]
fn of_redis() {
    let Some(url) = databases::redis() else {
        return;
    };
    let user = format!("u@%:/é{}", std::process::id());
    let mut client = RedisClient::connect(&url);
    client.ask(&[
        "ACL",
        "SETUSER",
        &user,
        "on",
        &format!(">{ODD}"),
        "~*",
        "+@all",
    ]);
    let address = databases::address(&url.replacen("redis:", "http:", 1));
    expect_to_log_in("redis", "redis", address, &user, "0", "");
    client.ask(&["ACL", "DELUSER", &user]);
}
