//! The deployment examples: what they set is what the real binary reads, and it serves a job with it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use runner_testkit::databases;
use runner_testkit::temp::TempDir;
use runner_testkit::{
    Gateway, Options, RUNNER_ID, TOKEN, network, project, runner, source, watchdog,
};
use semilayer_runner::error::ErrorCode;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(10);
/// The folder in which the compose file finds its secrets.
const SECRETS: &str = "/run/secrets/";

fn example(name: &str) -> String {
    fs::read_to_string(project("scripts/deploy").join(name)).unwrap()
}

/// The variables an example sets, in the order of the file: `Environment=NAME=value` of a unit, `NAME: value`
/// of a compose file, `name: NAME` with `value:` on the next line of a manifest.
fn variables(text: &str) -> Vec<(String, String)> {
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .collect();
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let pair = if let Some(assignment) = line.strip_prefix("Environment=") {
            assignment.split_once('=')
        } else if let Some(name) = line.strip_prefix("- name: ") {
            lines
                .get(number + 1)
                .and_then(|next| next.strip_prefix("value: "))
                .map(|value| (name, value))
        } else if line.starts_with("SEMILAYER_") {
            line.split_once(": ")
        } else {
            None
        };
        if let Some((name, value)) = pair {
            found.push((name.to_owned(), value.to_owned()));
        }
    }
    found
}

/// The names under which an example's secrets are files: of a unit's credentials, the one in its comment included,
/// of the keys of a secret in Kubernetes, of the secrets of a compose file.
fn secret_names(text: &str) -> BTreeSet<String> {
    let name = |line: &str| {
        let line = line.trim_start_matches('#').trim();
        let credential = line.strip_prefix("LoadCredential=");
        let credential = credential.and_then(|rest| rest.split_once(':'));
        let literal = line.strip_prefix("--from-literal=");
        let literal = literal.and_then(|rest| rest.split_once('='));
        let listed = line
            .split_once("_FILE: ")
            .and_then(|(_, path)| path.strip_prefix(SECRETS));
        let named = credential.or(literal).map(|(name, _)| name);
        named.or(listed).map(str::to_owned)
    };
    text.lines().filter_map(name).collect()
}

/// A free port instead of the usual one.
fn health_address() -> String {
    format!("127.0.0.1:{}", network::closed_port())
}

/// Every word of a text that begins like one of our variables.
fn names(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("SEMILAYER_"))
        .map(str::to_owned)
        .collect()
}

fn rust_files(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, text);
        } else if path.extension().is_some_and(|e| e == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn each_example_serves_a_job() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(url) = databases::postgres() else {
        return;
    };
    for name in [
        "docker-compose.yml",
        "kubernetes.yaml",
        "semilayer-runner.service",
    ] {
        let secrets = TempDir::new();
        let names = secret_names(&example(name));
        assert_eq!(names.len(), 2, "{name}: {names:?}");
        for name in names {
            let token = name.to_lowercase().contains("token");
            secrets.write(
                &name,
                if token {
                    format!("{TOKEN}\n")
                } else {
                    url.clone()
                },
            );
        }
        let folder = secrets.path().display().to_string();
        let gateway = Gateway::start();
        let mut runner = runner!(gateway)
            .env_remove("SEMILAYER_RUNNER_TOKEN")
            .env("SEMILAYER_RUNNER_ID", RUNNER_ID);
        if name.ends_with(".service") {
            // As systemd does for LoadCredential=.
            runner = runner.env("CREDENTIALS_DIRECTORY", &folder);
        }
        let variables = variables(&example(name));
        for (variable, value) in &variables {
            if variable == "SEMILAYER_RUNNER_ID" {
                continue;
            }
            if variable == "SEMILAYER_HEALTH_ADDR" {
                // The example's own port may be somebody else's here.
                runner = runner.env(variable, health_address());
                continue;
            }
            let value = match value.strip_prefix(SECRETS) {
                Some(_) if variable == "SEMILAYER_SECRETS_DIR" => folder.clone(),
                Some(file) => format!("{folder}/{file}"),
                None => value.clone(),
            };
            runner = runner.env(variable, value);
        }
        let _runner = runner.start();
        gateway.wait_hello(1, SOON);
        let source = source::runner_local("s", "primary-db", "postgres");
        let answer = gateway.dispatch(&source, "test", "", json!({})).wait();
        let version = answer.expect_done()["serverVersion"].to_string();
        assert!(version.contains("PostgreSQL"), "{name}: {version}");
    }
}

