//! What README.md claims of the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use runner_testkit::project;
use semilayer_runner::error::ErrorCode;

use crate::page::{Page, capital_words, quoted};

/// What other programs set, and the runner reads.
const FOREIGN: [&str; 6] = [
    "HTTPS_PROXY",
    "NODE_EXTRA_CA_CERTS",
    "NO_PROXY",
    "PORT",
    "RUST_LOG",
    "SSL_CERT_FILE",
];

fn readme() -> Page {
    Page::read("README.md")
}

/// A reader with ten minutes gets through it.
#[test]
fn it_is_short() {
    let lines = readme().text.lines().count();
    assert!(lines <= 260, "{lines} lines");
}

/// The string literals of the code in this folder, tests aside.
fn literals(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" && name != "patches" {
            literals(&path, found);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
            found.extend(code.split('"').skip(1).step_by(2).map(str::to_owned));
        }
    }
}

/// A name in full: `SEMILAYER_SOURCE_<NAME>_<KEY>` and its like have their own table.
fn is_variable(word: &str) -> bool {
    let ours = word.starts_with("SEMILAYER_")
        && !word.starts_with("SEMILAYER_SOURCE_")
        && !word.ends_with('_');
    ours && word != "SEMILAYER_BUILD_COMMIT" || FOREIGN.contains(&word)
}

#[test]
fn every_variable_is_one_that_is_read_and_the_other_way_round() {
    let page = readme();
    let table = page.section("## Environment");
    let told: BTreeSet<_> = capital_words(table).filter(|w| is_variable(w)).collect();
    let mut code = BTreeSet::new();
    literals(&project("src"), &mut code);
    let read: BTreeSet<_> = code
        .iter()
        .map(String::as_str)
        .filter(|w| is_variable(w))
        .collect();
    assert_eq!(told, read);
    for word in capital_words(&page.text).filter(|word| is_variable(word)) {
        assert!(read.contains(word), "{word}, which nothing reads");
    }
}

#[test]
fn every_error_code_is_told_and_exists() {
    let page = readme();
    let table = page.section("## When something is wrong");
    let told: BTreeSet<_> = table.split('\n').flat_map(first_cell).collect();
    for code in ErrorCode::ALL {
        assert!(told.contains(code.as_str()), "{code} is not told");
    }
    for word in told {
        let exists = ErrorCode::ALL.iter().any(|code| code.as_str() == word);
        assert!(
            exists || is_variable(word) || word == "DATABASE_URL",
            "{word}"
        );
    }
}

/// The capital words with an underscore in the first cell of a table's row, and `CANCELLED` and its like.
fn first_cell(row: &str) -> Vec<&str> {
    let cell = row
        .strip_prefix("| ")
        .and_then(|row| row.split(" | ").next());
    let words = quoted(cell.unwrap_or_default()).filter(|text| capital_words(text).eq([*text]));
    words.collect()
}

#[test]
fn it_names_every_bridge() {
    let page = readme();
    let table = page.section("## Sources");
    for package in semilayer_runner::bridges::capabilities() {
        let name = package.strip_prefix("@semilayer/bridge-").unwrap();
        let told = table.lines().filter(|line| line.starts_with("| "));
        let mut told = told.filter(|line| {
            let cell = line.trim_start_matches("| ").split(" | ").next();
            cell.unwrap().split(", ").any(|word| word == name)
        });
        assert!(told.next().is_some(), "{name} has no row");
    }
}
