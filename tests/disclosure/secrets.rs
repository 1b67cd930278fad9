//! Passwords that are hard to tell from the rest of a URL, on every engine and in every command: no part of one is told,
//! in whatever form. (The test kit searches all that a runner says, and all error frames, for the secrets it was given
//! and for their parts.)

use std::time::Duration;

use runner_testkit::databases::{self, with_address};
use runner_testkit::temp::TempDir;
use runner_testkit::{Gateway, RunnerBuilder, network, session, source, watchdog};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);

/// Each has a digit in every part, so that the search takes it.
const PASSWORDS: [&str; 13] = [
    "Tr0ub1@dor9tail",
    "sl4sh1/tail9x/en7d",
    "c0lon1:tail9x:443",
    "h4sh1x#tail9x",
    "qu3st1?tail9x=ya7ho&more8x",
    "p3rc1x%40tail9x%zztail8x",
    "b4ck1x\\tail9x tail8x",
    "br4ck1[tail9x]@[tail8x",
    // What stands before the rest may be a port.
    "4431?tail9x",
    "4431?tail9x=ya7ho1&more8x",
    "4431/tail9x?more8x",
    "4431#tail9x",
    "4431\\tail9x?ssl7ail=more8x",
];

const ENGINES: [(&str, &str); 12] = [
    ("postgres", "postgres"),
    ("neon", "postgres"),
    ("mysql", "mysql"),
    ("mongodb", "mongodb"),
    ("clickhouse", "http"),
    ("clickhouse", "clickhouse"),
    ("redis", "redis"),
    ("redis", "rediss"),
    ("upstash", "https"),
    ("turso", "libsql"),
    ("turso", "http"),
    ("d1", "http"),
];

/// As a URL has it, rightly and as people write it.
fn spellings(password: &str) -> [String; 2] {
    let encoded: String = url::form_urlencoded::byte_serialize(password.as_bytes()).collect();
    [password.to_owned(), encoded.replace('+', "%20")]
}

/// Configurations of a source on this engine, none of which works.
fn configurations(bridge: &str, scheme: &str, password: &str, port: u16) -> Vec<Value> {
    let place = format!("127.0.0.1:{port}");
    let mut all = Vec::new();
    for written in spellings(password) {
        for rest in [
            format!("{place}/0"),
            format!("{place}/0?sslmode=nonsense"),
            "127.0.0.1:99999/0".to_owned(),
        ] {
            let url = format!("{scheme}://us3r:{written}@{rest}");
            all.push(
                json!({ "url": url, "token": password, "authToken": password, "baseUrl": url,
                             "accountId": "a", "databaseId": "d", "apiToken": password }),
            );
        }
        // No login at all, only something that looks like one.
        all.push(
            json!({ "url": format!("{scheme}//us3r:{written}@{place}/0"), "token": password }),
        );
        all.push(json!({ "url": format!("us3r:{written}@{place}/0"), "token": password }));
    }
    all.push(json!({"host": "127.0.0.1", "port": port, "user": "us3r", "username": "us3r", "password": password,
                    "database": "d", "db": 0, "url": null}));
    if bridge == "upstash" {
        all.push(json!({ "url": format!("http://{place}"), "token": password }));
    }
    // In the wrong place.
    all.push(json!({"host": format!("us3r:{password}@127.0.0.1"), "port": port, "user": "us3r", "password": password,
                    "database": "d"}));
    all
}

#[test]
fn no_part_of_a_password_is_told_to_the_gateway_or_the_log() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let closed = network::closed_port();
    let session = session!(|runner| runner.env("SEMILAYER_LOG", "trace"));
    let mut jobs = Vec::new();
    for (number, password) in PASSWORDS.iter().enumerate() {
        for (bridge, scheme) in ENGINES {
            for (n, config) in (0..).zip(configurations(bridge, scheme, password, closed)) {
                let source = source::managed(&format!("s{number}-{n}"), bridge, config);
                jobs.push(session.gateway.dispatch_with(
                    &source,
                    "test",
                    "",
                    json!({}),
                    700,
                    false,
                ));
            }
        }
    }
    let mut failed = 0;
    for job in jobs {
        let answer = job.wait_for(Duration::from_secs(100));
        let text = format!("{:?}", answer.terminal);
        assert_eq!(runner_testkit::secrets::found_in(&text), None, "{text}");
        failed += usize::from(text.starts_with("Error"));
    }
    assert!(failed > 700, "{failed}");
}

