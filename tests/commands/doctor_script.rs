//! `scripts/doctor.sh` under two shells, with each failure produced for real.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use runner_testkit::network::closed_port;
use runner_testkit::temp::TempDir;
use runner_testkit::tinyproxy::Tinyproxy;
use runner_testkit::{
    Admission, Gateway, InterceptingProxy, Options, RUNNER_ID, RunnerBuilder, TOKEN, TestCa,
    project, secrets, watchdog,
};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);
const RUNNER: &str = env!("CARGO_BIN_EXE_semilayer-runner");

/// A shell, and the commands it finds.
struct Shell {
    words: &'static [&'static str],
    path: String,
    _folder: Option<TempDir>,
}

/// dash with everything this machine has, and busybox with nothing but itself. One that is not installed is
/// left out, and said so.
fn shells() -> Vec<Shell> {
    let mut shells = vec![Shell {
        words: &["sh"],
        path: "/usr/bin:/bin".to_owned(),
        _folder: None,
    }];
    let folder = TempDir::new();
    let install = Command::new("busybox")
        .args(["--install", "-s"])
        .arg(folder.path())
        .status();
    if install.is_ok_and(|status| status.success()) {
        shells.push(Shell {
            words: &["/bin/busybox", "sh"],
            path: folder.path().to_str().unwrap().to_owned(),
            _folder: Some(folder),
        });
        if !Path::new("/bin/busybox").exists() {
            shells.last_mut().unwrap().words = &["/usr/bin/busybox", "sh"];
        }
    } else {
        println!("skipped: busybox is not installed");
    }
    shells
}

impl Shell {
    fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> (String, i32) {
        let mut command = Command::new(self.words[0]);
        command
            .args(&self.words[1..])
            .arg(project("scripts/doctor.sh"))
            .args(arguments)
            .env_clear()
            .env("PATH", &self.path)
            .env("SEMILAYER_RUNNER_ID", RUNNER_ID)
            .env("SEMILAYER_RUNNER_TOKEN", TOKEN);
        for (name, value) in variables {
            secrets::keep_variable(name, value);
            match *value {
                "" => command.env_remove(name),
                value => command.env(name, value),
            };
        }
        let output = command.output().expect("a shell");
        let text = String::from_utf8(output.stdout).unwrap()
            + std::str::from_utf8(&output.stderr).unwrap();
        assert_eq!(secrets::found_in(&text), None, "{text}");
        (text, output.status.code().expect("an exit code"))
    }
}

fn tls_gateway(tls: std::sync::Arc<runner_testkit::ServerConfig>) -> Gateway {
    Gateway::with(Options {
        tls: Some(tls),
        host: "localhost".to_owned(),
        ..Options::default()
    })
}

/// The log of a runner that fails.
fn log_of(folder: &TempDir, gateway: &str, variables: &[(&str, &str)]) -> PathBuf {
    let mut runner = RunnerBuilder::new(RUNNER, gateway);
    for (name, value) in variables {
        runner = match *value {
            "" => runner.env_remove(name),
            value => runner.env(name, value),
        };
    }
    let runner = runner.start();
    // A configuration that cannot work ends it; anything else it tries again.
    if runner.stdout_holds("disconnected: ", SOON) {
        runner.wait_stderr("next attempt", SOON);
    } else {
        runner.wait_exit(SOON);
    }
    folder.write("runner.log", runner.stdout() + &runner.stderr())
}

