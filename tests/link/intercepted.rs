//! A proxy that opens TLS stands between the runner and its gateway.

use std::time::Duration;

use runner_testkit::databases::SqliteDatabase;
use runner_testkit::temp::TempDir;
use runner_testkit::{
    Gateway, InterceptingProxy, Options, RunnerBuilder, TestCa, source, watchdog,
};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

/// The gateway has a certificate that only the proxy accepts, as if the runner were shown the proxy's only.
fn setup() -> (Gateway, InterceptingProxy) {
    let public = TestCa::new("Public Root");
    let gateway = Gateway::with(Options {
        tls: Some(public.server(&["localhost"])),
        host: "localhost".to_owned(),
        ..Options::default()
    });
    let proxy = InterceptingProxy::start("Corporate Proxy", &public);
    (gateway, proxy)
}

fn runner(gateway: &Gateway, proxy: &InterceptingProxy) -> RunnerBuilder {
    RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), &gateway.url())
        .env("HTTPS_PROXY", proxy.url())
}

/// What `doctor` says, and its check of TLS.
fn doctor(runner: RunnerBuilder) -> (Value, Value) {
    let doctor = runner.args(&["doctor", "--connect", "--json"]).start();
    doctor.wait_exit(SOON);
    let report: Value = serde_json::from_str(&doctor.stdout()).unwrap();
    let mut checks = report["checks"].as_array().unwrap().iter();
    let tls = checks.find(|check| check["check"] == "tls").unwrap();
    (report.clone(), tls.clone())
}

#[test]
fn without_the_proxys_root_it_is_named_and_sees_no_token() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let (gateway, proxy) = setup();
    let runner_process = runner(&gateway, &proxy).start();
    runner_process.wait_stdout("  ⚠ disconnected: close 1006", SOON);
    runner_process.wait_stderr("next attempt", SOON);
    let said = runner_process.stderr();
    for part in [
        "signed by \"CN=Corporate Proxy\", which is not trusted here (UnknownIssuer)",
        "NODE_EXTRA_CA_CERTS",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (report, tls) = doctor(runner(&gateway, &proxy));
    assert_eq!(report["exitCode"], 1, "{report}");
    assert_eq!(
        (&tls["state"], &tls["issuer"]),
        (&"failed".into(), &"CN=Corporate Proxy".into())
    );
    let advice = tls["advice"].as_str().unwrap();
    assert!(advice.contains("NODE_EXTRA_CA_CERTS"), "{advice}");
    assert!(proxy.opened().is_empty());
    assert!(gateway.state().upgrades.is_empty());
}

#[test]
fn with_the_proxys_root_jobs_go_through_it() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let (gateway, proxy) = setup();
    let folder = TempDir::new();
    let pem = folder.write("proxy.pem", proxy.pem());
    let database = SqliteDatabase::create(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         INSERT INTO t SELECT i, hex(zeroblob(50)) FROM n;",
    );
    let source = source::managed("shop", "sqlite", json!({ "path": database.path() }));
    for (round, variable) in ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"].iter().enumerate() {
        let runner = runner(&gateway, &proxy).env(variable, pem.to_str().unwrap());
        let _runner = runner.start();
        gateway.wait_hello(round + 1, SOON);
        let answer = gateway
            .dispatch(&source, "query", "t", json!({"limit": 20_000}))
            .wait();
        answer.expect_done();
        assert_eq!(answer.rows_counted, 20_000);
    }
    let trusting = runner(&gateway, &proxy).env("NODE_EXTRA_CA_CERTS", pem.to_str().unwrap());
    let (report, tls) = doctor(trusting);
    assert_eq!(report["ok"], true, "{report}");
    // It works, but a person may want to know who reads along.
    assert_eq!(
        (&tls["state"], &tls["issuer"], &tls["publicRoot"]),
        (
            &"warning".into(),
            &"CN=Corporate Proxy".into(),
            &false.into()
        )
    );
    assert!(proxy.opened().iter().all(|host| host == "localhost"));
    assert!(proxy.opened().len() >= 3, "{:?}", proxy.opened());
}
