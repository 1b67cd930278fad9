//! `doctor`: the official words and exit codes, and the step that fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use runner_testkit::network::{BlackHole, closed_port};
use runner_testkit::temp::TempDir;
use runner_testkit::tinyproxy::Tinyproxy;
use runner_testkit::{
    Admission, Gateway, Options, RunnerBuilder, SelfSigned, ServerConfig, TOKEN, TestCa, Upgrade,
    watchdog,
};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(25);
const HEALTHY: &str =
    "\nRunner environment looks healthy. Run `semilayer-runner start` to connect.\n";

fn doctor(gateway: &str, arguments: &[&str], variables: &[(&str, &str)]) -> (String, String, i32) {
    let mut words = vec!["doctor"];
    words.extend(arguments);
    let mut runner =
        RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), gateway).args(&words);
    for (name, value) in variables {
        runner = match *value {
            "" => runner.env_remove(name),
            value => runner.env(name, value),
        };
    }
    let runner = runner.start();
    let code = runner.wait_exit(SOON).code().expect("an exit code");
    let (out, err) = (runner.stdout(), runner.stderr());
    assert!(!format!("{out}{err}").contains(TOKEN), "{out}{err}");
    (out, err, code)
}

/// The JSON report, and its check of this name.
fn checked(
    gateway: &str,
    arguments: &[&str],
    variables: &[(&str, &str)],
    name: &str,
) -> (Value, Value) {
    let mut words = vec!["--json"];
    words.extend(arguments);
    let (out, _, code) = doctor(gateway, &words, variables);
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}"));
    assert_eq!(report["exitCode"], code);
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["check"] == name);
    let found = found.unwrap_or_else(|| panic!("no {name}: {out}")).clone();
    (report, found)
}

fn tls_gateway(tls: Arc<ServerConfig>) -> Gateway {
    Gateway::with(Options {
        tls: Some(tls),
        host: "localhost".to_owned(),
        ..Options::default()
    })
}

#[test]
fn the_official_lines_come_first() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::start();
    let (out, err, code) = doctor(&gateway.url(), &[], &[]);
    let probe = gateway
        .url()
        .replace("ws://", "http://")
        .replace("/connect", "/health");
    let official =
        format!("✓ config loaded (runner 6f9f1c1e…)\n✓ reachable  {probe} → 200\n{HEALTHY}");
    assert!(out.starts_with(&official), "{out}");
    assert_eq!((err.as_str(), code), ("", 0), "{out}");
    assert!(!out.contains('\u{1b}'), "{out}");
    // Nobody was disturbed: no credentials were sent, no session begun.
    let state = gateway.state();
    assert_eq!(state.upgrades.len(), 1);
    assert!(state.upgrades[0].query.is_empty() && state.hellos.is_empty());
}

#[test]
fn missing_credentials_are_the_official_error() {
    let _watchdog = watchdog(Duration::from_secs(60));
    // The usual level: what it writes to standard error is compared.
    let variables = [("SEMILAYER_RUNNER_ID", ""), ("SEMILAYER_LOG", "")];
    let (out, err, code) = doctor("ws://localhost:1", &[], &variables);
    let line = "✗ config: Missing runner id. Pass --id or set SEMILAYER_RUNNER_ID (shown in the Console).\n";
    assert_eq!((err.as_str(), code), (line, 2));
    assert!(!out.contains("looks healthy"), "{out}");
    let (report, _) = checked("ws://gateway.example", &[], &[], "config");
    assert_eq!(report["exitCode"], 2);
}

#[test]
fn an_unreachable_gateway_is_the_official_failure() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let url = format!("wss://127.0.0.1:{}/connect", closed_port());
    // The usual level: what it writes to standard error is compared.
    let (out, err, code) = doctor(&url, &[], &[("SEMILAYER_LOG", "")]);
    assert!(
        out.starts_with("✓ config loaded (runner 6f9f1c1e…)\n"),
        "{out}"
    );
    assert!(!out.contains("looks healthy"), "{out}");
    assert!(err.starts_with(&format!("✗ reachable  {url} — ")), "{err}");
    assert!(
        err.ends_with(
            "   check outbound firewall rules; the runner needs TCP 443 to reach the gateway.\n"
        ),
        "{err}"
    );
    assert_eq!(code, 1);
}

