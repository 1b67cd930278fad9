//! The runner-local sources of the environment, each really connected to.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::bridges::{self, Bridge};
use crate::error::{ErrorCode, JobError};
use crate::inspect::ask;
use crate::inspect::container::names_this_machine;
use crate::job::{Privileges, ServerFacts};
use crate::limits;
use crate::options::Request;
use crate::policy::Policy;
use crate::sources::{
    CredentialsLocation, LocalNames, LocalSource, Source, SourceEnvironment, variable_name,
};

/// What was found out about one source.
#[derive(Debug)]
pub struct SourceReport {
    /// Its name as it appears in its variables.
    pub name: String,
    /// Its bridge package, if that could be told.
    pub bridge: Option<String>,
    /// What is odd about its variables, though it may work.
    pub oddities: Vec<String>,
    /// The policy's word when it refuses every job on it.
    pub refused: Option<String>,
    /// Its address is the container's own, in which this process runs.
    pub inside: bool,
    /// The facts, or why there are none.
    pub outcome: Result<SourceFacts, JobError>,
}

/// A source that answers.
#[derive(Debug)]
pub struct SourceFacts {
    /// Time to connect and to get the first answer.
    pub connect: Duration,
    /// The server behind it.
    pub server: ServerFacts,
    /// Number of targets it lists.
    pub targets: u64,
    /// What its role may do beyond reading, or why that is not known.
    pub privileges: Result<Privileges, JobError>,
}

/// The sources that the environment describes: all of them, or those that are named, in the form of the
/// Console or of the variables.
///
/// # Errors
/// The first name for which there is no variable.
pub fn find_sources(
    environment: &SourceEnvironment,
    names: &[String],
) -> Result<Vec<LocalSource>, String> {
    let all = environment.local_sources();
    if names.is_empty() {
        return Ok(all);
    }
    names
        .iter()
        .map(|name| {
            let wanted = variable_name(name);
            let found = all.iter().find(|source| source.name == wanted);
            found.cloned().ok_or_else(|| {
                format!("no variable SEMILAYER_SOURCE_{wanted}_… describes a source {name:?}")
            })
        })
        .collect()
}

/// Opens a source of the environment: its configuration is read and checked, nothing is connected yet.
pub fn open_source(
    environment: &SourceEnvironment,
    source: &LocalSource,
) -> Result<Arc<dyn Bridge>, JobError> {
    let bridge = source.bridge.clone()?;
    let config = environment.config_for(&source.name, &bridge, &LocalNames::default())?;
    bridges::open(&Source {
        id: source.name.clone(),
        name: source.name.clone(),
        bridge,
        credentials: CredentialsLocation::RunnerLocal,
        config,
    })
}

/// Connects to every one of these sources, some at a time; the reports are in the order of the sources. What a
/// policy makes of a source is told, but does not keep anything from being found out. `in_container` says whether
/// this process runs in one.
pub fn check_sources(
    environment: &SourceEnvironment,
    sources: &[LocalSource],
    policy: Option<&Policy>,
    in_container: bool,
    budget: Duration,
) -> Vec<SourceReport> {
    let mut reports = Vec::with_capacity(sources.len());
    for group in sources.chunks(limits::WORKERS) {
        thread::scope(|scope| {
            let checks: Vec<_> = group
                .iter()
                .map(|source| {
                    let check = move || check(environment, source, budget);
                    let spawned = thread::Builder::new()
                        .name("check-source".to_owned())
                        .spawn_scoped(scope, check);
                    (source, spawned)
                })
                .collect();
            for (source, spawned) in checks {
                let outcome = match spawned {
                    Ok(handle) => handle.join().unwrap_or_else(|_| {
                        Err(JobError::new(ErrorCode::Internal, "the check has panicked"))
                    }),
                    Err(error) => Err(JobError::new(
                        ErrorCode::Overloaded,
                        format!("no thread to check on: {error}"),
                    )),
                };
                reports.push(SourceReport {
                    name: source.name.clone(),
                    bridge: source.bridge.clone().ok(),
                    oddities: oddities(environment, source, outcome.is_ok()),
                    refused: refused(source, policy),
                    inside: in_container && is_inside(environment, source),
                    outcome,
                });
            }
        });
    }
    reports
}

