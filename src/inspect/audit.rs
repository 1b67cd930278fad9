//! What can be told from the settings alone, and from the sources' reports.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;

use crate::config::{Identity, OversightSettings};
use crate::error::ErrorCode;
use crate::inspect::SourceReport;
use crate::inspect::check::{Check, Mark};
use crate::policy::Policy;
use crate::sources::SourceEnvironment;
use crate::text::printable;
use crate::tls;

/// The runner's own settings. `variable` looks into the environment.
pub fn audit_settings(
    identity: &Identity,
    variable: impl Fn(&str) -> Option<String>,
) -> Vec<Check> {
    let mut checks = Vec::new();
    if identity.token_seen {
        checks.push(
            Check::new("token", Mark::Warning, TOKEN_SEEN)
                .advise("set SEMILAYER_RUNNER_TOKEN or SEMILAYER_RUNNER_TOKEN_FILE instead"),
        );
    }
    let token = identity.token.expose();
    if token.trim() != token {
        checks.push(
            Check::new("token", Mark::Warning, "begins or ends with white space")
                .advise("paste it again, without spaces and line breaks"),
        );
    } else if !token.starts_with("rk_") {
        checks.push(
            Check::new("token", Mark::Warning, "does not begin with rk_")
                .advise("is it the runner's token, from the Console, and not another key?"),
        );
    }
    for name in tls::EXTRA_ROOTS {
        let Some(file) = variable(name).filter(|file| !file.is_empty()) else {
            continue;
        };
        checks.push(match tls::read_certificates(Path::new(&file)) {
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
        let opened = OpenOptions::new().append(true).open(&audit.path);
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
pub const TOKEN_SEEN: &str =
    "given as --token, which every user of this machine can read in its process list";

/// Variables that describe no source.
pub fn audit_variables(environment: &SourceEnvironment) -> Option<Check> {
    let unclaimed = environment.unclaimed();
    if unclaimed.is_empty() {
        return None;
    }
    let text = format!("part of no source: {}", unclaimed.join(", "));
    let check = Check::new("names", Mark::Warning, printable(text.chars()));
    Some(check.advise("a source has a variable …_URL, or …_HOST and …_DATABASE, or …_PATH"))
}

/// What a source's report means. The JSON of the report becomes the check's facts.
pub fn audit_source(report: &SourceReport) -> Vec<Check> {
    let name = format!("source {}", report.name);
    let facts = match &report.outcome {
        Err(error) => {
            let text = printable(error.to_string().chars());
            let check = Check::new(name, Mark::Bad, text).fact("code", error.code.as_str());
            return vec![match error.code {
                ErrorCode::SourceUnreachable => {
                    check.advise("is its address right, and may this process get there?")
                }
                ErrorCode::SourceAuthFailed => {
                    check.advise("are user and password right, and may they come from this host?")
                }
                _ => check,
            }];
        }
        Ok(facts) => facts,
    };
    let mut checks = Vec::new();
    let text = format!(
        "{}, {}, {}, {} targets ({:.1} ms)",
        printable(facts.server.version.chars()),
        if facts.server.tls { "TLS" } else { "no TLS" },
        if facts.server.read_only {
            "read-only session"
        } else {
            "session is not read-only"
        },
        facts.targets,
        facts.connect.as_secs_f64() * 1000.0
    );
    checks.push(
        Check::new(&name, Mark::Good, text)
            .fact("server", facts.server.version.as_str())
            .fact("tls", facts.server.tls)
            .fact("readOnly", facts.server.read_only)
            .fact("targets", facts.targets),
    );
    match &facts.privileges {
        Ok(privileges) if privileges.beyond_reading.is_empty() => {}
        Ok(privileges) => {
            let may = privileges.beyond_reading.join("; ");
            let text = printable(format!("the role {} may {may}", privileges.role).chars());
            checks.push(
                Check::new(&name, Mark::Warning, text)
                    .advise("give the runner a role that may only read; only grants truly keep it from writing")
                    .fact("mayBeyondReading", privileges.beyond_reading.clone()),
            );
        }
        Err(error) => {
            let text = format!("its role's rights are not known: {error}");
            checks.push(Check::new(&name, Mark::Warning, printable(text.chars())));
        }
    }
    for oddity in &report.oddities {
        checks.push(Check::new(&name, Mark::Warning, oddity.as_str()));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Flags;
    use crate::inspect::SourceFacts;
    use crate::job::{Privileges, ServerFacts};
    use std::time::Duration;

    fn audit(words: &[&str], token: &str) -> Vec<String> {
        let words: Vec<_> = words.iter().map(Into::into).collect();
        let flags = Flags::parse(&words);
        let variable = |name: &str| match name {
            "SEMILAYER_RUNNER_ID" => Some("x".to_owned()),
            "SEMILAYER_RUNNER_TOKEN" => Some(token.to_owned()),
            "SSL_CERT_FILE" => Some("/nonexistent/ca.pem".to_owned()),
            _ => None,
        };
        let identity = Identity::load(&flags, variable).unwrap();
        let checks = audit_settings(&identity, variable);
        checks
            .into_iter()
            .map(|c| format!("{}: {}", c.name, c.text))
            .collect()
    }

    #[test]
    fn what_is_odd_about_the_token_is_told_without_it() {
        let file = "SSL_CERT_FILE: /nonexistent/ca.pem cannot be read: No such file or directory (os error 2)";
        assert_eq!(audit(&[], "rk_1"), [file]);
        assert_eq!(
            audit(&[], "rk_s3cret\n")[0],
            "token: begins or ends with white space"
        );
        assert_eq!(audit(&[], "s3cret")[0], "token: does not begin with rk_");
        let seen = audit(&["--token", "rk_s3cret"], "");
        assert!(seen[0].starts_with("token: given as --token"), "{seen:?}");
        assert!(!seen.concat().contains("s3cret"));
    }

    #[test]
    fn a_role_that_may_write_is_a_warning() {
        let mut report = SourceReport {
            name: "SHOP".to_owned(),
            bridge: None,
            oddities: Vec::new(),
            outcome: Ok(SourceFacts {
                connect: Duration::from_millis(3),
                server: ServerFacts {
                    version: "PostgreSQL 15".to_owned(),
                    tls: false,
                    read_only: true,
                },
                targets: 2,
                privileges: Ok(Privileges::default()),
            }),
        };
        let checks = audit_source(&report);
        assert_eq!(checks.len(), 1);
        assert_eq!(
            checks[0].text,
            "PostgreSQL 15, no TLS, read-only session, 2 targets (3.0 ms)"
        );
        if let Ok(facts) = &mut report.outcome {
            facts.privileges = Ok(Privileges {
                role: "app".to_owned(),
                beyond_reading: vec!["do anything (superuser)".to_owned()],
            });
        }
        let checks = audit_source(&report);
        assert_eq!(checks[1].mark, Mark::Warning);
        assert_eq!(checks[1].text, "the role app may do anything (superuser)");
    }
}
