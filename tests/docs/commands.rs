//! Every command in a block of code is one that works: scripts and files exist and know the options, the binary
//! knows the words, variables are read by something. A command that nobody here checks is a failure.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use runner_testkit::temp::TempDir;
use runner_testkit::{RunnerBuilder, project, watchdog};

use crate::page::{Page, pages};

/// Programs of others. Of their arguments only what names something of this project is checked.
const FOREIGN: [&str; 5] = ["apt-get", "docker", "install", "kubectl", "systemctl"];

/// A command with its words; quotes are taken off.
struct Line {
    page: String,
    words: Vec<String>,
}

impl Line {
    /// The commands of a block, without comments.
    fn all(page: &Page) -> Vec<Self> {
        let blocks = page.blocks("sh");
        let lines = blocks.iter().flat_map(|block| block.lines());
        lines
            .map(|line| line.split("  #").next().unwrap_or_default().trim())
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| Self {
                page: page.name.clone(),
                words: words(line),
            })
            .collect()
    }

    fn check(&self) {
        let mut words = self.words.as_slice();
        while let Some((name, value)) = words[0].split_once('=') {
            self.variable(name);
            if let Some(command) = value.strip_prefix("$(") {
                self.script(command.trim_end_matches(')'), &[]);
            }
            words = &words[1..];
        }
        let (command, arguments) = words.split_first().unwrap();
        match command.as_str() {
            "export" => arguments
                .iter()
                .for_each(|word| self.variable(word.split('=').next().unwrap())),
            "semilayer-runner" => self.runner(arguments),
            "cargo" => self.cargo(arguments),
            other if other.contains('/') => self.script(other, arguments),
            other if FOREIGN.contains(&other) => self.foreign(arguments),
            other => self.fail(&format!("nobody checks {other}")),
        }
    }

    #[track_caller]
    fn fail(&self, why: &str) -> ! {
        panic!("{}: {}: {why}", self.page, self.words.join(" "))
    }

    #[track_caller]
    fn has(&self, what: &str, text: &str, word: &str) {
        if !text.contains(word) {
            self.fail(&format!("{what} knows no {word}"));
        }
    }

    /// Ours is read by something in the code, one of the tests by something in the test kit or the scripts.
    fn variable(&self, name: &str) {
        let base = match name.strip_prefix("SEMILAYER_SOURCE_") {
            Some(_) => "SEMILAYER_SOURCE_",
            None => name,
        };
        let folders = ["src", "scripts", "tests/support/src"];
        if !folders.iter().any(|folder| holds(&project(folder), base)) {
            self.fail(&format!("nothing reads {name}"));
        }
    }

    fn script(&self, name: &str, arguments: &[String]) {
        let path = project(name);
        let Ok(text) = fs::read_to_string(&path) else {
            self.fail("there is no such script");
        };
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert!(mode & 0o111 != 0, "{name} is not executable");
        let shell = if text.starts_with("#!/bin/sh") {
            "sh"
        } else {
            "bash"
        };
        let checked = Command::new(shell).arg("-n").arg(&path).status();
        assert!(checked.unwrap().success(), "{name} is no script");
        let mut arguments = arguments.iter();
        while let Some(word) = arguments.next() {
            if word == "--" {
                return;
            }
            if name == "scripts/test.sh" && word == "--test" {
                let name = arguments.next().unwrap();
                let test = arguments
                    .clone()
                    .next()
                    .filter(|word| !word.starts_with('-'));
                self.tests(name, test);
            } else if word.starts_with("--") {
                self.has(name, &text, word);
            }
        }
    }

    /// A group of tests, or a module of one and perhaps a test of it.
    fn tests(&self, name: &str, test: Option<&String>) {
        let groups = fs::read_dir(project("tests")).unwrap();
        let file = groups.map(|group| group.unwrap().path()).find_map(|group| {
            let main = group.join("main.rs");
            let module = group.join(format!("{name}.rs"));
            let found = group.ends_with(name) && main.exists();
            found.then_some(main).or(module.exists().then_some(module))
        });
        let Some(file) = file else {
            self.fail(&format!("there is no test {name}"));
        };
        if let Some(test) = test {
            let text = fs::read_to_string(file).unwrap();
            self.has(name, &text, &format!("fn {test}"));
        }
    }

    fn runner(&self, arguments: &[String]) {
        let (command, options) = arguments.split_first().unwrap();
        let help = crate::help(&[command]);
        self.has(
            "semilayer-runner",
            &help,
            &format!("USAGE semilayer-runner {command}"),
        );
        for word in options.iter().filter(|word| word.starts_with("--")) {
            self.has("semilayer-runner", &help, word);
        }
    }

    fn cargo(&self, arguments: &[String]) {
        let manifest = fs::read_to_string(project("Cargo.toml")).unwrap();
        let mut words = arguments.iter().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--" => return,
                "-p" => {
                    let package = words.next().unwrap();
                    let kit = fs::read_to_string(project("tests/support/Cargo.toml")).unwrap();
                    self.has("the workspace", &kit, &format!("name = \"{package}\""));
                }
                "--bin" => {
                    let bin = project("tests/support/src/bin").join(words.next().unwrap());
                    assert!(bin.exists(), "{}", bin.display());
                }
                "--bench" => {
                    let bench = format!("name = \"{}\"", words.next().unwrap());
                    self.has("Cargo.toml", &manifest, &bench);
                }
                _ => {}
            }
        }
    }

    fn foreign(&self, arguments: &[String]) {
        let mut before = "";
        for word in arguments {
            if word.starts_with("scripts/") && !project(word).exists() {
                self.fail(&format!("there is no {word}"));
            }
            if before == "-e" {
                self.variable(word.split('=').next().unwrap());
            }
            before = word;
        }
        if self.words[0] == "systemctl" {
            let unit = format!("scripts/deploy/{before}.service");
            assert!(project(&unit).exists(), "there is no {unit}");
        }
    }
}

