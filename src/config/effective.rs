//! What is set, and where: for people who ask, so without a secret.

use std::path::{Path, PathBuf};

use crate::bridges;
use crate::config::{Environment, Flags, Privacy, VARIABLES};
use crate::secret::Secret;
use crate::sources::SourceEnvironment;
use crate::text::{printable, unless_secret};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag,
    /// The process' environment.
    Environment,
    /// A file of a folder of secrets.
    File(PathBuf),
}

/// Something that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The variable, or the option.
    pub name: String,
    /// What may be shown of its value.
    pub shown: String,
    /// Where it comes from.
    pub origin: Origin,
}

const SOURCE: &str = "SEMILAYER_SOURCE_";
/// In place of what is hidden.
const HIDDEN: &str = "(set)";

/// Every option and variable that is set, in the order of the help, the sources' in the order of their names.
pub fn effective(flags: &Flags, environment: &Environment) -> Vec<Given> {
    let mut all = Vec::new();
    let mut flag = |name: &str, value: Option<&str>, privacy| {
        if let Some(value) = value {
            all.push(Given {
                name: name.to_owned(),
                shown: shown(value, privacy),
                origin: Origin::Flag,
            });
        }
    };
    flag("--id", flags.id.as_deref(), Privacy::Open);
    flag(
        "--token",
        flags.token.as_ref().map(Secret::expose),
        Privacy::Token,
    );
    flag("--gateway", flags.gateway.as_deref(), Privacy::Address);
    let given = |name: &str, privacy| {
        let value = environment.get(name).filter(|value| !value.is_empty())?;
        Some(Given {
            name: printable(name.chars()),
            shown: shown(&value, privacy),
            origin: match environment.file(name).map(Path::to_owned) {
                Some(file) => Origin::File(file),
                None => Origin::Environment,
            },
        })
    };
    all.extend(VARIABLES.iter().filter_map(|v| given(v.name, v.privacy)));
    let names = environment.names().filter(|name| name.starts_with(SOURCE));
    let sources = SourceEnvironment::from_env(environment.pairs(), bridges::packages());
    all.extend(names.filter_map(|name| {
        let harmless = sources.may_show(name);
        given(
            name,
            if harmless {
                Privacy::Open
            } else {
                Privacy::Secret
            },
        )
    }));
    all
}

fn shown(value: &str, privacy: Privacy) -> String {
    match privacy {
        // What is open may have been given a secret by mistake.
        Privacy::Open => unless_secret(value),
        Privacy::Address => printable(without_credentials(value).chars()),
        Privacy::Token => printable(Secret::new(value.to_owned()).hint().chars()),
        Privacy::Secret => HIDDEN.to_owned(),
    }
}

/// A URL without user, password, query and fragment, whether it is a proper one or not.
fn without_credentials(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    // A password may hold any of these, where it should not: what stands before the last @ is left out. One behind a path
    // or query may be part of a password or of a key, so neither side of it is shown.
    let (_, behind) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if behind.contains('@') {
        return format!("{scheme}{HIDDEN}");
    }
    let rest = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (place, _) = rest.split_at(end);
    format!("{scheme}{place}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    #[test]
    fn no_side_of_a_secret_is_shown() {
        for (url, told) in [
            ("wss://u:s3@cret@h/c?s3cret", "wss://h/c"),
            ("wss://h/c?key=s3@cret", "wss://(set)"),
            ("wss://u:s3/cret@h/c", "wss://(set)"),
            ("u:s3@cret@h", "h"),
        ] {
            assert_eq!(shown(url, Privacy::Address), told);
        }
        for open in ["postgres://u:s3cret@h/d", "u:s3cret@h", "rk_s3cret"] {
            assert!(!shown(open, Privacy::Open).contains("s3cret"));
        }
        assert_eq!(shown("/run/x", Privacy::Open), "/run/x");
    }

    #[test]
    fn what_is_set_is_told_with_its_origin_and_without_a_secret() {
        let pairs = [
            ("PATH", "/bin"),
            ("SEMILAYER_RUNNER_ID", "id\n1"),
            ("SEMILAYER_RUNNER_TOKEN", "rk_s3cret6789abcdefghij"),
            ("SEMILAYER_WORKERS", ""),
            ("SEMILAYER_SOURCE_SHOP_POOL_MAX", "5"),
            ("SEMILAYER_SOURCE_SHOP_PASSWORD", "s3cret"),
            ("SEMILAYER_SOURCE_SHOP_PASSWORD_FILE", "/run/x"),
            ("HTTPS_PROXY", "http://u:s3cret@proxy:3128/?s3cret"),
        ];
        let own = |(name, value): (&str, &str)| (OsString::from(name), OsString::from(value));
        let environment = Environment::of(pairs.map(own));
        let flags = Flags {
            gateway: Some("wss://u:s3@cret@h/c?s3cret".to_owned()),
            ..Flags::default()
        };
        let told: Vec<_> = effective(&flags, &environment)
            .into_iter()
            .map(|given| format!("{}={}", given.name, given.shown))
            .collect();
        assert_eq!(
            told,
            [
                "--gateway=wss://h/c",
                "SEMILAYER_RUNNER_ID=id\u{fffd}1",
                "SEMILAYER_RUNNER_TOKEN=rk_s3cre…ghij",
                "HTTPS_PROXY=http://proxy:3128/",
                "SEMILAYER_SOURCE_SHOP_PASSWORD=(set)",
                "SEMILAYER_SOURCE_SHOP_PASSWORD_FILE=/run/x",
                "SEMILAYER_SOURCE_SHOP_POOL_MAX=5",
            ]
        );
    }
}
