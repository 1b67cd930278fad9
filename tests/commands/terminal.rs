//! What an operator types and reads: names that nothing reads, options that there are not, the effective
//! configuration, the forms of the log and of standard output, help and completions.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use runner_testkit::network::closed_port;
use runner_testkit::temp::TempDir;
use runner_testkit::{
    Gateway, Options, RUNNER_ID, RunnerBuilder, TOKEN, project, runner, source, watchdog,
};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

/// Standard output, standard error and exit code of one call.
fn call(gateway: &str, words: &[&str], variables: &[(&str, &str)]) -> (String, String, i32) {
    let mut runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), gateway)
        .env_remove("SEMILAYER_LOG")
        .args(words);
    for (name, value) in variables {
        runner = match *value {
            "" => runner.env_remove(name),
            value => runner.env(name, value),
        };
    }
    let runner = runner.start();
    let code = runner.wait_exit(SOON).code().expect("an exit code");
    (runner.stdout(), runner.stderr(), code)
}

fn offline(words: &[&str], variables: &[(&str, &str)]) -> (String, String, i32) {
    call("ws://127.0.0.1:1/connect", words, variables)
}

#[test]
fn an_unknown_level_is_refused_with_those_that_there_are() {
    let _watchdog = watchdog(Duration::from_secs(60));
    for (level, words) in [
        ("warning", "did you mean warn?"),
        ("verbose", "levels are off, error, warn, info, debug, trace"),
        ("gatway=debug", "did you mean gateway?"),
        ("blah", "SEMILAYER_LOG has no such level"),
    ] {
        let (out, err, code) = offline(&["start"], &[("SEMILAYER_LOG", level)]);
        assert_eq!((out.as_str(), code), ("", 2));
        assert!(err.contains(words), "{level}: {err}");
    }
    // The names that log lines show.
    let gateway = Gateway::start();
    let runner = runner!(gateway)
        .env("SEMILAYER_LOG", "warn,cli=info")
        .start();
    gateway.wait_hello(1, SOON);
    runner.wait_stderr(
        "cli::start: semilayer-runner starts version=0.1.0 commit=",
        SOON,
    );
    assert!(runner.stderr().contains("bridges="), "{}", runner.stderr());
    assert!(
        !runner.stderr().contains("gateway::"),
        "{}",
        runner.stderr()
    );
}

#[test]
fn names_that_nothing_reads_are_told_with_what_was_meant() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let slips = [
        ("SEMILAYER_WORKER", "4"),
        ("SEMILAYER_RUNNER_TOKN", "rk_somebody-elses-secret"),
        ("SEMILAYER_SOURCES_SHOP_URL", "postgres://u:its-s3cret@h/d"),
        ("SEMILAYER_SOURCE_SHOP_PAHT", "/its-s3cret"),
    ];
    let gateway = Gateway::start();
    let told = |text: &str| {
        for words in [
            "SEMILAYER_WORKER is read by nothing; did you mean SEMILAYER_WORKERS?",
            "SEMILAYER_RUNNER_TOKN is read by nothing; did you mean SEMILAYER_RUNNER_TOKEN?",
            "SEMILAYER_SOURCES_SHOP_URL is read by nothing; did you mean SEMILAYER_SOURCE_SHOP_URL?",
            "SEMILAYER_SOURCE_SHOP_PAHT (did you mean SEMILAYER_SOURCE_SHOP_PATH?)",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("s3cret"), "{text}");
    };
    let (out, _, code) = offline(&["status"], &slips);
    told(&out);
    assert_eq!(code, 0);
    let (out, _, code) = call(&gateway.url(), &["doctor"], &slips);
    told(&out);
    assert_eq!(code, 0, "{out}");
    let mut runner = runner!(gateway);
    for (name, value) in slips {
        runner = runner.env(name, value);
    }
    let runner = runner.start();
    // The last of them.
    runner.wait_stderr("did you mean SEMILAYER_SOURCE_SHOP_PATH?", SOON);
    told(&runner.stderr());
}

#[test]
fn unknown_options_are_told() {
    let _watchdog = watchdog(Duration::from_secs(60));
    for (words, told) in [
        (
            &["test-source", "--jsno"][..],
            "Unknown option --jsno; did you mean --json?",
        ),
        (
            &["health", "--raedy"],
            "Unknown option --raedy; did you mean --ready?",
        ),
        (
            &["help", "--mann"],
            "Unknown option --mann; did you mean --man?",
        ),
        (
            &["version", "--colour"],
            "Unknown option --colour; see semilayer-runner version --help",
        ),
        (&["help", "strat"], "Unknown command strat"),
    ] {
        let (_, err, code) = offline(words, &[]);
        assert!(err.starts_with(&format!(" ERROR  {told}\n")), "{err}");
        assert_eq!(code, 1);
    }
    // The official commands ignore them, as officially.
    let (out, err, code) = offline(&["status", "--jsonn", "--colour"], &[]);
    assert!(out.starts_with("runner id:   "), "{out}");
    assert_eq!(
        (err.as_str(), code),
        (
            "warning: option --jsonn is ignored; did you mean --json?\n",
            0
        )
    );
}

