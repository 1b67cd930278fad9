//! The pages of this repository, and what the tests look for in them.

use std::fs;
use std::path::{Path, PathBuf};

use runner_testkit::project;

/// One page of Markdown.
pub struct Page {
    /// Its path from the root of the project.
    pub name: String,
    /// All of it.
    pub text: String,
}

impl Page {
    /// The page at this path.
    pub fn read(name: &str) -> Self {
        let text = fs::read_to_string(project(name));
        Self {
            name: name.to_owned(),
            text: text.unwrap_or_else(|error| panic!("{name}: {error}")),
        }
    }

    /// The folder it is in, where its links begin.
    pub fn folder(&self) -> PathBuf {
        project(&self.name).parent().unwrap().to_owned()
    }

    /// The blocks of code in this language.
    pub fn blocks(&self, language: &str) -> Vec<String> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            let Some(found) = line.strip_prefix("```") else {
                continue;
            };
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            if found == language {
                blocks.push(block.join("\n"));
            }
        }
        blocks
    }

    /// The text without its blocks of code.
    pub fn prose(&self) -> String {
        let parts = self.text.split("\n```").step_by(2);
        parts.collect::<Vec<_>>().join("\n")
    }

    /// The section with this heading, up to the next heading of the same depth.
    pub fn section(&self, heading: &str) -> &str {
        let start = self.text.find(&format!("\n{heading}\n"));
        let start = start.unwrap_or_else(|| panic!("{} has no {heading}", self.name)) + 1;
        let depth = heading.split(' ').next().unwrap();
        let rest = &self.text[start..];
        let end = rest.find(&format!("\n{depth} ")).unwrap_or(rest.len());
        &rest[..end]
    }
}

/// Every page there is.
pub fn pages() -> Vec<Page> {
    let mut names = Vec::new();
    for folder in ["", ".github", "src", "scripts", "tests"] {
        find(&project(folder), folder.is_empty(), &mut names);
    }
    let root = project("");
    names
        .iter()
        .map(|path| Page::read(path.strip_prefix(&root).unwrap().to_str().unwrap()))
        .collect()
}

fn find(folder: &Path, flat: bool, names: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !flat {
            find(&path, false, names);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            names.push(path);
        }
    }
}

/// What stands between backquotes.
pub fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The words of this form: `[A-Z][A-Z0-9_]*`.
pub fn capital_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
        .filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()))
}
