//! The deployment examples: what they set is what the real binary reads, and it serves a job with it.
#![cfg(feature = "postgres")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use runner_testkit::databases;
use runner_testkit::temp::TempDir;
use runner_testkit::{Gateway, RUNNER_ID, TOKEN, runner, source, watchdog};
use serde_json::json;

const SOON: Duration = Duration::from_secs(10);
/// The folders in which the examples find their secrets.
const SECRETS: [&str; 3] = ["/run/secrets/semilayer/", "/run/secrets/", "%d/"];

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

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
        secrets.write("runner-token", format!("{TOKEN}\n"));
        secrets.write("primary-db-url", &url);
        let gateway = Gateway::start();
        let mut runner = runner!(gateway)
            .env_remove("SEMILAYER_RUNNER_TOKEN")
            .env("SEMILAYER_RUNNER_ID", RUNNER_ID);
        let variables = variables(&example(name));
        for (variable, value) in &variables {
            if variable == "SEMILAYER_RUNNER_ID" {
                continue;
            }
            let file = SECRETS.iter().find_map(|folder| value.strip_prefix(folder));
            let value = file.map_or(value.clone(), |file| {
                secrets.path().join(file).display().to_string()
            });
            runner = runner.env(variable, value);
        }
        let set: Vec<_> = variables.iter().map(|(name, _)| name.as_str()).collect();
        for needed in [
            "SEMILAYER_RUNNER_TOKEN_FILE",
            "SEMILAYER_SOURCE_PRIMARY_DB_URL_FILE",
        ] {
            assert!(set.contains(&needed), "{name} sets {set:?}");
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