#[test]
fn the_failing_step_is_named() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let failing = |url: &str, variables: &[(&str, &str)], step: &str, word: &str| {
        let (report, check) = checked(url, &[], variables, step);
        assert_eq!(
            (&check["state"], &report["ok"]),
            (&"failed".into(), &false.into())
        );
        assert!(check["text"].as_str().unwrap().contains(word), "{check}");
        assert!(check["advice"].is_string(), "{check}");
        check
    };
    failing("wss://gateway.invalid/c", &[], "dns", "cannot be resolved");
    let closed = format!("wss://127.0.0.1:{}/c", closed_port());
    failing(&closed, &[], "tcp", "refused");
    let hole = BlackHole::start();
    let started = Instant::now();
    failing(
        &format!("wss://{}/c", hole.address),
        &[],
        "tls",
        "took too long",
    );
    failing(
        &format!("ws://{}/c", hole.address),
        &[],
        "health",
        "took too long",
    );
    assert!(started.elapsed() < Duration::from_secs(14));
    let proxy = format!("http://u:s3cret@127.0.0.1:{}", closed_port());
    failing(
        "wss://gateway.invalid/c",
        &[("HTTPS_PROXY", &proxy)],
        "tcp",
        "refused",
    );
    let missing = Gateway::with(Options {
        admit: Box::new(|_| Admission::Refuse(404, Vec::new())),
        ..Options::default()
    });
    failing(&missing.url(), &[], "upgrade", "404");
    let ca = TestCa::new("Corporate Root");
    let intercepted = tls_gateway(ca.server(&["localhost"]));
    let check = failing(
        &intercepted.url(),
        &[],
        "tls",
        "signed by \"CN=Corporate Root\"",
    );
    assert_eq!(check["issuer"], "CN=Corporate Root");
    assert!(
        check["advice"]
            .as_str()
            .unwrap()
            .contains("NODE_EXTRA_CA_CERTS"),
        "{check}"
    );
}

#[test]
fn a_private_root_is_told() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    let ca = TestCa::new("Corporate Root");
    let own = SelfSigned::new(&["localhost"], true);
    for (server, pem, issuer) in [
        (ca.server(&["localhost"]), ca.pem(), "CN=Corporate Root"),
        (own.server(), own.pem(), "CN=own server"),
    ] {
        let gateway = tls_gateway(server);
        let file = folder.write("ca.pem", pem);
        let variables = [("NODE_EXTRA_CA_CERTS", file.to_str().unwrap())];
        let (report, tls) = checked(&gateway.url(), &[], &variables, "tls");
        assert_eq!(report["ok"], true, "{report}");
        assert_eq!(tls["state"], "warning");
        assert_eq!(
            (&tls["issuer"], &tls["publicRoot"]),
            (&issuer.into(), &false.into())
        );
        assert_eq!(tls["version"], "TLS 1.3");
        let (_, roots) = checked(&gateway.url(), &[], &variables, "NODE_EXTRA_CA_CERTS");
        assert_eq!(roots["certificates"], 1);
    }
}

#[test]
fn with_connect_the_session_is_begun_and_ended() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::with(Options {
        sources: vec![runner_testkit::source::runner_local("s", "shop", "sqlite")],
        ..Options::default()
    });
    let (report, session) = checked(&gateway.url(), &["--connect"], &[], "session");
    assert_eq!(report["ok"], true, "{report}");
    assert_eq!(session["sources"], serde_json::json!(["shop"]));
    gateway.wait("closed session", SOON, |state| {
        let (_, close) = state.closed.iter().find(|(_, close)| close.is_some())?;
        assert_eq!(close.as_ref().map(|(code, _)| *code), Some(1000));
        Some(())
    });
    let wrong = [("SEMILAYER_RUNNER_TOKEN", "rk_wrong")];
    let (report, session) = checked(&gateway.url(), &["--connect"], &wrong, "session");
    assert_eq!(
        (&report["exitCode"], &session["reason"]),
        (&1.into(), &"4401 bad token".into())
    );
    assert!(
        session["advice"]
            .as_str()
            .unwrap()
            .contains("mint a new one")
    );
}