#[test]
fn every_known_failure_in_a_log_is_translated() {
    let _watchdog = watchdog(Duration::from_secs(180));
    let folder = TempDir::new();
    let ca = TestCa::new("Corporate Root");
    let pem = folder.write("ca.pem", ca.pem());
    let pem = pem.to_str().unwrap();
    let plain = Gateway::start();
    let refusing = |admission: Admission| {
        Gateway::with(Options {
            admit: Box::new(move |_| admission.clone()),
            ..Options::default()
        })
    };
    let dropping = refusing(Admission::Drop);
    let missing = refusing(Admission::Refuse(404, Vec::new()));
    let unauthorized = refusing(Admission::Refuse(401, Vec::new()));
    let unknown = tls_gateway(ca.server(&["localhost"]));
    let expired = tls_gateway(ca.expired_server(&["localhost"]));
    let elsewhere = tls_gateway(ca.server(&["gateway.example"]));
    let closed = format!("ws://127.0.0.1:{}/connect", closed_port());
    let plain_port = plain.url().replace("ws://", "wss://");
    type Variables<'a> = Vec<(&'a str, &'a str)>;
    let mut cases: Vec<(String, Variables<'_>, &str)> = vec![
        (
            plain.url(),
            vec![("SEMILAYER_RUNNER_TOKEN", "rk_wrong")],
            "mint a new one",
        ),
        (
            plain.url(),
            vec![("SEMILAYER_RUNNER_ID", "nobody")],
            "usually a typo",
        ),
        (
            plain.url(),
            vec![("SEMILAYER_RUNNER_ID", "")],
            "set SEMILAYER_RUNNER_ID",
        ),
        (
            plain.url(),
            vec![("SEMILAYER_RUNNER_TOKEN", "")],
            "set SEMILAYER_RUNNER_TOKEN",
        ),
        (dropping.url(), vec![], "the link broke"),
        (
            missing.url(),
            vec![],
            "what answers there is no runner gateway",
        ),
        (unauthorized.url(), vec![], "against the Console"),
        (unknown.url(), vec![], "set NODE_EXTRA_CA_CERTS"),
        (
            expired.url(),
            vec![("NODE_EXTRA_CA_CERTS", pem)],
            "check this machine's clock",
        ),
        (
            elsewhere.url(),
            vec![("NODE_EXTRA_CA_CERTS", pem)],
            "a certificate for another name",
        ),
        (plain_port, vec![], "something on the way breaks TLS off"),
        (closed, vec![], "check outbound firewall rules"),
        (
            "wss://gateway.invalid/connect".to_owned(),
            vec![],
            "check /etc/resolv.conf",
        ),
        (
            "ws://gateway.example/connect".to_owned(),
            vec![],
            "SEMILAYER_ALLOW_INSECURE=1",
        ),
    ];
    let proxy = Tinyproxy::start(Some(("user", "pr0xy-word")));
    let address = proxy
        .as_ref()
        .map(|proxy| format!("http://127.0.0.1:{}", proxy.port));
    if let Some(address) = &address {
        let variables = vec![("HTTPS_PROXY", address.as_str())];
        cases.push((unknown.url(), variables, "the proxy wants a user"));
    }
    let shells = shells();
    for (url, variables, advice) in &cases {
        let log = log_of(&folder, url, variables);
        for shell in &shells {
            let arguments = ["--no-binary", "--log", log.to_str().unwrap()];
            let local = [("SEMILAYER_GATEWAY_URL", plain.url())];
            let local = local.each_ref().map(|(name, url)| (*name, url.as_str()));
            let (text, code) = shell.run(&arguments, &local);
            let (_, about_log) = text.split_once("The log\n").expect("a part about the log");
            assert!(about_log.contains(advice), "{advice}: {text}");
            assert_eq!(code, 1, "{text}");
        }
    }
    // Words of other programs, which cannot be produced here.
    let long = format!("4401 bad token{}", "é€".repeat(100));
    for (words, advice) in [
        (long.as_str(), "mint a new one"),
        (
            "error: DATABASE_URL is required",
            "a message of SemiLayer's own gateway",
        ),
        (
            "Error: self-signed certificate in certificate chain",
            "set NODE_EXTRA_CA_CERTS",
        ),
        (
            "FATAL: no pg_hba.conf entry for host",
            "add it to pg_hba.conf",
        ),
        ("exec format error", "of another architecture"),
        (
            "db:5432: what answers there, a pooler probably, drops startup options; every job runs in a read-only \
             transaction of its own",
            "test-source says which way each source has",
        ),
        (
            "  → connected, awaiting jobs",
            "nothing in it that is known to be wrong",
        ),
    ] {
        let log = folder.write("other.log", words);
        for shell in &shells {
            let (text, _) = shell.run(
                &["--no-binary", "--log", log.to_str().unwrap()],
                &[("SEMILAYER_GATEWAY_URL", &plain.url())],
            );
            assert!(text.contains(advice), "{advice}: {text}");
        }
    }
}