/// Where the source fails, its error says what is wrong with the variables.
fn oddities(environment: &SourceEnvironment, source: &LocalSource, works: bool) -> Vec<String> {
    match (&source.bridge, works) {
        (Ok(bridge), true) => environment.problems(&source.name, bridge, &LocalNames::default()),
        _ => Vec::new(),
    }
}

fn refused(source: &LocalSource, policy: Option<&Policy>) -> Option<String> {
    source.bridge.as_ref().ok()?;
    let denied = policy?.admit(&source.name, &source.name, true).err()?;
    Some(denied.message)
}

fn is_inside(environment: &SourceEnvironment, source: &LocalSource) -> bool {
    let config = source.bridge.as_ref().ok();
    let config = config.and_then(|bridge| {
        environment
            .config_for(&source.name, bridge, &LocalNames::default())
            .ok()
    });
    config.is_some_and(|config| names_this_machine(&config))
}

fn check(
    environment: &SourceEnvironment,
    source: &LocalSource,
    budget: Duration,
) -> Result<SourceFacts, JobError> {
    let bridge = open_source(environment, source)?;
    let question = |request| ask(&bridge, None, request, budget, |_| {});
    let test = question(Request::Test)?;
    let server = test
        .summary
        .server
        .ok_or_else(|| JobError::query_failed("the server says nothing about itself"))?;
    let mut targets = 0;
    ask(&bridge, None, Request::ListTargets, budget, |_| {
        targets += 1;
    })?;
    Ok(SourceFacts {
        connect: test.took,
        server,
        targets,
        privileges: question(Request::Privileges)
            .map(|answer| answer.summary.privileges.unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Package;
    use std::ffi::OsString;

    fn environment(variables: &[(&str, &str)]) -> SourceEnvironment {
        let pairs = variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        SourceEnvironment::from_env(pairs, bridges::packages())
    }

    #[test]
    fn sources_are_found_by_either_form_of_their_name() {
        let environment = environment(&[
            ("SEMILAYER_SOURCE_PRIMARY_DB_BRIDGE", "any"),
            ("SEMILAYER_SOURCE_SHOP_BRIDGE", "any"),
        ]);
        let found = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            find_sources(&environment, &names)
                .map(|found| found.into_iter().map(|s| s.name).collect::<Vec<_>>())
        };
        assert_eq!(found(&[]).unwrap(), ["PRIMARY_DB", "SHOP"]);
        assert_eq!(
            found(&["shop", "primary-db"]).unwrap(),
            ["SHOP", "PRIMARY_DB"]
        );
        let missing = found(&["shop", "sh-op"]).unwrap_err();
        assert!(missing.contains("SEMILAYER_SOURCE_SH_OP_"), "{missing}");
    }

    #[test]
    fn a_source_that_cannot_be_opened_is_reported() {
        let environment = environment(&[
            ("SEMILAYER_SOURCE_A_URL", "strange://h"),
            ("SEMILAYER_SOURCE_B_BRIDGE", "oracle"),
        ]);
        let sources = environment.local_sources();
        let reports = check_sources(&environment, &sources, None, false, Duration::from_secs(5));
        let codes: Vec<_> = reports
            .iter()
            .map(|r| r.outcome.as_ref().map(|_| ()).unwrap_err().code)
            .collect();
        // Where no bridge in the binary has a URL, a variable of that name is no source's.
        let has_urls = bridges::packages().any(|package| package.found_by.contains(&"URL"));
        let expected = [ErrorCode::SourceConfig, ErrorCode::UnknownBridge];
        assert_eq!(codes, expected[usize::from(!has_urls)..]);
        assert_eq!(
            reports[codes.len() - 1].bridge.as_deref(),
            Some(Package::long_name("oracle").as_str())
        );
    }
}
