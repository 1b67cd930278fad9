//! What the sources' reports mean, and what somebody can do about them.

use crate::error::{ErrorCode, JobError};
use crate::inspect::SourceReport;
use crate::inspect::check::{Check, Mark};
use crate::job::{KeptBy, ServerFacts};
use crate::sources::SourceEnvironment;
use crate::text::printable;

/// Variables that describe no source.
pub fn audit_variables(environment: &SourceEnvironment) -> Option<Check> {
    let unclaimed = environment.unclaimed();
    if unclaimed.is_empty() {
        return None;
    }
    let told: Vec<_> = unclaimed
        .into_iter()
        .map(|(name, meant)| match meant {
            Some(meant) => format!("{name} (did you mean {meant}?)"),
            None => name,
        })
        .collect();
    let text = format!("part of no source: {}", told.join(", "));
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
            return vec![match advice(error, report) {
                Some(advice) => check.advise(advice),
                None => check,
            }];
        }
        Ok(facts) => facts,
    };
    let mut checks = Vec::new();
    let text = format!(
        "{}, {}, {}, {} targets ({:.1} ms)",
        printable(facts.server.version.chars()),
        if facts.server.tls { "TLS" } else { "no TLS" },
        read_only(&facts.server),
        facts.targets,
        facts.connect.as_secs_f64() * 1000.0
    );
    let mark = match report.refused {
        None => Mark::Good,
        Some(_) => Mark::Warning,
    };
    checks.push(
        Check::new(&name, mark, text)
            .fact("server", facts.server.version.as_str())
            .fact("tls", facts.server.tls)
            .fact("readOnly", facts.server.read_only)
            .fact("readOnlyBy", facts.server.kept_by.as_str())
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
    if let Some(rule) = &report.refused {
        let text = format!("{rule}, so its jobs are refused");
        let check = Check::new(&name, Mark::Warning, printable(text.chars()));
        checks
            .push(check.advise("give it an entry in SEMILAYER_POLICY, or take its variables away"));
    }
    for oddity in &report.oddities {
        checks.push(Check::new(&name, Mark::Warning, oddity.as_str()));
    }
    checks
}

/// Whether a source can be written to, and what keeps it from that.
fn read_only(server: &ServerFacts) -> &'static str {
    match (server.kept_by, server.read_only) {
        (KeptBy::Session, true) => "read-only session",
        (KeptBy::Transaction, true) => "a read-only transaction for every job",
        (KeptBy::File, true) => "opened read-only",
        (KeptBy::Role, true) => "read-only by its role alone",
        (KeptBy::Role, false) => "not read-only, which only its role could keep it",
        (_, false) => "session is not read-only",
    }
}

/// What somebody can do about a source that fails; nothing where its error says that already.
fn advice(error: &JobError, report: &SourceReport) -> Option<&'static str> {
    match error.code {
        ErrorCode::SourceUnreachable if report.inside => Some(
            "127.0.0.1 in a container is the container itself: name the database's service, or this host as the \
             container sees it (host.docker.internal, host.containers.internal)",
        ),
        ErrorCode::SourceUnreachable => Some(
            "is its address right, does the database listen there, and may this process get there?",
        ),
        ErrorCode::SourceAuthFailed => {
            Some("are user and password right, and may they come from this host?")
        }
        ErrorCode::DeadlineExceeded => Some(
            "something takes connections there and does not answer: is it this kind of database?",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::SourceFacts;
    use crate::job::Privileges;
    use std::time::Duration;

    #[test]
    fn a_role_that_may_write_is_a_warning() {
        let mut report = SourceReport {
            name: "SHOP".to_owned(),
            bridge: None,
            oddities: Vec::new(),
            refused: None,
            inside: false,
            outcome: Ok(SourceFacts {
                connect: Duration::from_millis(3),
                server: ServerFacts {
                    version: "PostgreSQL 15".to_owned(),
                    tls: false,
                    read_only: true,
                    kept_by: KeptBy::Session,
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
        for (kept_by, words) in [
            (KeptBy::Transaction, "a read-only transaction for every job"),
            (KeptBy::Role, "read-only by its role alone"),
        ] {
            if let Ok(facts) = &mut report.outcome {
                facts.server.kept_by = kept_by;
            }
            let text = &audit_source(&report)[0].text;
            assert!(text.contains(words), "{text}");
        }
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

    #[test]
    fn what_to_do_depends_on_where_the_source_should_be() {
        let mut report = SourceReport {
            name: "SHOP".to_owned(),
            bridge: None,
            oddities: Vec::new(),
            refused: None,
            inside: false,
            outcome: Err(JobError::unreachable("refused")),
        };
        let told = |report: &SourceReport| audit_source(report)[0].advice.clone().unwrap();
        assert!(told(&report).contains("does the database listen there"));
        report.inside = true;
        assert!(told(&report).contains("is the container itself"));
    }
}
