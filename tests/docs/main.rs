//! What the repository promises: its pages, its rooms, the crates it is made of.
// A build without some bridges leaves some helpers without a test.
#![cfg_attr(
    not(all(feature = "postgres", feature = "mysql", feature = "sqlite")),
    allow(dead_code, unused_imports)
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod bridge_names;
mod commands;
mod driver_patterns;
#[cfg(all(feature = "postgres", feature = "mysql"))]
mod grants;
mod links;
mod page;
#[cfg(all(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod readme;
mod rust_version;
mod structure;

use std::process::Command;
use std::time::Duration;

use runner_testkit::{RunnerBuilder, project};
use serde_json::Value;

/// What `semilayer-runner help` says to these words.
fn help(words: &[&str]) -> String {
    let words: Vec<_> = ["help"].iter().chain(words).copied().collect();
    let runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), "")
        .args(&words)
        .start();
    runner.wait_exit(Duration::from_secs(10));
    runner.stdout()
}

/// Every crate in `Cargo.lock` that this machine's build may need.
fn metadata() -> Value {
    let output = Command::new(std::env::var("CARGO").unwrap_or("cargo".into()))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        // What this build needed is on this machine; crates for other systems may not be.
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(project(""))
        .output()
        .unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problem}");
    serde_json::from_slice(&output.stdout).unwrap()
}