#[test]
fn variables_are_checked_without_being_shown() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::start();
    let url = gateway.url();
    let folder = TempDir::new();
    let token = folder.write("token", TOKEN);
    let empty = folder.write("empty", "");
    let (token, empty) = (token.to_str().unwrap(), empty.to_str().unwrap());
    let cases: [(&[(&str, &str)], &str); 10] = [
        (
            &[("SEMILAYER_RUNNER_ID", "")],
            "✗ id         SEMILAYER_RUNNER_ID is not set",
        ),
        (&[("SEMILAYER_RUNNER_ID", "a b")], "holds white space"),
        (
            &[("SEMILAYER_RUNNER_TOKEN", "")],
            "✗ token      SEMILAYER_RUNNER_TOKEN is not set",
        ),
        (
            &[("SEMILAYER_RUNNER_TOKEN", "s3cret")],
            "does not begin with rk_",
        ),
        (
            &[
                ("SEMILAYER_RUNNER_TOKEN", ""),
                ("SEMILAYER_RUNNER_TOKEN_FILE", empty),
            ],
            "is empty",
        ),
        (
            &[
                ("SEMILAYER_RUNNER_TOKEN", ""),
                ("SEMILAYER_RUNNER_TOKEN_FILE", token),
            ],
            "✓ token      read from",
        ),
        (
            &[("NODE_EXTRA_CA_CERTS", "/nowhere.pem")],
            "✗ NODE_EXTRA_CA_CERTS /nowhere.pem cannot be read",
        ),
        (&[("SSL_CERT_FILE", token)], "holds no certificate"),
        (
            &[("SEMILAYER_GATEWAY_URL", "ws://u:s3cret@gateway.invalid/")],
            "✗ gateway    ws://gateway.invalid is not encrypted",
        ),
        (
            &[("SEMILAYER_SOURCE_SHOP_URL", "postgres://u:s3cret@h/d")],
            "✓ source     SEMILAYER_SOURCE_SHOP_URL is set",
        ),
    ];
    for shell in shells() {
        for (variables, expected) in cases {
            let mut all = vec![("SEMILAYER_GATEWAY_URL", url.as_str())];
            all.extend(variables);
            let (text, _) = shell.run(&["--no-binary"], &all);
            assert!(text.contains(expected), "{expected}: {text}");
        }
        let (_, code) = shell.run(&["--no-binary"], &[("SEMILAYER_GATEWAY_URL", &url)]);
        assert_eq!(code, 0);
        let (_, code) = shell.run(&["--nonsense"], &[]);
        assert_eq!(code, 2);
    }
}

#[test]
fn the_network_is_walked() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let ca = TestCa::new("Corporate Root");
    let folder = TempDir::new();
    let pem = folder.write("ca.pem", ca.pem());
    let pem = pem.to_str().unwrap();
    let good = tls_gateway(ca.server(&["localhost"]));
    let expired = tls_gateway(ca.expired_server(&["localhost"]));
    let elsewhere = tls_gateway(ca.server(&["gateway.example"]));
    let closed = format!("wss://127.0.0.1:{}/connect", closed_port());
    let shells = shells();
    for shell in &shells {
        let run = |url: &str, pem: &str| {
            shell.run(
                &["--no-binary"],
                &[("SEMILAYER_GATEWAY_URL", url), ("NODE_EXTRA_CA_CERTS", pem)],
            )
        };
        let (text, code) = run(&closed, "");
        assert!(text.contains("✗ tcp"), "{text}");
        assert_eq!(code, 1);
        let (text, _) = run("wss://gateway.invalid/connect", "");
        assert!(
            text.contains("✗ dns        gateway.invalid cannot be resolved"),
            "{text}"
        );
        let (text, code) = run(&good.url(), pem);
        // busybox' own TLS is too old for the gateway, and says so.
        let tls = text.contains("✓ tls") || text.contains("⚠ tls");
        assert!(text.contains("✓ tcp") && tls, "{text}");
        assert_eq!(code, 0, "{text}");
    }
    // What only openssl or curl can tell.
    let shell = &shells[0];
    if Command::new("openssl").arg("version").output().is_err() {
        println!("skipped: openssl is not installed");
        return;
    }
    for (gateway, pem, advice) in [
        (&good, "", "set NODE_EXTRA_CA_CERTS"),
        (&expired, pem, "check this machine's clock"),
        (&elsewhere, pem, "a certificate for another name"),
    ] {
        let (text, code) = shell.run(
            &["--no-binary"],
            &[
                ("SEMILAYER_GATEWAY_URL", &gateway.url()),
                ("NODE_EXTRA_CA_CERTS", pem),
            ],
        );
        assert!(
            text.contains("✗ tls") && text.contains(advice),
            "{advice}: {text}"
        );
        assert_eq!(code, 1);
    }
}