#[test]
fn each_command_has_a_help_of_its_own() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let (overview, _, _) = offline(&["help"], &[]);
    assert_eq!(offline(&["--help"], &[]).0, overview);
    for command in [
        "start",
        "status",
        "doctor",
        "test-source",
        "health",
        "help",
        "version",
    ] {
        assert!(overview.contains(&format!("\n  {command} ")), "{overview}");
        let (own, _, code) = offline(&[command, "--help"], &[]);
        assert!(
            own.contains(&format!("USAGE semilayer-runner {command}")),
            "{own}"
        );
        assert_eq!(offline(&["help", command], &[]).0, own);
        assert_eq!(code, 0);
    }
    let start = offline(&["start", "--help"], &[]).0;
    for signal in ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] {
        assert!(start.contains(signal), "{start}");
    }
    let (version, _, code) = offline(&["version"], &[]);
    assert!(
        version.starts_with("semilayer-runner 0.1.0\ncommit: "),
        "{version}"
    );
    assert_eq!(code, 0);
}

#[test]
fn every_variable_that_the_code_names_is_listed() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let (list, _, _) = offline(&["help", "variables"], &[]);
    let root = project("");
    let mut text = String::new();
    rust_files(&root.join("src"), &mut text);
    let listed = names(&list);
    for name in names(&text) {
        let known = listed.contains(&name)
            || name.starts_with("SEMILAYER_SOURCE_")
            // Of the scripts.
            || ["SEMILAYER_BUILD_COMMIT", "SEMILAYER_RUNNER"].contains(&name.as_str());
        assert!(known, "{name} is missing in src/config/variable_list.rs");
    }
}

/// The code without its tests, in which anything may be named.
fn rust_files(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, text);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let code = std::fs::read_to_string(path).unwrap();
            text.push_str(code.split("#[cfg(test)]").next().unwrap());
        }
    }
}

fn names(text: &str) -> std::collections::BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("SEMILAYER_") && !word.ends_with('_'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn shells_and_man_take_what_is_made_for_them() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    for (shell, words) in [
        ("bash", &["bash", "-n"][..]),
        ("zsh", &["zsh", "-n"]),
        ("fish", &["fish", "--no-execute"]),
    ] {
        let (script, _, code) = offline(&["help", "--completions", shell], &[]);
        assert_eq!(code, 0);
        let file = folder.write("completions", script);
        match Command::new(words[0]).args(&words[1..]).arg(file).status() {
            Ok(status) => assert!(status.success(), "{shell}"),
            Err(_) => println!("skipped: no {shell} here"),
        }
    }
    let script = offline(&["help", "--completions", "bash"], &[]).0;
    let ask = format!(
        "{script}\nCOMP_WORDS=(semilayer-runner doctor --c); COMP_CWORD=2; _semilayer_runner; echo ${{COMPREPLY[*]}}"
    );
    let answer = Command::new("bash").args(["-c", &ask]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&answer.stdout), "--connect\n");
    let (page, _, _) = offline(&["help", "--man"], &[]);
    let file = folder.write("semilayer-runner.1", page);
    match Command::new("man")
        .arg("--warnings")
        .arg("-l")
        .arg(file)
        .output()
    {
        Ok(output) => assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        ),
        Err(_) => println!("skipped: no man here"),
    }
    let (_, err, code) = offline(&["help", "--completions", "tcsh"], &[]);
    assert!(err.contains("bash, zsh, fish"), "{err}");
    assert_eq!(code, 1);
}

