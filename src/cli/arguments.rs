//! The words after a command, by the rules of the official command line: `--id x` and `--id=x`; an option
//! without a value has an empty one; `--` ends the options.

use std::ffi::OsString;

use crate::cli::commands::{Command, IDENTITY, Opt};
use crate::config::Flags;
use crate::secret::Secret;
use crate::text::nearest;

/// What was given to a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    options: Vec<(&'static str, String)>,
    /// Words that are no options.
    pub words: Vec<String>,
    /// Options that the command does not have.
    pub unknown: Vec<String>,
}

impl Arguments {
    /// Reads the words after a command.
    pub fn parse(command: &Command, words: &[OsString]) -> Self {
        let mut found = Self::default();
        let mut words = words.iter().map(|word| word.to_string_lossy()).peekable();
        while let Some(word) = words.next() {
            if word == "--" {
                found.words.extend(words.map(|word| word.into_owned()));
                break;
            }
            if !word.starts_with('-') {
                found.words.push(word.into_owned());
                continue;
            }
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (&*word, None),
            };
            match options(command).find(|option| option.name == name) {
                Some(option) if option.value.is_empty() => {
                    found.options.push((option.name, String::new()));
                }
                Some(option) => {
                    let mut next = || words.next_if(|next| !next.starts_with('-'));
                    let value = value.unwrap_or_else(|| next().unwrap_or_default().into_owned());
                    found.options.push((option.name, value));
                }
                None => found.unknown.push(name.to_owned()),
            }
        }
        found
    }

    /// Whether the option was given.
    pub fn given(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The value of the option; the last one counts.
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.options.iter().rev().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Who the runner is, as far as it was given here.
    pub fn flags(&self) -> Flags {
        let value = |name| self.value(name).map(str::to_owned);
        Flags {
            id: value("--id"),
            token: value("--token").map(Secret::new),
            gateway: value("--gateway"),
        }
    }

    /// What is said of each option that the command does not have. The official commands ignore them, so there
    /// only what was probably meant is worth a word.
    pub fn complaints(&self, command: &Command) -> Vec<String> {
        let complaint = |unknown: &String| {
            let known = options(command).map(|option| option.name);
            match (nearest(unknown, known), command.official) {
                (Some(near), true) => {
                    Some(format!("option {unknown} is ignored; did you mean {near}?"))
                }
                (None, true) => None,
                (Some(near), false) => {
                    Some(format!("Unknown option {unknown}; did you mean {near}?"))
                }
                (None, false) => Some(format!(
                    "Unknown option {unknown}; see semilayer-runner {} --help",
                    command.name
                )),
            }
        };
        self.unknown.iter().filter_map(complaint).collect()
    }
}

fn options(command: &Command) -> impl Iterator<Item = &'static Opt> {
    command.options.iter().chain(&IDENTITY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::find;

    fn parse(command: &str, words: &str) -> Arguments {
        let words: Vec<_> = words.split(' ').map(OsString::from).collect();
        Arguments::parse(find(command).unwrap(), &words)
    }

    fn flags(words: &str) -> Flags {
        parse("start", words).flags()
    }

    #[test]
    fn both_forms_are_read_and_the_rest_ignored() {
        let flags = flags("--verbose yes --id=a=b x --token t -g --gateway ws://h");
        assert_eq!(flags.id.as_deref(), Some("a=b"));
        assert_eq!(flags.token, Some(Secret::new("t".to_owned())));
        assert_eq!(flags.gateway.as_deref(), Some("ws://h"));
    }

    #[test]
    fn a_missing_value_is_an_empty_one() {
        let empty = flags("--id= --token --gateway x");
        assert_eq!(empty.id.as_deref(), Some(""));
        assert_eq!(empty.token, Some(Secret::new(String::new())));
        assert_eq!(flags("--id").id.as_deref(), Some(""));
        assert_eq!(flags("-- --id x"), Flags::default());
    }

    #[test]
    fn names_and_options_are_told_apart() {
        let given = parse(
            "test-source",
            "shop --query people --limit=3 --id x db --json --verbos",
        );
        assert_eq!(given.words, ["shop", "db"]);
        assert_eq!(given.value("--query"), Some("people"));
        assert_eq!(given.value("--limit"), Some("3"));
        assert!(given.given("--json") && !given.given("--ready"));
        assert_eq!(given.unknown, ["--verbos"]);
    }

    #[test]
    fn unknown_options_are_refused_by_our_commands_and_ignored_by_the_official_ones() {
        let complaints =
            |command: &str, words: &str| parse(command, words).complaints(find(command).unwrap());
        assert_eq!(
            complaints("doctor", "--conect --colour"),
            ["option --conect is ignored; did you mean --connect?"]
        );
        assert_eq!(
            complaints("health", "--raedy --colour"),
            [
                "Unknown option --raedy; did you mean --ready?",
                "Unknown option --colour; see semilayer-runner health --help"
            ]
        );
        assert_eq!(complaints("health", "--id x --ready"), [""; 0]);
    }
}