/// What real servers and drivers make of such a password.
#[test]
fn no_part_of_a_password_is_told_by_a_server_that_refuses_it() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let session = session!(|runner| runner.env("SEMILAYER_LOG", "trace"));
    for (bridge, url) in databases::with_logins() {
        let bare = with_address(&url, databases::address(&url));
        let (scheme, rest) = bare.split_once("://").unwrap();
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        for password in PASSWORDS {
            for written in spellings(password) {
                let url = format!("{scheme}://us3r:{written}@{rest}");
                let source = source::managed("s", bridge, json!({ "url": url }));
                let job =
                    session
                        .gateway
                        .dispatch_with(&source, "test", "", json!({}), 5000, false);
                let text = format!("{:?}", job.wait_for(SOON).terminal);
                assert_eq!(runner_testkit::secrets::found_in(&text), None, "{text}");
            }
        }
    }
}

#[test]
fn no_part_of_a_password_is_told_by_a_command() {
    let _watchdog = watchdog(Duration::from_secs(170));
    let closed = network::closed_port();
    let gateway = Gateway::start();
    let folder = TempDir::new();
    for (number, password) in PASSWORDS.iter().enumerate() {
        let mut variables = Vec::new();
        for (n, (bridge, scheme)) in ENGINES.iter().enumerate() {
            let name = format!("SEMILAYER_SOURCE_S{n}");
            let spelling = &spellings(password)[number % 2];
            let url = format!("{scheme}://us3r:{spelling}@127.0.0.1:{closed}/0");
            let file = folder.write(&format!("url-{number}-{n}"), format!("{url}x\n"));
            variables.push((format!("{name}_URL"), url.clone()));
            variables.push((format!("{name}_BRIDGE"), (*bridge).to_owned()));
            variables.push((format!("{name}_TOKEN"), (*password).to_owned()));
            variables.push((
                format!("{name}F_URL_FILE"),
                file.to_str().unwrap().to_owned(),
            ));
            // A URL where the name of a file is meant, and where nothing is.
            variables.push((format!("{name}G_URL_FILE"), url.clone()));
            variables.push((format!("{name}_CA"), url.clone()));
            variables.push((format!("{name}_USERNAME"), url));
        }
        variables.push((
            "HTTPS_PROXY".to_owned(),
            format!("http://us3r:{password}@127.0.0.1:{closed}"),
        ));
        variables.push((
            "SEMILAYER_GATEWAY_URL".to_owned(),
            format!("{}?key={password}", gateway.url()),
        ));
        let bundle = folder.path().join(format!("bundle-{number}"));
        let log = folder.write("log", format!("said {password} once\n"));
        for command in [
            &["status"][..],
            &["status", "--json"],
            &["doctor", "--connect"],
            &["doctor", "--json"],
            &[
                "doctor",
                "--bundle",
                bundle.to_str().unwrap(),
                "--log",
                log.to_str().unwrap(),
            ],
            &["test-source", "--json"],
            &["test-source"],
            &["test-source", "S0", "--query", "t"],
            &[
                "status",
                "--id",
                &format!("rk_{password}"),
                "--gateway",
                &format!("wss://us3r:{password}@h/c"),
            ],
        ] {
            let mut runner =
                RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), "").args(command);
            for (name, value) in &variables {
                runner = runner.env(name, value.as_str());
            }
            // What it says is searched when it is dropped.
            runner.start().wait_exit(SOON);
        }
        let bundled = std::fs::read_to_string(&bundle).unwrap();
        assert_eq!(
            runner_testkit::secrets::found_in(&bundled),
            None,
            "{bundled}"
        );
    }
}
