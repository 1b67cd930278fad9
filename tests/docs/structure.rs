//! The rooms of the source: each imports only from rooms that the map in `src/lib.rs` has before it, or beside
//! it, and never in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use runner_testkit::project;

/// Room to the rooms it imports from, each with a file that does.
type Imports = BTreeMap<String, BTreeMap<String, PathBuf>>;

fn source() -> PathBuf {
    project("src")
}

/// The storeys of the map, the ground first.
fn storeys() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(source().join("lib.rs")).unwrap();
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

/// Every Rust file of a room, but none that holds only tests.
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

/// The first names of all paths that begin with `crate::`.
fn imported(text: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for path in text.split("crate::").skip(1) {
        match path.strip_prefix('{') {
            None => found.insert(first_name(path)),
            Some(list) => {
                found.extend(members(list).map(first_name));
                true
            }
        };
    }
    found
}

fn first_name(path: &str) -> &str {
    let path = path.trim_start();
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_');
    &path[..end.unwrap_or(path.len())]
}

/// The members of the list in braces that a text begins with, lists inside them not taken apart.
fn members(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    list.split_inclusive([',', '{', '}'])
        .scan(false, move |over, part| {
            let begins = depth == 0;
            depth += i32::from(part.ends_with('{')) - i32::from(part.ends_with('}'));
            (!std::mem::replace(over, depth < 0)).then_some((begins, part))
        })
        .filter(|(begins, part)| *begins && !part.starts_with([',', '}']))
        .map(|(_, part)| part)
}

fn imports(rooms: &BTreeSet<String>) -> Imports {
    let mut all = Vec::new();
    files(&source(), &mut all);
    let mut imports = Imports::new();
    for file in all {
        let place = file.strip_prefix(source()).unwrap();
        let room = place.components().next().unwrap().as_os_str();
        let room = room.to_string_lossy().trim_end_matches(".rs").to_owned();
        if room == "lib" || room == "main" {
            continue;
        }
        assert!(
            rooms.contains(&room),
            "the map in lib.rs has no room {room}"
        );
        let text = std::fs::read_to_string(&file).unwrap();
        // Tests may look anywhere.
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let text = lines.collect::<Vec<_>>().join("\n");
        let known = imports.entry(room.clone()).or_default();
        for name in imported(&text) {
            if name != room && rooms.contains(name) {
                known
                    .entry(name.to_owned())
                    .or_insert_with(|| place.to_owned());
            }
        }
    }
    imports
}

#[test]
fn rooms_import_downwards_and_never_in_a_circle() {
    let storeys = storeys();
    let storey = |room: &str| {
        storeys
            .iter()
            .position(|rooms| rooms.iter().any(|r| r == room))
    };
    let rooms: BTreeSet<_> = storeys.iter().flatten().cloned().collect();
    let imports = imports(&rooms);
    let mut upwards = Vec::new();
    for (room, from) in &imports {
        for (other, file) in from {
            if storey(other) > storey(room) {
                upwards.push(format!("{} imports from {other}", file.display()));
            }
        }
    }
    assert!(upwards.is_empty(), "{upwards:#?}");
    // What imports nothing that is left goes, until nothing is left.
    let mut left: BTreeMap<_, BTreeSet<_>> = imports
        .iter()
        .map(|(room, from)| (room.clone(), from.keys().cloned().collect()))
        .collect();
    loop {
        let standing: BTreeSet<_> = left.keys().cloned().collect();
        left.retain(|_, from| from.iter().any(|other| standing.contains(other)));
        if left.len() == standing.len() {
            break;
        }
    }
    assert!(left.is_empty(), "a circle: {left:#?}");
}

#[test]
fn paths_are_read_as_the_compiler_does() {
    let text = "use crate::{bridges, limits::{A, B}, tls};\ncrate::json::write(crate::text::x)\n\
                use crate::net::{http, percent::{a, b}};";
    let found: Vec<_> = imported(text).into_iter().collect();
    assert_eq!(found, ["bridges", "json", "limits", "net", "text", "tls"]);
}
