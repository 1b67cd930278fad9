//! Words and exit codes of the command line, as scripts around the official one know them.

use std::time::Duration;

use runner_testkit::{RUNNER_ID, RunnerBuilder, TOKEN, watchdog};

/// Standard output, standard error and exit code of one call.
fn call(change: impl FnOnce(RunnerBuilder) -> RunnerBuilder) -> (String, String, i32) {
    let builder = RunnerBuilder::new(
        env!("CARGO_BIN_EXE_semilayer-runner"),
        "ws://127.0.0.1:1/connect",
    );
    let runner = change(builder).start();
    let status = runner.wait_exit(Duration::from_secs(10));
    (runner.stdout(), runner.stderr(), status.code().unwrap())
}

#[test]
fn status_shows_the_configuration() {
    let _watchdog = watchdog(Duration::from_secs(30));
    let (out, err, code) = call(|runner| runner.args(&["status"]));
    let token = format!(
        "{}…{}",
        TOKEN.get(..8).unwrap(),
        TOKEN.get(TOKEN.len() - 4..).unwrap()
    );
    let expected = format!(
        "runner id:   {RUNNER_ID}\ngateway:     ws://127.0.0.1:1/connect\ntoken:       {token}\nversion:     0.1.0\n"
    );
    // The official lines first, then ours.
    assert!(
        out.starts_with(&format!("{expected}\nWhat is set\n")),
        "{out}"
    );
    assert_eq!((err.as_str(), code), ("", 0));
}

#[test]
fn flags_go_before_the_environment() {
    let _watchdog = watchdog(Duration::from_secs(30));
    for arguments in [
        &[
            "status",
            "--id",
            "x",
            "--token=rk_0123456789abcdef",
            "--gateway",
            "wss://h/c",
            "--unknown",
        ][..],
        &[
            "status",
            "--gateway=wss://h/c",
            "--token",
            "rk_0123456789abcdef",
            "--id=x",
        ][..],
    ] {
        let (out, _, code) =
            call(|runner| runner.args(arguments).env("SEMILAYER_RUNNER_VERSION", "7"));
        let official =
            "runner id:   x\ngateway:     wss://h/c\ntoken:       rk_01234…cdef\nversion:     7\n";
        assert!(out.starts_with(official), "{out}");
        assert_eq!(code, 0);
    }
}

#[test]
fn a_token_among_the_arguments_is_a_warning_and_an_error_by_no_means() {
    let _watchdog = watchdog(Duration::from_secs(30));
    let (out, err, code) = call(|runner| runner.args(&["status", "--token", TOKEN]));
    let warning = "⚠ token: given as --token, which every user of this machine can read";
    assert!(out.contains(warning), "{out}");
    assert_eq!((err.as_str(), code), ("", 0));
}

#[test]
fn a_proxy_for_plain_http_is_said_to_be_ignored_once() {
    let _watchdog = watchdog(Duration::from_secs(30));
    let status = |variables: &[(&str, &str)]| {
        let (out, err, code) = call(|runner| {
            let runner = runner.args(&["status"]);
            let runner = runner.env("SEMILAYER_GATEWAY_URL", "wss://h/c");
            let mut variables = variables.iter();
            variables
                .by_ref()
                .fold(runner, |runner, (name, value)| runner.env(name, *value))
        });
        assert_eq!((err.as_str(), code), ("", 0));
        out
    };
    for (name, other) in [("HTTP_PROXY", "HTTPS_PROXY"), ("http_proxy", "all_proxy")] {
        let out = status(&[(name, "http://u:s3cret@proxy:3128")]);
        let warning = format!("⚠ proxy: {name} is ignored: the gateway is reached by TLS; if");
        assert_eq!(out.matches(&warning).count(), 1, "{out}");
        assert!(!out.contains("s3cret"), "{out}");
        for heard in [
            vec![(name, "http://proxy:1"), (other, "http://proxy:2")],
            vec![
                (name, "http://proxy:1"),
                ("SEMILAYER_GATEWAY_URL", "ws://localhost/c"),
            ],
            vec![(name, "")],
        ] {
            let out = status(&heard);
            assert!(!out.contains("is ignored"), "{heard:?}: {out}");
        }
    }
}

#[test]
fn missing_credentials_are_named() {
    let _watchdog = watchdog(Duration::from_secs(30));
    const ID: &str =
        "error: Missing runner id. Pass --id or set SEMILAYER_RUNNER_ID (shown in the Console).\n";
    const TOKEN: &str = "error: Missing runner token. Pass --token or set SEMILAYER_RUNNER_TOKEN (rk_... from the Console, shown once on create).\n";
    for command in ["start", "status"] {
        let cases: [(&dyn Fn(RunnerBuilder) -> RunnerBuilder, &str); 5] = [
            (&|runner| runner.env_remove("SEMILAYER_RUNNER_ID"), ID),
            (&|runner| runner.env("SEMILAYER_RUNNER_ID", ""), ID),
            (&|runner| runner.env_remove("SEMILAYER_RUNNER_TOKEN"), TOKEN),
            (
                &|runner| {
                    runner
                        .env_remove("SEMILAYER_RUNNER_TOKEN")
                        .env_remove("SEMILAYER_RUNNER_ID")
                },
                ID,
            ),
            // An empty flag is given, and then missing; it does not fall back to the environment.
            (&|runner| runner.args(&[command, "--id="]), ID),
        ];
        for (change, expected) in cases {
            let (out, err, code) = call(|runner| change(runner.args(&[command])));
            assert_eq!(
                (out.as_str(), err.as_str(), code),
                ("", expected, 2),
                "{command}"
            );
        }
    }
}

#[test]
fn help_and_version() {
    let _watchdog = watchdog(Duration::from_secs(30));
    let (out, _, code) = call(|runner| runner.args(&["--version"]));
    assert_eq!((out.as_str(), code), ("0.1.0\n", 0));
    let (out, _, code) = call(|runner| runner.args(&["--help"]));
    assert_eq!(code, 0);
    assert!(out.contains("start") && out.contains("status"), "{out}");
}

#[test]
fn a_wrong_command_is_an_error() {
    let _watchdog = watchdog(Duration::from_secs(30));
    let (out, err, code) = call(|runner| runner.args(&[]));
    assert_eq!((err.trim(), code), ("ERROR  No command specified.", 1));
    assert!(out.contains("start"), "{out}");
    let (_, err, code) = call(|runner| runner.args(&["strat"]));
    assert_eq!(
        (err.as_str(), code),
        (" ERROR  Unknown command strat\nDid you mean start?\n", 1)
    );
}
