//! What the log may hold: secrets never, parameters and rows at `trace` at most.

use std::time::Duration;

use runner_testkit::databases::{self, SqliteDatabase};
use runner_testkit::fakes::FaultyHttp;
use runner_testkit::temp::TempDir;
use runner_testkit::{Gateway, RunnerBuilder, TOKEN, network, session, source, watchdog};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

/// Passwords of the sources below; what is percent-encoded in a URL is looked for decoded, too.
const SECRETS: [&str; 13] = [
    TOKEN,
    "pw-managed-url-1",
    "pw-managed-key-2",
    "pw%20encoded-3",
    "pw encoded-3",
    "pw-local-4",
    "pw-in-a-file-5",
    "pw-in-the-gateway-url-6",
    "pw-broken-url-7",
    "api-token-managed-8",
    "account-managed-9",
    "api-token-local-10",
    "account-local-11",
];

#[test]
fn no_secret_is_logged_at_any_level() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let folder = TempDir::new();
    let password = folder.write("password", "pw-in-a-file-5\n");
    let audit = folder.path().join("audit.log");
    let closed = network::closed_port();
    let gateway = Gateway::start();
    for format in ["text", "json"] {
        let seen = gateway.state().hellos.len();
        let url = format!("{}?key=pw-in-the-gateway-url-6", gateway.url());
        let runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), &url)
            .env("SEMILAYER_LOG", "trace")
            .env("SEMILAYER_LOG_FORMAT", format)
            .env("SEMILAYER_AUDIT_LOG", audit.to_str().unwrap())
            .env("SEMILAYER_SOURCE_LOCAL_HOST", "127.0.0.1")
            .env("SEMILAYER_SOURCE_LOCAL_PORT", closed.to_string())
            .env("SEMILAYER_SOURCE_LOCAL_DATABASE", "d")
            .env("SEMILAYER_SOURCE_LOCAL_USERNAME", "u")
            .env("SEMILAYER_SOURCE_LOCAL_PASSWORD", "pw-local-4")
            .env("SEMILAYER_SOURCE_FILED_HOST", "127.0.0.1")
            .env("SEMILAYER_SOURCE_FILED_PORT", closed.to_string())
            .env("SEMILAYER_SOURCE_FILED_DATABASE", "d")
            .env("SEMILAYER_SOURCE_FILED_USERNAME", "u")
            .env(
                "SEMILAYER_SOURCE_FILED_PASSWORD_FILE",
                password.to_str().unwrap(),
            )
            .env("SEMILAYER_SOURCE_CLOUD_ACCOUNT_ID", "account-local-11")
            .env("SEMILAYER_SOURCE_CLOUD_DATABASE_ID", "d")
            .env("SEMILAYER_SOURCE_CLOUD_API_TOKEN", "api-token-local-10")
            .env(
                "SEMILAYER_SOURCE_CLOUD_ENDPOINT",
                format!("http://127.0.0.1:{closed}/v4"),
            )
            .start();
        gateway.wait_hello(seen + 1, SOON);
        let mut sources = vec![
            source::runner_local("c", "cloud", "d1"),
            source::runner_local("l", "local", "mysql"),
            source::runner_local("f", "filed", "postgres"),
            source::runner_local("m", "missing", "postgres"),
            source::managed(
                "k",
                "mysql",
                json!({"host": "127.0.0.1", "port": closed, "user": "u",
                "password": "pw-managed-key-2", "database": "d"}),
            ),
        ];
        for bridge in ["postgres", "mysql"] {
            for url in [
                format!("{bridge}://u:pw-managed-url-1@127.0.0.1:{closed}/d"),
                format!("{bridge}://u:pw%20encoded-3@127.0.0.1:{closed}/d?sslmode=nonsense"),
                format!("{bridge}://u:pw-broken-url-7@127.0.0.1:99999/d"),
                format!("{bridge}//u:pw-broken-url-7@127.0.0.1"),
            ] {
                sources.push(source::managed("managed", bridge, json!({ "url": url })));
            }
        }
        // Not reached, refused with the path in the words, and never asked.
        let path = "/v4/accounts/account-managed-9/d1/database/d/raw";
        let errors = json!([{ "code": 7003, "message": format!("Could not route to {path}") }]);
        let body = json!({ "success": false, "errors": errors }).to_string();
        let faulty = FaultyHttp::start(([127, 0, 0, 1], closed).into());
        faulty.order(&[json!({ "status": 404, "body": body, "times": 9 })]);
        for (database, port) in [
            ("d", closed),
            ("d", faulty.address().port()),
            ("d/e", closed),
        ] {
            let config = json!({
                "accountId": "account-managed-9", "databaseId": database, "apiToken": "api-token-managed-8",
                "baseUrl": format!("http://127.0.0.1:{port}/v4"),
            });
            sources.push(source::managed("cloud", "d1", config));
        }
        // Rejected by a real server.
        if let Some(url) = databases::postgres() {
            let url = databases::with_credentials(&url, "nobody_here", "pw-managed-url-1");
            sources.push(source::managed("pg", "postgres", json!({ "url": url })));
        }
        if let Some(url) = databases::mariadb() {
            let url = databases::with_credentials(&url, "nobody_here", "pw-managed-url-1");
            sources.push(source::managed("my", "mysql", json!({ "url": url })));
        }
        for (number, source) in sources.iter_mut().enumerate() {
            source["id"] = json!(format!("s{number}"));
            for kind in ["query", "test"] {
                let answer = gateway.dispatch(source, kind, "t", json!({})).wait();
                let text = format!("{:?}", answer.terminal);
                for secret in SECRETS {
                    assert!(!text.contains(secret), "{text}");
                }
            }
        }
        gateway
            .connection()
            .text("{\"type\":\"job\",\"params\":{\"password\":\"pw-managed-key-2\"");
        runner.wait_stderr("ignoring a frame", SOON);
        runner.signal("TERM");
        assert!(runner.wait_exit(SOON).success());
        let audited = std::fs::read_to_string(&audit).unwrap();
        assert!(audited.lines().count() >= 20);
        for (name, text) in [
            ("log", runner.stderr()),
            ("stdout", runner.stdout()),
            ("audit", audited),
        ] {
            for secret in SECRETS {
                assert!(!text.contains(secret), "{secret} is in the {name}:\n{text}");
            }
        }
        if format == "json" {
            for line in runner.stderr().lines() {
                let record: Value =
                    serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
                assert!(
                    record["time"].is_string() && record["level"].is_string(),
                    "{line}"
                );
            }
        }
        // The test can fail: it sees the sources' names.
        assert!(runner.stderr().contains("SOURCE_UNREACHABLE"));
    }
}

