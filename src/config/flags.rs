//! The flags that `start`, `status` and `doctor` share.

use std::ffi::OsString;

use crate::config::Secret;

/// Values given on the command line. An empty value is given all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--id`.
    pub id: Option<String>,
    /// `--token`.
    pub token: Option<Secret>,
    /// `--gateway`.
    pub gateway: Option<String>,
}

impl Flags {
    /// Reads the arguments after the command, as the official command line does: `--id x` and `--id=x`; a
    /// flag without a value has an empty one; flags we do not know and loose words are ignored.
    pub fn parse(arguments: &[OsString]) -> Self {
        let mut flags = Self::default();
        let mut arguments = arguments.iter().map(|a| a.to_string_lossy()).peekable();
        while let Some(argument) = arguments.next() {
            if argument == "--" {
                break;
            }
            let Some(flag) = argument.strip_prefix("--") else {
                continue;
            };
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (flag, None),
            };
            if !matches!(name, "id" | "token" | "gateway") {
                continue;
            }
            let mut next = || arguments.next_if(|next| !next.starts_with('-'));
            let value = value.unwrap_or_else(|| next().unwrap_or_default().into_owned());
            match name {
                "id" => flags.id = Some(value),
                "token" => flags.token = Some(Secret::new(value)),
                _ => flags.gateway = Some(value),
            }
        }
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Flags {
        let words: Vec<_> = words.split(' ').map(OsString::from).collect();
        Flags::parse(&words)
    }

    #[test]
    fn both_forms_are_read_and_the_rest_ignored() {
        let flags = parse("--verbose yes --id=a=b x --token t -g --gateway ws://h");
        assert_eq!(flags.id.as_deref(), Some("a=b"));
        assert_eq!(flags.token, Some(Secret::new("t".to_owned())));
        assert_eq!(flags.gateway.as_deref(), Some("ws://h"));
    }

    #[test]
    fn a_missing_value_is_an_empty_one() {
        assert_eq!(parse("--id= --token --gateway x").id.as_deref(), Some(""));
        assert_eq!(
            parse("--id= --token --gateway x").token,
            Some(Secret::new(String::new()))
        );
        assert_eq!(parse("--id").id.as_deref(), Some(""));
        assert_eq!(parse("-- --id x"), Flags::default());
    }
}