#[test]
fn status_tells_where_everything_comes_from() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    folder.write("SEMILAYER_RUNNER_TOKEN", format!("{TOKEN}\n"));
    folder.write("SEMILAYER_SOURCE_SHOP_URL", "postgres://u:its-s3cret@db/x");
    let path = folder.path().to_str().unwrap().to_owned();
    let variables = [
        ("SEMILAYER_RUNNER_TOKEN", ""),
        ("SEMILAYER_SECRETS_DIR", path.as_str()),
        ("SEMILAYER_SOURCE_OTHER_PASSWORD", "its-s3cret"),
        ("HTTPS_PROXY", "http://u:its-s3cret@proxy:3128"),
        ("SEMILAYER_WORKERS", "many"),
    ];
    let (out, _, code) = offline(&["status", "--json", "--id=x"], &variables);
    assert_eq!(code, 2);
    assert!(!out.contains("its-s3cret") && !out.contains(TOKEN), "{out}");
    let status: Value = serde_json::from_str(&out).unwrap();
    let of = |name: &str| {
        let all = status["configuration"].as_array().unwrap();
        all.iter()
            .find(|given| given["name"] == name)
            .unwrap_or_else(|| panic!("{name}: {out}"))
    };
    assert_eq!(of("--id")["from"], "command line");
    assert_eq!(of("HTTPS_PROXY")["value"], "http://proxy:3128");
    assert_eq!(of("SEMILAYER_SOURCE_OTHER_PASSWORD")["value"], "(set)");
    let file = format!("{path}/SEMILAYER_SOURCE_SHOP_URL");
    assert_eq!(of("SEMILAYER_SOURCE_SHOP_URL_FILE")["from"], file.as_str());
    let problems = status["problems"].to_string();
    assert!(
        problems.contains("SEMILAYER_WORKERS must be a whole number from 1 to 256"),
        "{problems}"
    );
    let (out, _, code) = offline(&["status"], &variables);
    assert!(
        out.contains("\n✗ config: SEMILAYER_WORKERS must be"),
        "{out}"
    );
    assert!(!out.contains("its-s3cret") && !out.contains(TOKEN), "{out}");
    assert_eq!(code, 2);
}

#[test]
fn one_mounted_folder_is_enough() {
    let _watchdog = watchdog(Duration::from_secs(60));
    for variable in ["SEMILAYER_SECRETS_DIR", "CREDENTIALS_DIRECTORY"] {
        let folder = TempDir::new();
        folder.write("SEMILAYER_RUNNER_TOKEN", format!("{TOKEN}\n"));
        folder.write("SEMILAYER_RUNNER_ID", format!("{RUNNER_ID}\n"));
        folder.write("SEMILAYER_SOURCE_SHOP_HOST", "127.0.0.1");
        folder.write("SEMILAYER_SOURCE_SHOP_DATABASE", "d");
        folder.write("SEMILAYER_SOURCE_SHOP_PORT", closed_port().to_string());
        let gateway = Gateway::start();
        let _runner = runner!(gateway)
            .env_remove("SEMILAYER_RUNNER_TOKEN")
            .env_remove("SEMILAYER_RUNNER_ID")
            .env(variable, folder.path().to_str().unwrap())
            .start();
        gateway.wait_hello(1, SOON);
        let shop = source::runner_local("s", "shop", "postgres");
        let answer = gateway.dispatch(&shop, "test", "", json!({})).wait();
        answer.expect_error("SOURCE_UNREACHABLE");
    }
    let (_, err, code) = offline(&["start"], &[("SEMILAYER_SECRETS_DIR", "/nonexistent")]);
    assert!(
        err.starts_with("error: SEMILAYER_SECRETS_DIR /nonexistent: "),
        "{err}"
    );
    assert_eq!(code, 2);
}

#[test]
fn standard_output_has_three_forms() {
    let _watchdog = watchdog(Duration::from_secs(60));
    for form in ["text", "json", "off"] {
        let gateway = Gateway::start();
        let runner = runner!(gateway)
            .env("SEMILAYER_STDOUT", form)
            .env("SEMILAYER_LOG_FORMAT", "json")
            .start();
        gateway.wait_hello(1, SOON);
        let source = source::managed("s", "nothing", json!({}));
        gateway
            .dispatch(&source, "test", "", json!({}))
            .wait()
            .expect_error("UNKNOWN_BRIDGE");
        runner.signal("TERM");
        assert!(runner.wait_exit(SOON).success());
        let out = runner.stdout();
        match form {
            "text" => assert!(
                out.contains("  → connected, awaiting jobs\n  ← job "),
                "{out}"
            ),
            "json" => {
                let events: Vec<Value> = out
                    .lines()
                    .map(|line| serde_json::from_str(line).unwrap())
                    .collect();
                let names: Vec<_> = events
                    .iter()
                    .map(|event| event["event"].as_str().unwrap())
                    .collect();
                assert_eq!(
                    names,
                    ["starting", "connected", "job", "error", "stopping"],
                    "{out}"
                );
                assert_eq!(events[0]["runner"], RUNNER_ID);
                assert_eq!(events[2]["job"], events[3]["job"]);
                assert!(events.iter().all(|event| event["time"].is_string()));
            }
            _ => assert_eq!(out, ""),
        }
    }
    let (_, err, code) = offline(&["start"], &[("SEMILAYER_STDOUT", "quiet")]);
    assert!(
        err.contains("SEMILAYER_STDOUT must be text, json or off"),
        "{err}"
    );
    assert_eq!(code, 2);
}

