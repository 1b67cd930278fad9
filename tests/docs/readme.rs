//! What README.md claims of the code.

use std::collections::{BTreeMap, BTreeSet};

use semilayer_runner::error::ErrorCode;

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

/// The keys that the row of each bridge tells, and those of all bridges under `all`.
fn keys_told(page: &Page) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut told = BTreeMap::<_, BTreeSet<_>>::new();
    let rows = page.section("## Sources").lines();
    let rows = rows.filter_map(|row| row.strip_prefix("| ")?.split_once(" | "));
    for (names, keys) in rows {
        let keys: Vec<_> = quoted(keys)
            .filter(|text| capital_words(text).eq([*text]))
            .collect();
        for name in names.split(", ") {
            told.entry(name).or_default().extend(&keys);
        }
    }
    told
}

#[test]
fn it_tells_every_key_of_every_bridge() {
    let page = readme();
    let told = keys_told(&page);
    let common = &told["all"];
    let all: BTreeSet<_> = told.values().flatten().copied().collect();
    for package in semilayer_runner::bridges::packages() {
        let name = package.name().strip_prefix("@semilayer/bridge-").unwrap();
        let row = told
            .get(name)
            .unwrap_or_else(|| panic!("{name} has no row"));
        let keys: BTreeSet<_> = package.keys.iter().map(|key| key.variable).collect();
        let unknown: Vec<_> = row
            .union(common)
            .filter(|key| !keys.contains(*key))
            .collect();
        assert!(unknown.is_empty(), "{name} knows no {unknown:?}");
        let enough = package.enough.iter().copied().flatten().copied().flatten();
        let untold: Vec<_> = enough.filter(|key| !row.contains(*key)).collect();
        assert!(untold.is_empty(), "{name} needs {untold:?}");
        let untold: Vec<_> = keys.difference(&all).collect();
        assert!(untold.is_empty(), "nobody is told of {untold:?} of {name}");
    }
}
