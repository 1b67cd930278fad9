//! The mysql driver's patterns run on a small stand-in for the crate `regex`. One that it cannot read, or reads
//! otherwise, would fail only when its turn comes: a new version of the driver is compared with the patterns
//! that were looked at.

use std::path::Path;

use serde_json::Value;

use crate::metadata;

/// Sorted.
const PATTERNS: [&str; 11] = [
    "-----BEGIN PUBLIC KEY-----([^-]*)-----END PUBLIC KEY-----",
    "-----BEGIN RSA PUBLIC KEY-----([^-]*)-----END RSA PUBLIC KEY-----",
    r"^(?:5.5.5-)?(\d{1,2})\.(\d{1,2})\.(\d{1,3})-MariaDB",
    r"^(\d{1,2})\.(\d{1,2})\.(\d{1,3})(.*)",
    r"^[0-8]\d\d:[0-5]\d:[0-5]\d$",
    r"^[0-8]\d\d:[0-5]\d:[0-5]\d\.\d{1,6}$",
    r"^\d{2}:[0-5]\d:[0-5]\d$",
    r"^\d{2}:[0-5]\d:[0-5]\d\.\d{1,6}$",
    r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$",
    r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{1,6}$",
    r"^\d{4}-\d{2}-\d{2}$",
];

/// The sources of the crates that are linked and use `regex`.
fn users() -> Vec<String> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let uses = |package: &&Value| {
        let dependencies = package["dependencies"].as_array().unwrap();
        dependencies
            .iter()
            .any(|d| d["name"] == "regex" && d["kind"].is_null() && d["optional"] == false)
    };
    packages
        .iter()
        .filter(uses)
        // It measures, and is not shipped.
        .filter(|package| package["name"] != "criterion")
        .map(|package| package["manifest_path"].as_str().unwrap().to_owned())
        .collect()
}

fn collect(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let calls = text.split("Regex::new(").skip(1);
            found.extend(calls.map(|call| literal(call.trim_start())));
        }
    }
}

/// The string that a call begins with.
fn literal(call: &str) -> String {
    let (raw, text) = match call.strip_prefix('r') {
        Some(text) => (true, text),
        None => (false, call),
    };
    let text = text
        .strip_prefix('"')
        .expect("a pattern that is no plain literal");
    let text = text.split('"').next().unwrap();
    if raw {
        return text.to_owned();
    }
    // Lines that go on.
    let lines: Vec<_> = text.split("\\\n").map(str::trim_start).collect();
    lines.concat()
}

#[test]
fn the_driver_asks_no_pattern_that_nobody_looked_at() {
    let users = users();
    assert_eq!(users.len(), 1, "{users:?}");
    let mut found = Vec::new();
    for manifest in &users {
        collect(&Path::new(manifest).with_file_name("src"), &mut found);
    }
    found.sort();
    assert_eq!(found, PATTERNS);
}
