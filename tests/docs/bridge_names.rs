//! What a bridge is stands in its own folder: nothing outside of `src/bridges` names one.

use std::fs;
use std::path::{Path, PathBuf};

use runner_testkit::project;
use semilayer_runner::bridges;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_bridge_is_named_outside_of_the_bridges() {
    let root = project("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 100);
    let mut names = vec!["semilayer/bridge-".to_owned()];
    // In the code itself not even as part of a name; short ones are parts of too many.
    let mut words = Vec::new();
    for package in bridges::packages() {
        let schemes = package.schemes.iter().copied();
        for word in schemes.chain(package.name().rsplit('-').next()) {
            names.push(format!("\"{word}\""));
            words.extend((word.len() > 2).then(|| word.to_owned()));
        }
    }
    for file in files {
        // Limits are in one place, whoever needs them.
        if file.starts_with(root.join("bridges")) || file.ends_with("limits.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let mut is_code = !file.ends_with("tests.rs");
        for (number, line) in text.lines().enumerate() {
            let place = format!("{}:{}", file.display(), number + 1);
            for name in &names {
                assert!(!line.contains(name.as_str()), "{place} names {name}");
            }
            is_code &= line != "#[cfg(test)]";
            let line = line.to_lowercase();
            if is_code && !line.trim_start().starts_with("//") {
                for word in &words {
                    assert!(!line.contains(word.as_str()), "{place} names {word}");
                }
            }
        }
    }
}

#[test]
fn packages_are_told_apart() {
    let packages: Vec<_> = bridges::packages().collect();
    for (i, package) in packages.iter().enumerate() {
        for other in packages.iter().skip(i + 1) {
            assert_ne!(package.name(), other.name());
            let shared = |scheme: &&&str| other.schemes.contains(scheme);
            assert_eq!(package.schemes.iter().find(shared), None);
            assert!(package.told_by.is_none() || package.told_by != other.told_by);
        }
        let variables: Vec<_> = package.keys.iter().map(|key| key.variable).collect();
        let known = |variable: &&str| variables.contains(variable);
        assert!(package.found_by.iter().all(known), "{}", package.name());
        assert!(package.told_by.iter().all(known), "{}", package.name());
        let needed = package.enough.iter().copied().flatten().copied().flatten();
        assert!(needed.clone().all(known), "{}", package.name());
        assert!(needed.count() > 0);
    }
}
