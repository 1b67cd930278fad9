//! What can be told from the settings alone.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::config::variables::Misspelt;
use crate::config::{Identity, OversightSettings};
use crate::inspect::check::{Check, Mark};
use crate::policy::Policy;
use crate::text::printable;
use crate::{files, tls};

/// Who the runner says it is. `variable` looks into the environment.
pub fn audit_identity(
    identity: &Identity,
    variable: impl Fn(&str) -> Option<String>,
) -> Vec<Check> {
    let odd =
        |name: &str, text: &str, advice: &str| Check::new(name, Mark::Warning, text).advise(advice);
    let mut checks = Vec::new();
    if identity.token_seen {
        let advice = "set SEMILAYER_RUNNER_TOKEN or SEMILAYER_RUNNER_TOKEN_FILE instead";
        checks.push(odd("token", TOKEN_SEEN, advice));
    }
    let set = |name| variable(name).is_some_and(|value| !value.is_empty());
    if set("SEMILAYER_RUNNER_TOKEN") && set("SEMILAYER_RUNNER_TOKEN_FILE") {
        let text = "SEMILAYER_RUNNER_TOKEN and SEMILAYER_RUNNER_TOKEN_FILE are both set; the file is not read";
        checks.push(odd("token", text, "unset one of them"));
    }
    const PASTED: &str = "paste it again, without spaces, line breaks and quotes";
    for (name, text) in [
        ("id", identity.runner_id.as_str()),
        ("token", identity.token.expose()),
    ] {
        if text.contains(char::is_whitespace) {
            checks.push(odd(name, "holds white space", PASTED));
        } else if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
            checks.push(odd(name, "begins or ends with a quote", QUOTED));
        } else if name == "token" && !text.is_empty() && !text.starts_with("rk_") {
            let advice = "is it the runner's token, from the Console, and not another key?";
            checks.push(odd(name, "does not begin with rk_", advice));
        }
    }
    checks
}

/// A proxy that is set for plain HTTP only, which nothing here speaks beyond this machine's own network. `variable` looks
/// into the environment.
pub fn audit_proxy(
    identity: &Identity,
    variable: impl Fn(&str) -> Option<String>,
) -> Option<Check> {
    let either = |names: [&'static str; 2]| {
        let set = |name: &&str| variable(name).is_some_and(|value| !value.is_empty());
        names.into_iter().find(set)
    };
    let ignored = either(["HTTP_PROXY", "http_proxy"])?;
    let used = either(["HTTPS_PROXY", "https_proxy"]).or(either(["ALL_PROXY", "all_proxy"]));
    if used.is_some() || !identity.gateway.tls {
        return None;
    }
    let text = format!("{ignored} is ignored: the gateway is reached by TLS");
    let advice = "if the way there leads through that proxy, set HTTPS_PROXY to the same";
    Some(Check::new("proxy", Mark::Warning, text).advise(advice))
}

const QUOTED: &str = "take the quotes away: an --env-file and a unit's EnvironmentFile in the wrong form pass them on";

/// Variables that nothing reads, though they look as if something should.
pub fn audit_names(misspelt: &[Misspelt]) -> Vec<Check> {
    let check = |name: &Misspelt| {
        let text = printable(name.text().chars());
        Check::new("names", Mark::Warning, text)
            .fact("name", name.name.as_str())
            .fact("meant", name.meant.clone())
    };
    misspelt.iter().map(check).collect()
}

/// The files with further roots. `variable` looks into the environment.
pub fn audit_roots(variable: impl Fn(&str) -> Option<String>) -> Vec<Check> {
    let mut checks = Vec::new();
    for name in tls::EXTRA_ROOTS {
        let Some(file) = variable(name).filter(|file| !file.is_empty()) else {
            continue;
        };
        checks.push(match tls::Pem::File(PathBuf::from(&file)).certificates() {
            Ok(found) => {
                let text = format!(
                    "{} more roots from {}",
                    found.len(),
                    printable(file.chars())
                );
                Check::new(name, Mark::Good, text).fact("certificates", found.len())
            }
            Err(error) => {
                let text = format!("{} {error}", printable(file.chars()));
                Check::new(name, Mark::Warning, text)
                    .advise("nothing in that file is trusted; in a container, is it mounted?")
            }
        });
    }
    checks
}