#[test]
fn a_token_on_the_command_line_is_a_warning() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::start();
    let (report, token) = checked(&gateway.url(), &["--token", TOKEN], &[], "token");
    assert_eq!(
        (&report["ok"], &token["state"]),
        (&true.into(), &"warning".into())
    );
    let runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), &gateway.url())
        .env_remove("SEMILAYER_RUNNER_TOKEN")
        .args(&["start", "--token", TOKEN])
        .start();
    gateway.wait_hello(1, SOON);
    runner.wait_stderr("which every user of this machine can read", SOON);
    assert_eq!(runner.stderr().matches("--token").count(), 1);
}

#[test]
fn the_way_through_a_proxy_is_walked() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    let ca = TestCa::new("Corporate Root");
    let pem = folder.write("ca.pem", ca.pem());
    let pem = pem.to_str().unwrap();
    let gateway = tls_gateway(ca.server(&["localhost"]));
    let Some(proxy) = Tinyproxy::start(Some(("user", "pr0xy-word"))) else {
        return;
    };
    let through = |user: &str| format!("http://{user}127.0.0.1:{}", proxy.port);
    let url = gateway.url();
    let run = |proxy: &str, arguments: &[&str], exempt: &str, name: &str| {
        let variables = [
            ("HTTPS_PROXY", proxy),
            ("NO_PROXY", exempt),
            ("NODE_EXTRA_CA_CERTS", pem),
        ];
        checked(&url, arguments, &variables, name)
    };
    let (report, check) = run(&through("user:pr0xy-word@"), &["--connect"], "", "proxy");
    assert_eq!(
        (&report["ok"], &check["state"]),
        (&true.into(), &"ok".into()),
        "{report}"
    );
    assert!(proxy.log().contains("localhost"), "{}", proxy.log());
    assert_eq!(gateway.state().hellos.len(), 1);
    for user in ["", "user:wr0ng-word@"] {
        let (report, check) = run(&through(user), &[], "", "proxy");
        assert_eq!(
            (&report["ok"], &check["state"]),
            (&false.into(), &"failed".into())
        );
        let status = check["status"].as_u64().unwrap();
        assert!(status == 401 || status == 407, "{check}");
    }
    let before = proxy.log().len();
    let (report, _) = run(&through(""), &[], "example.com, LOCALHOST", "tls");
    assert_eq!(
        (&report["ok"], &report["proxy"]),
        (&true.into(), &Value::Null)
    );
    assert_eq!(proxy.log().len(), before);
}

#[test]
fn policy_and_audit_log_are_looked_at() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::start();
    let folder = TempDir::new();
    let file = |text: &str| folder.write("policy.json", text);
    let policy = file(r#"{"sources": {"shop": {}, "*": {}}}"#);
    let audit = folder.path().join("audit.log");
    let variables = [
        ("SEMILAYER_POLICY", policy.to_str().unwrap()),
        ("SEMILAYER_AUDIT_LOG", audit.to_str().unwrap()),
    ];
    let (_, check) = checked(&gateway.url(), &[], &variables, "policy");
    assert_eq!(
        (&check["state"], &check["entries"]),
        (&"ok".into(), &2.into())
    );
    let (_, check) = checked(&gateway.url(), &[], &variables, "audit");
    assert_eq!(check["state"], "ok");
    assert!(!audit.exists());
    let nowhere = [("SEMILAYER_AUDIT_LOG", "/nowhere/audit.log")];
    let (report, check) = checked(&gateway.url(), &[], &nowhere, "audit");
    assert_eq!(
        (&report["exitCode"], &check["state"]),
        (&1.into(), &"failed".into())
    );
    file("{\"sources\": {\n\"shop\": {\"target\": 1}}}");
    let (report, check) = checked(&gateway.url(), &[], &variables, "config");
    assert_eq!(
        (&report["exitCode"], &check["state"]),
        (&2.into(), &"failed".into())
    );
    assert!(
        check["text"].as_str().unwrap().contains("line 2 column"),
        "{check}"
    );
}

