//! What README.md claims of the code.

use semilayer_runner::error::ErrorCode;
use std::collections::BTreeSet;

use crate::page::{Page, capital_words, quoted};

fn readme() -> Page {
    Page::read("README.md")
}

/// A reader with ten minutes gets through it.
#[test]
fn it_is_short() {
    let lines = readme().text.lines().count();
    assert!(lines <= 260, "{lines} lines");
}

/// The variables that `help variables` lists, in capitals, without those of sources.
fn variables() -> BTreeSet<String> {
    let help = crate::help(&["variables"]);
    let lines = help.lines().filter_map(|line| line.strip_prefix("  "));
    let names = lines.filter_map(|line| line.split(' ').next());
    names
        .map(str::to_ascii_uppercase)
        .filter(|name| capital_words(name).eq([name.as_str()]))
        .collect()
}

#[test]
fn every_variable_is_one_that_is_read_and_the_other_way_round() {
    let page = readme();
    let read = variables();
    let table = page.section("## Environment");
    let told: BTreeSet<_> = table.split('\n').flat_map(first_cell).collect();
    let told: BTreeSet<_> = told.into_iter().map(str::to_owned).collect();
    assert_eq!(told, read);
    let ours = capital_words(&page.text).filter(|word| word.starts_with("SEMILAYER_"));
    for word in ours.filter(|word| !word.starts_with("SEMILAYER_SOURCE_") && !word.ends_with('_')) {
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
        let other = word == "DATABASE_URL" || variables().contains(word);
        assert!(exists || other, "{word}");
    }
}

/// The quoted words in capitals in the first cell of a table's row.
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
