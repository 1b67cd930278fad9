//! Links lead somewhere.

use std::fs;

use runner_testkit::project;

use crate::page::{Page, pages};

/// What a heading is called in a link, as the usual hosts make it.
fn anchor(heading: &str) -> String {
    let lower = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = lower
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn headings(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.starts_with('#'));
    lines.map(anchor).collect()
}

/// The targets of `[text](target)`.
fn links(page: &Page) -> Vec<String> {
    let prose = page.prose();
    let targets = prose.split("](").skip(1);
    targets
        .map(|rest| rest.split(')').next().unwrap().to_owned())
        .collect()
}

#[test]
fn every_link_resolves() {
    let pages = pages();
    assert!(pages.len() >= 8, "{} pages", pages.len());
    for page in &pages {
        for link in links(page) {
            if link.starts_with("https://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = page.folder().join(file);
            let exists = file.is_empty() || target.exists();
            assert!(exists, "{}: {link}", page.name);
            if heading.is_empty() {
                continue;
            }
            let text = if file.is_empty() {
                page.text.clone()
            } else {
                fs::read_to_string(&target).unwrap()
            };
            let known = headings(&text).iter().any(|known| known == heading);
            assert!(known, "{}: {link} names no heading", page.name);
        }
    }
}

/// A page in each room that a reader enters first.
#[test]
fn the_rooms_have_their_pages() {
    for name in [
        "README.md",
        ".github/CHANGELOG.md",
        ".github/CONTRIBUTING.md",
        ".github/SECURITY.md",
        "scripts/deploy/README.md",
        "tests/README.md",
        "tests/benches/README.md",
        "tests/fuzz/README.md",
    ] {
        let page = Page::read(name);
        assert!(page.text.starts_with("# "), "{name} has no title");
    }
}

#[test]
fn every_group_of_tests_has_its_row() {
    let page = Page::read("tests/README.md");
    for group in fs::read_dir(project("tests")).unwrap() {
        let group = group.unwrap().path();
        let name = group.file_name().unwrap().to_str().unwrap();
        if group.join("main.rs").exists() {
            assert!(page.text.contains(&format!("| `{name}` |")), "{name}");
        }
    }
}

#[test]
fn every_fuzz_target_has_its_row() {
    let page = Page::read("tests/fuzz/README.md");
    for target in fs::read_dir(project("tests/fuzz/fuzz_targets")).unwrap() {
        let target = target.unwrap().path();
        let name = target.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(page.text.contains(&format!("| `{name}` |")), "{name}");
    }
}

/// Figures are of some commit. A table of them that names none cannot be checked by anybody.
#[test]
fn figures_name_their_commit() {
    for name in [
        "README.md",
        "tests/README.md",
        "tests/benches/README.md",
        "tests/fuzz/README.md",
    ] {
        let page = Page::read(name);
        let names = page
            .text
            .to_lowercase()
            .split("commit `")
            .skip(1)
            .filter_map(|rest| rest.split_once('`').map(|(commit, _)| commit.to_owned()))
            .filter(|commit| commit.len() >= 7 && commit.chars().all(|c| c.is_ascii_hexdigit()))
            .count();
        assert!(names >= 1, "{name} names no commit");
    }
}