#[cfg(feature = "sqlite")]
#[test]
fn a_source_that_fails_is_a_failure() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::start();
    let database = runner_testkit::databases::SqliteDatabase::create("CREATE TABLE t (id INTEGER)");
    let path = database.path();
    let good = [("SEMILAYER_SOURCE_SHOP_PATH", path.to_str().unwrap())];
    let (report, source) = checked(&gateway.url(), &[], &good, "source SHOP");
    assert_eq!(
        (&report["ok"], &source["targets"]),
        (&true.into(), &1.into())
    );
    let bad = [("SEMILAYER_SOURCE_SHOP_PATH", "/nowhere/shop.sqlite")];
    let (out, _, code) = doctor(&gateway.url(), &[], &bad);
    assert!(!out.contains("looks healthy"), "{out}");
    assert!(out.contains("✗ source SHOP SOURCE_UNREACHABLE: "), "{out}");
    assert_eq!(code, 1);
}

/// A gateway that looks for the token elsewhere.
fn looking_for(find: impl Fn(&Upgrade) -> bool + Send + Sync + 'static) -> Gateway {
    Gateway::with(Options {
        admit: Box::new(move |upgrade| match find(upgrade) {
            true => Admission::Accept,
            false => Admission::Close(4401, "missing token"),
        }),
        ..Options::default()
    })
}

#[test]
fn the_name_of_the_token_is_found() {
    let _watchdog = watchdog(Duration::from_secs(180));
    let bearer = |upgrade: &Upgrade| {
        let token = format!("Bearer {TOKEN}");
        let mut headers = upgrade.headers.iter();
        headers.any(|(name, value)| name == "authorization" && *value == token)
    };
    for (gateway, text, set) in [
        (
            looking_for(|upgrade| upgrade.parameter("key") == Some(TOKEN)),
            "accepted as \"key\": set SEMILAYER_TOKEN_PARAM=key",
            Some("SEMILAYER_TOKEN_PARAM=key"),
        ),
        (
            looking_for(bearer),
            "accepted as an Authorization header: set SEMILAYER_TOKEN_HEADER=1",
            Some("SEMILAYER_TOKEN_HEADER=1"),
        ),
        (
            looking_for(|_| false),
            "not accepted as \"key\", \"apiKey\"",
            None,
        ),
    ] {
        let (report, check) = checked(&gateway.url(), &["--connect"], &[], "parameter");
        assert!(
            check["text"].as_str().unwrap().starts_with(text),
            "{report}"
        );
        assert_eq!(check["set"].as_str(), set);
        assert_eq!(report["exitCode"], 1);
    }
}

#[test]
fn a_token_that_is_accepted_is_sent_once() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::with(Options {
        admit: Box::new(|_| Admission::Close(4401, "unknown runner")),
        ..Options::default()
    });
    let (_, check) = checked(&gateway.url(), &["--connect"], &[], "session");
    assert_eq!(check["reason"], "4401 unknown runner");
    // The probe without credentials, and the session.
    assert_eq!(gateway.state().upgrades.len(), 2);
}

#[test]
fn assigned_sources_are_told_one_by_one() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let source = |name: &str, bridge: &str, location: &str| {
        serde_json::json!({ "id": name, "name": name, "bridge": format!("@semilayer/bridge-{bridge}"),
            "credentialsLocation": location })
    };
    let gateway = Gateway::with(Options {
        sources: vec![
            source("shop", "sqlite", "runner-local"),
            source("lost", "sqlite", "runner-local"),
            source("far", "sqlite", "managed"),
            source("odd", "oracle", "managed"),
        ],
        ..Options::default()
    });
    let variables = [("SEMILAYER_SOURCE_SHOP_PATH", "/nowhere.db")];
    for (name, state, word) in [
        ("assigned shop", "ok", "variables are found"),
        ("assigned lost", "warning", "SEMILAYER_SOURCE_LOST_PATH"),
        ("assigned far", "ok", "SemiLayer sends"),
        ("assigned odd", "warning", "does not serve"),
    ] {
        let (report, check) = checked(&gateway.url(), &["--connect"], &variables, name);
        assert_eq!(check["state"], state, "{report}");
        assert!(check["text"].as_str().unwrap().contains(word), "{report}");
    }
}
