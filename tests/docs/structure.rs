//! The rooms of the source: each imports only from rooms that the map in `src/lib.rs` has before it, or beside it. What
//! stands side by side in a folder, files and folders, never imports in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use runner_testkit::project;

/// A file or a folder by the names on its way: `["net", "http"]`. A folder's `mod.rs` is the folder.
type Module = Vec<String>;

/// A file, and what it imports from.
type Arrow = (Module, Module);

/// The storeys of the map, the ground first.
fn storeys() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(project("src").join("lib.rs")).unwrap();
    let map = text
        .split("//! ```text\n")
        .nth(1)
        .expect("no map in lib.rs");
    let map = map.split("//! ```").next().unwrap();
    map.lines()
        .map(|line| {
            line.trim_start_matches("//!")
                .split_whitespace()
                .map(str::to_owned)
                .collect()
        })
        .collect()
}

/// Every Rust file of a folder, but none that holds only tests.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name.ends_with("tests") || name == "patches" {
            continue;
        }
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The module that a file is.
fn module_of(file: &Path) -> Module {
    let place = file
        .strip_prefix(project("src"))
        .unwrap()
        .with_extension("");
    let names = place.iter().map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name != "mod").collect()
}

/// All paths in a text that begin with `crate` or `super`, those in lists one by one.
fn paths(text: &str) -> Vec<Vec<&str>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = [rest.find("crate::"), rest.find("super::")]
        .into_iter()
        .flatten()
        .min()
    {
        rest = take_paths(&rest[at..], Vec::new(), &mut found);
    }
    found
}

/// Takes the path that a text begins with, or the list of such, after what stands before it. Returns what follows.
fn take_paths<'t>(text: &'t str, before: Vec<&'t str>, found: &mut Vec<Vec<&'t str>>) -> &'t str {
    let mut text = text.trim_start();
    if let Some(list) = text.strip_prefix('{') {
        text = list.trim_start();
        while !text.is_empty() && !text.starts_with('}') {
            text = take_paths(text, before.clone(), found).trim_start();
            // Another name, or a comma.
            text = text.trim_start_matches(|c| !matches!(c, ',' | '}'));
            text = text.trim_start_matches(',').trim_start();
        }
        return text.get(1..).unwrap_or_default();
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    let path = [before, vec![name]].concat();
    match rest.strip_prefix("::") {
        Some(rest) => take_paths(rest, path, found),
        None => {
            found.push(path);
            rest
        }
    }
}

/// The module that a path of another one leads into.
fn resolve(from: &Module, path: &[&str], modules: &BTreeSet<Module>) -> Module {
    let supers = path.iter().take_while(|name| **name == "super").count();
    let mut module = match supers {
        0 => Module::new(),
        _ => from[..from.len().saturating_sub(supers)].to_vec(),
    };
    for name in &path[supers.max(1)..] {
        module.push((*name).to_owned());
        if !modules.contains(&module) {
            module.pop();
            break;
        }
    }
    module
}

/// All arrows of the source. Tests may look anywhere.
fn arrows() -> BTreeSet<Arrow> {
    let mut all = Vec::new();
    files(&project("src"), &mut all);
    let mut modules = BTreeSet::new();
    for file in &all {
        let module = module_of(file);
        // A folder needs no file of its own name.
        modules.extend((1..=module.len()).map(|length| module[..length].to_vec()));
    }
    let mut arrows = BTreeSet::new();
    for file in all {
        let from = module_of(&file);
        if ["lib", "main"].contains(&from[0].as_str()) {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let text = lines.collect::<Vec<_>>().join("\n");
        for path in paths(&text) {
            arrows.insert((from.clone(), resolve(&from, &path, &modules)));
        }
    }
    arrows
}

#[test]
fn rooms_import_downwards() {
    let storeys = storeys();
    let storey = |room: &str| {
        let place = storeys
            .iter()
            .position(|rooms| rooms.iter().any(|r| r == room));
        place.unwrap_or_else(|| panic!("the map in lib.rs has no room {room}"))
    };
    let mut upwards = Vec::new();
    for (from, to) in arrows() {
        if to
            .first()
            .is_some_and(|room| storey(room) > storey(&from[0]))
        {
            upwards.push(format!("{} imports from {}", from.join("/"), to.join("/")));
        }
    }
    assert!(upwards.is_empty(), "{upwards:#?}");
}

#[test]
fn neighbours_never_import_in_a_circle() {
    // Folder to each of what stands in it, to those beside it that it imports from.
    let mut folders: BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (from, to) in arrows() {
        let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        // What stands in a folder may use what its `mod.rs` holds, and the other way round.
        if let (Some(one), Some(other)) = (from.get(shared), to.get(shared)) {
            let folder = folders.entry(from[..shared].to_vec()).or_default();
            let imports = folder.entry(one.clone()).or_default();
            imports.insert(other.clone());
        }
    }
    let mut circles = BTreeMap::new();
    for (folder, mut left) in folders {
        // What imports nothing that is left goes, until nothing is left.
        loop {
            let standing: BTreeSet<_> = left.keys().cloned().collect();
            for from in left.values_mut() {
                from.retain(|other| standing.contains(other));
            }
            left.retain(|_, from| !from.is_empty());
            if left.len() == standing.len() {
                break;
            }
        }
        if !left.is_empty() {
            circles.insert(folder.join("/"), left);
        }
    }
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn paths_are_read_as_the_compiler_does() {
    let text = "use crate::{bridges, limits::{A, B as C}, tls};\ncrate::json::write(crate::text::x)\n\
                use super::super::{\n    a::b::{self, c},\n    d,\n};\npub use super::e::*;";
    let found: Vec<_> = paths(text).iter().map(|path| path.join("::")).collect();
    assert_eq!(
        found,
        [
            "crate::bridges",
            "crate::limits::A",
            "crate::limits::B",
            "crate::tls",
            "crate::json::write",
            "crate::text::x",
            "super::super::a::b::self",
            "super::super::a::b::c",
            "super::super::d",
            "super::e::",
        ]
    );
    let modules = [vec!["a"], vec!["a", "b"], vec!["c"]];
    let modules = modules.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    let modules = BTreeSet::from(modules);
    let from = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(resolve(&from, &["super", "x"], &modules), ["a"]);
    assert_eq!(resolve(&from, &["super", "super", "c"], &modules), ["c"]);
    assert_eq!(resolve(&from, &["crate", "a", "b", "X"], &modules), from);
}