/// The words of a line as a shell would split it, as far as these pages go.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let (mut quote, mut depth) = (None, 0);
    for c in line.chars() {
        match c {
            '\'' | '"' if quote == Some(c) => quote = None,
            '\'' | '"' if quote.is_none() => quote = Some(c),
            ' ' if quote.is_none() && depth == 0 => words.push(String::new()),
            _ => {
                depth += i32::from(c == '(') - i32::from(c == ')');
                words.last_mut().unwrap().push(c);
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a file below this folder holds this text.
fn holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        fs::read_to_string(&path).is_ok_and(|content| content.contains(text))
    })
}

#[test]
fn every_command_works() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let lines: Vec<_> = pages().iter().flat_map(Line::all).collect();
    assert!(lines.len() > 20, "{} commands", lines.len());
    lines.iter().for_each(Line::check);
}

/// The example of a policy is one: a runner reads it, and refuses one with a mistake.
#[test]
fn the_policy_is_one() {
    let _watchdog = watchdog(Duration::from_secs(60));
    let folder = TempDir::new();
    let policies = Page::read(".github/SECURITY.md").blocks("json");
    assert_eq!(policies.len(), 1);
    for (text, healthy) in [
        (policies[0].clone(), true),
        (policies[0].replace("maxRows", "mostRows"), false),
    ] {
        let file = folder.write("policy.json", text);
        let gateway = runner_testkit::Gateway::start();
        let runner = RunnerBuilder::new(env!("CARGO_BIN_EXE_semilayer-runner"), &gateway.url())
            .env("SEMILAYER_POLICY", file.display().to_string())
            .start();
        assert_eq!(
            runner.stdout_holds("connected, awaiting jobs", Duration::from_secs(20)),
            healthy,
            "{}",
            runner.stderr()
        );
    }
}