/// The policy, which has been read, and whether the audit log can be written to; nothing is created.
pub fn audit_oversight(settings: &OversightSettings, policy: Option<&Policy>) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(policy) = policy {
        let count = policy.len();
        let text = format!("is read; number of sources it has entries for: {count}");
        let check = Check::new("policy", Mark::Good, text).fact("entries", count);
        checks.push(match policy.is_empty() {
            true => check.advise("every job is refused"),
            false => check,
        });
    }
    if let Some(audit) = &settings.audit {
        let shown = printable(audit.path.to_string_lossy().chars());
        let mut options = OpenOptions::new();
        files::never_wait(options.append(true));
        let opened = options.open(&audit.path);
        checks.push(match opened {
            Ok(_) => Check::new("audit", Mark::Good, format!("{shown} can be appended to")),
            Err(error) if error.kind() == ErrorKind::NotFound && has_folder(&audit.path) => {
                let text = format!("{shown} is not there yet, and will be created at the start");
                Check::new("audit", Mark::Good, text)
            }
            Err(error) => {
                let text = format!("{shown} cannot be opened for appending: {error}");
                Check::new("audit", Mark::Bad, text).advise(
                    "the runner does not start without it: mend it, or unset SEMILAYER_AUDIT_LOG",
                )
            }
        });
    }
    checks
}

fn has_folder(file: &Path) -> bool {
    match file.parent() {
        Some(folder) if folder.as_os_str().is_empty() => true,
        Some(folder) => folder.is_dir(),
        None => false,
    }
}

/// What is wrong with a token on the command line.
const TOKEN_SEEN: &str =
    "given as --token, which every user of this machine can read in its process list";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flags, Settings};
    use crate::secret::Secret;

    fn audit(flag: Option<&str>, id: &str, token: &str) -> Vec<String> {
        let flags = Flags {
            token: flag.map(|token| Secret::new(token.to_owned())),
            ..Flags::default()
        };
        let variable = |name: &str| match name {
            "SEMILAYER_RUNNER_ID" => Some(id.to_owned()),
            "SEMILAYER_RUNNER_TOKEN" => Some(token.to_owned()),
            _ => None,
        };
        let identity = Settings::survey(&flags, variable)
            .into_settings()
            .unwrap()
            .identity;
        let checks = audit_identity(&identity, variable);
        checks.iter().map(Check::sentence).collect()
    }

    #[test]
    fn what_is_odd_about_id_and_token_is_told_without_the_token() {
        assert_eq!(audit(None, "x", "rk_1"), [""; 0]);
        for (id, token, begins) in [
            ("x", "rk_s3cret\n", "token: holds white space"),
            ("x", "s3cret", "token: does not begin with rk_"),
            ("x", "\"rk_s3cret\"", "token: begins or ends with a quote"),
            ("'x'", "rk_s3cret", "id: begins or ends with a quote"),
            (" x", "rk_s3cret", "id: holds white space"),
        ] {
            let told = audit(None, id, token);
            assert!(told[0].starts_with(begins) && told.len() == 1, "{told:?}");
            assert!(!told.concat().contains("s3cret"));
        }
        let seen = audit(Some("rk_s3cret"), "x", "");
        assert!(seen[0].starts_with("token: given as --token"), "{seen:?}");
        assert!(!seen.concat().contains("s3cret"));
    }

    #[test]
    fn two_tokens_are_one_too_many() {
        let variable = |name: &str| match name {
            "SEMILAYER_RUNNER_ID" => Some("x".to_owned()),
            "SEMILAYER_RUNNER_TOKEN" | "SEMILAYER_RUNNER_TOKEN_FILE" => Some("rk_1".to_owned()),
            _ => None,
        };
        let flags = Flags {
            gateway: Some("wss://h/c".to_owned()),
            ..Flags::default()
        };
        let identity = Settings::survey(&flags, variable)
            .into_settings()
            .unwrap()
            .identity;
        let told = audit_identity(&identity, variable)[0].sentence();
        assert!(
            told.contains("are both set") && told.contains("unset one"),
            "{told}"
        );
    }

    #[test]
    fn a_file_of_roots_that_is_not_there_is_told() {
        let file = |name: &str| (name == "SSL_CERT_FILE").then(|| "/nonexistent/ca.pem".to_owned());
        let told: Vec<_> = audit_roots(file)
            .into_iter()
            .map(|check| check.text)
            .collect();
        assert_eq!(
            told,
            ["/nonexistent/ca.pem cannot be read: No such file or directory (os error 2)"]
        );
    }
}