#[test]
fn every_variable_named_is_one_that_is_read() {
    let mut code = String::new();
    rust_files(&project("src"), &mut code);
    let read = names(&code);
    let mut files: Vec<_> = fs::read_dir(project("scripts/deploy"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.push(project("Dockerfile"));
    for file in files {
        for name in names(&fs::read_to_string(&file).unwrap()) {
            let known = name.starts_with("SEMILAYER_SOURCE_")
                || name == "SEMILAYER_BUILD_COMMIT"
                || read.contains(&name);
            assert!(
                known,
                "{} names {name}, which nothing reads",
                file.display()
            );
        }
    }
}

#[test]
fn the_images_named_are_of_this_version() {
    let image = format!("image: semilayer-runner:{}", env!("CARGO_PKG_VERSION"));
    for name in ["docker-compose.yml", "kubernetes.yaml"] {
        let text = example(name);
        assert!(text.lines().any(|line| line.trim() == image), "{name}");
    }
}

/// The grace the orchestrator gives must be longer than the runner's own, or it cuts jobs off.
#[test]
fn the_drain_fits_into_every_grace_period() {
    let drain = semilayer_runner::limits::SHUTDOWN_GRACE + semilayer_runner::limits::CLOSE_LINGER;
    for (name, key) in [
        ("docker-compose.yml", "stop_grace_period: "),
        ("kubernetes.yaml", "terminationGracePeriodSeconds: "),
        ("semilayer-runner.service", "TimeoutStopSec="),
    ] {
        let text = example(name);
        let value = text
            .lines()
            .find_map(|line| line.trim().strip_prefix(key))
            .unwrap_or_else(|| panic!("{name} has no {key}"));
        let seconds = value.trim_end_matches('s').parse().unwrap();
        assert!(Duration::from_secs(seconds) > drain, "{name}: {value}");
    }
}

/// The runner's metrics after one job: each line that is a sample.
fn samples(url: &str) -> Vec<String> {
    let address = health_address();
    let source = source::managed("s", "postgres", json!({ "url": url }));
    // Assigned, so that its pool outlives a session.
    let gateway = Gateway::with(Options {
        sources: vec![source.clone()],
        ..Options::default()
    });
    let _runner = runner!(gateway)
        .env("SEMILAYER_HEALTH_ADDR", &address)
        .start();
    gateway.wait_hello(1, SOON);
    gateway
        .dispatch(&source, "test", "", json!({}))
        .wait()
        .expect_done();
    // A second session, so that there is a reconnect to count.
    gateway.connection().close(1001, "restarting");
    gateway.wait_hello(2, SOON);
    let mut tcp = TcpStream::connect(&address).unwrap();
    write!(tcp, "GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).unwrap();
    answer
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

/// The identifiers in a query that begin like a metric, and the labels it groups by.
fn asked(query: &str) -> (Vec<&str>, Vec<&str>) {
    let metrics = query
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("semilayer_") || word.starts_with("process_"))
        .collect();
    let labels = query
        .split("by (")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .flat_map(|(labels, _)| labels.split(", "))
        .collect();
    (metrics, labels)
}

/// The metrics that these queries ask for; every one is exported, with the labels by which it is grouped.
fn checked(queries: &[&str], samples: &[String]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for query in queries {
        let (metrics, labels) = asked(query);
        assert!(!metrics.is_empty(), "{query}");
        for metric in metrics {
            let of_metric: Vec<_> = samples
                .iter()
                .filter(|line| line.split(['{', ' ']).next() == Some(metric))
                .collect();
            assert!(!of_metric.is_empty(), "{query}: {metric} is not exported");
            for label in &labels {
                // The scraper adds these.
                let known = ["instance", "job"].contains(label)
                    || of_metric.iter().all(|l| l.contains(&format!("{label}=\"")));
                assert!(known, "{query}: {metric} has no label {label}");
            }
            found.insert(metric.to_owned());
        }
    }
    found
}

#[test]
fn dashboard_and_alerts_ask_for_what_is_exported() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let Some(url) = databases::postgres() else {
        return;
    };
    let dashboard: Value = serde_json::from_str(&example("grafana-dashboard.json")).unwrap();
    let samples = samples(&url);
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap());
    let shown: Vec<_> = targets
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    assert!(checked(&shown, &samples).len() > 10);
    let rules = example("prometheus-rules.yaml");
    let alerts: Vec<_> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "))
        .collect();
    assert_eq!(alerts.len(), rules.matches("- alert: ").count());
    assert!(checked(&alerts, &samples).len() > 4);
    // The words by which they choose are words that are sent.
    let codes = ErrorCode::ALL.map(ErrorCode::as_str);
    for query in shown.iter().chain(&alerts) {
        let words = query.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
        for word in words.filter(|word| word.len() > 4 && word.contains('_')) {
            assert!(codes.contains(&word), "{query}: {word}");
        }
    }
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len());
}