#[test]
fn doctor_goes_on_without_an_id() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::start();
    let variables = [
        ("SEMILAYER_RUNNER_ID", ""),
        ("SEMILAYER_RUNNER_TOKEN", ""),
        ("SEMILAYER_QUEUE", "endless"),
        ("SEMILAYER_SOURCE_SHOP_PATH", "/nowhere/shop.sqlite"),
    ];
    let (out, err, code) = call(&gateway.url(), &["doctor", "--connect"], &variables);
    let lines: Vec<_> = err.lines().collect();
    assert!(
        lines[0].starts_with("✗ config: Missing runner id."),
        "{err}"
    );
    assert!(
        lines[1].starts_with("✗ config: Missing runner token."),
        "{err}"
    );
    assert!(
        lines[2].starts_with("✗ config: SEMILAYER_QUEUE must be"),
        "{err}"
    );
    assert!(!out.contains("looks healthy"), "{out}");
    assert!(out.contains("the gateway speaks WebSocket"), "{out}");
    assert!(out.contains("✗ source SHOP"), "{out}");
    assert_eq!(code, 2);
    // Without credentials there is nothing to connect with.
    assert!(gateway.state().hellos.is_empty());
}

#[test]
fn a_bundle_holds_what_support_asks_for_and_no_secret() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    let gateway = Gateway::with(Options::default());
    let file = folder.path().join("bundle.json");
    let file = file.to_str().unwrap();
    let password = folder.write("password", "pw-of-a-file\n");
    let log = folder.write(
        "runner.log",
        format!("first line\nlogin with pw-of-a-variable failed\nurl wss://u:pw-unknown@h/c?token={TOKEN}\nlast pw-of-a-file line\n"),
    );
    let variables = [
        ("SEMILAYER_SOURCE_SHOP_HOST", "127.0.0.1"),
        ("SEMILAYER_SOURCE_SHOP_DATABASE", "d"),
        ("SEMILAYER_SOURCE_SHOP_PASSWORD", "pw-of-a-variable"),
        (
            "SEMILAYER_SOURCE_OTHER_URL",
            "postgres://u:pw-of-a-url@127.0.0.1:1/d",
        ),
        (
            "SEMILAYER_SOURCE_FILED_PASSWORD_FILE",
            password.to_str().unwrap(),
        ),
        ("HTTPS_PROXY", "http://u:pw-of-a-proxy@127.0.0.1:1"),
    ];
    let words = ["doctor", "--bundle", file, "--log", log.to_str().unwrap()];
    let (out, err, code) = call(&gateway.url(), &words, &variables);
    assert!(err.contains("bundle written to"), "{out}{err}");
    assert_eq!(code, 1, "{out}");
    let text = std::fs::read_to_string(file).unwrap();
    for secret in [
        TOKEN,
        "pw-of-a-variable",
        "pw-of-a-url",
        "pw-of-a-file",
        "pw-of-a-proxy",
        "pw-unknown",
    ] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let bundle: Value = serde_json::from_str(&text).unwrap();
    assert!(bundle["time"].as_str().unwrap().ends_with('Z'), "{text}");
    assert_eq!(bundle["binary"]["version"], "0.1.0");
    assert_eq!(bundle["doctor"]["exitCode"], 1);
    assert!(bundle["configuration"].as_array().unwrap().len() > 5);
    assert!(bundle["host"]["kernel"].is_string());
    assert_eq!(bundle["log"][0], "first line");
    assert_eq!(bundle["log"][1], "login with (hidden) failed");
    let (_, err, code) = call(&gateway.url(), &["doctor", "--bundle", "/nowhere/b"], &[]);
    assert!(err.contains("no bundle: /nowhere/b: "), "{err}");
    assert_eq!(code, 1);
}

#[test]
fn a_source_that_cannot_be_served_is_told_once() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let gateway = Gateway::with(Options {
        sources: vec![
            source::managed(
                "legacy",
                "oracle",
                json!({"url": "oracle://u:its-s3cret@h/d"}),
            ),
            source::managed("shop", "sqlite", json!({"path": "/nowhere"})),
        ],
        ..Options::default()
    });
    let runner = runner!(gateway).start();
    const TOLD: &str = "source \"legacy\" is assigned and cannot be served: this binary has no bridge \"@semilayer/bridge-oracle\"";
    runner.wait_stderr(TOLD, SOON);
    gateway.connection().close(1001, "restarting");
    gateway.wait_hello(2, SOON);
    runner.wait_stdout_times("connected, awaiting jobs", 2, SOON);
    assert_eq!(
        runner.stderr().matches("cannot be served").count(),
        1,
        "{}",
        runner.stderr()
    );
}