#[test]
fn a_proxy_that_opens_tls_is_explained() {
    let _watchdog = watchdog(Duration::from_secs(120));
    let public = TestCa::new("Public Root");
    let gateway = tls_gateway(public.server(&["localhost"]));
    let proxy = InterceptingProxy::start("Corporate Proxy", &public);
    let folder = TempDir::new();
    let pem = folder.write("proxy.pem", proxy.pem());
    let (url, through) = (gateway.url(), proxy.url());
    let proxied = [
        ("SEMILAYER_GATEWAY_URL", url.as_str()),
        ("HTTPS_PROXY", through.as_str()),
    ];
    let trusting = [
        proxied[0],
        proxied[1],
        ("NODE_EXTRA_CA_CERTS", pem.to_str().unwrap()),
    ];
    let log = log_of(&folder, &url, &proxied[1..]);
    for shell in shells() {
        let (text, code) = shell.run(
            &["--binary", RUNNER, "--log", log.to_str().unwrap()],
            &proxied,
        );
        assert_eq!(code, 1, "{text}");
        // The runner's own doctor names the authority, whatever tools there are.
        assert!(text.contains("signed by \"CN=Corporate Proxy\""), "{text}");
        let (_, about_log) = text.split_once("The log\n").expect("a part about the log");
        assert!(
            about_log.contains("set NODE_EXTRA_CA_CERTS to a PEM file with its root"),
            "{text}"
        );
        let (text, code) = shell.run(&["--binary", RUNNER], &trusting);
        assert_eq!(code, 0, "{text}");
    }
    assert!(gateway.state().hellos.is_empty());
}

#[test]
fn the_runners_own_doctor_is_part_of_it() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::start();
    let url = gateway.url();
    let variables = [("SEMILAYER_GATEWAY_URL", url.as_str())];
    for shell in shells() {
        let (text, code) = shell.run(&["--binary", RUNNER], &variables);
        assert!(
            text.contains("  Runner environment looks healthy."),
            "{text}"
        );
        assert_eq!(code, 0, "{text}");
        let (text, code) = shell.run(&["--binary", RUNNER, "--json", "--connect"], &variables);
        assert_eq!(code, 0, "{text}");
        let report: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(report["ok"], true);
        let checks = report["checks"].as_array().unwrap();
        let own = checks
            .iter()
            .find(|check| check["check"] == "doctor")
            .unwrap();
        assert_eq!(own["report"]["exitCode"], 0);
        // What it says on standard error is no part of the object.
        let root = ("NODE_EXTRA_CA_CERTS", "/nowhere.pem");
        let (text, _) = shell.run(&["--binary", RUNNER, "--json"], &[variables[0], root]);
        let report: Value = serde_json::from_str(&text).expect("one object");
        assert_eq!(report["ok"], false, "{text}");
        let (text, code) = shell.run(&["--binary", "/nowhere"], &variables);
        assert!(
            text.contains("/nowhere is no program") && code == 1,
            "{text}"
        );
    }
    assert_eq!(gateway.state().hellos.len(), shells().len());
}

#[test]
fn a_container_without_an_engine_is_told_and_nothing_else_is() {
    let _watchdog = watchdog(Duration::from_secs(60));
    for shell in shells() {
        if !shell.path.starts_with("/usr") {
            // busybox alone: no engine for sure.
            let (text, code) = shell.run(&["--container", "runner"], &[]);
            assert!(
                text.starts_with("✗ container  neither docker nor podman answers here, so nothing can be told of runner\n"),
                "{text}"
            );
            assert!(!text.contains("SEMILAYER_RUNNER_ID"), "{text}");
            assert_eq!(code, 1);
        }
    }
}
