//! The Rust version that Cargo.toml promises is enough for every crate in Cargo.lock.

use std::fs;
use std::process::Command;

use runner_testkit::project;
use serde_json::Value;

/// `1.89` and `1.89.0` are the same.
fn version(text: &str) -> (u32, u32, u32) {
    let mut parts = text.split('.').map(|part| part.parse().unwrap());
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next())
}

#[test]
fn the_readme_states_it() {
    let readme = fs::read_to_string(project("README.md")).unwrap();
    let promise = format!("Rust {} or newer", env!("CARGO_PKG_RUST_VERSION"));
    assert!(readme.contains(&promise), "{promise}");
}

#[test]
fn no_locked_crate_wants_a_newer_one() {
    let output = Command::new(std::env::var("CARGO").unwrap_or("cargo".into()))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        // What this build needed is on this machine; crates for other systems may not be.
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(project(""))
        .output()
        .unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problem}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let promised = version(env!("CARGO_PKG_RUST_VERSION"));
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50, "{} packages", packages.len());
    let newer: Vec<_> = packages
        .iter()
        .filter_map(|package| Some((package, package["rust_version"].as_str()?)))
        .filter(|(_, wanted)| version(wanted) > promised)
        .map(|(package, wanted)| format!("{} wants {wanted}", package["id"]))
        .collect();
    assert!(newer.is_empty(), "{newer:#?}");
}