#[test]
fn job_lines_tell_what_happened_and_quote_no_value() {
    let database = SqliteDatabase::create(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT); \
         INSERT INTO t VALUES (1, 'value-of-a-row'), (2, 'b');",
    );
    let session = session!(|runner| runner
        .env("SEMILAYER_LOG", "debug")
        .env("SEMILAYER_LOG_FORMAT", "json"));
    let gateway = &session.gateway;
    let runner = &session.runner;
    let source = source::managed("shop", "sqlite", json!({ "path": database.path() }));
    let ask = |options| gateway.dispatch(&source, "query", "t", options).wait();
    ask(json!({"where": {"name": {"$ne": "value-of-a-parameter"}}})).expect_done();
    ask(json!({"where": {"value-of-a-parameter": 1}})).expect_error("QUERY_FAILED");
    ask(json!({"limit": "value-of-a-parameter"})).expect_error("INVALID_OPTIONS");
    runner.wait_stderr("INVALID_OPTIONS", SOON);
    let log = runner.stderr();
    let jobs: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|record| record.get("job").is_some())
        .collect();
    let told: Vec<_> = jobs
        .iter()
        .map(|j| {
            (
                j["outcome"].as_str().unwrap(),
                j["level"].as_str().unwrap(),
                j["rows"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("done", "DEBUG", 2),
            ("QUERY_FAILED", "INFO", 0),
            ("INVALID_OPTIONS", "INFO", 0)
        ]
    );
    assert_eq!(
        (&jobs[0]["source"], &jobs[0]["kind"]),
        (&json!("shop"), &json!("query"))
    );
    assert!(jobs[0]["ms"].is_u64());
    // A failure says of what; a success is told by standard output.
    assert_eq!(
        (&jobs[0]["target"], &jobs[1]["target"]),
        (&Value::Null, &json!("t"))
    );
    assert!(!log.contains("value-of-a"), "{log}");
    if let Some(url) = databases::postgres() {
        // Too long for a name, which is a notice of the server's.
        let long = "value-of-a-parameter".repeat(4);
        let source = source::managed("pg", "postgres", json!({ "url": url }));
        let options = json!({"where": {long: 1}});
        let answer = gateway.dispatch(&source, "query", "people", options).wait();
        answer.expect_error("QUERY_FAILED");
        runner.wait_stderr("\"outcome\":\"QUERY_FAILED\",\"sqlstate\":\"42703\"", SOON);
        let log = runner.stderr();
        assert!(!log.contains("value-of-a"), "{log}");
    }
}

#[test]
fn an_unknown_format_is_a_configuration_error() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), "ws://127.0.0.1:1/c")
        .env("SEMILAYER_LOG_FORMAT", "xml")
        .start();
    assert_eq!(runner.wait_exit(SOON).code(), Some(2));
    assert!(
        runner
            .stderr()
            .contains("SEMILAYER_LOG_FORMAT must be text or json")
    );
}
