//! What the repository says about itself, and what holds its shape.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod driver_patterns;
mod rust_version;
mod structure;

use std::process::Command;

use runner_testkit::project;
use serde_json::Value;

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
