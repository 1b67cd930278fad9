//! The Rust version that Cargo.toml promises is enough for every crate in Cargo.lock.

use std::fs;

use runner_testkit::project;

use crate::metadata;

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
    let metadata = metadata();
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
