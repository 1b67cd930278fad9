//! `test-source`: every runner-local source really connected to, or the rows of one of its targets.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::bridges::Bridge;
use crate::cli::arguments::Arguments;
use crate::cli::source_report::{as_json, table};
use crate::cli::style::Style;
use crate::cli::{DiagnosticLog, config_error, environment, say, say_json, sources, variable};
use crate::config::OversightSettings;
use crate::error::{ErrorCode, JobError};
use crate::inspect::{
    Rules, ask, audit_variables, check_sources, find_sources, is_container, open_source,
};
use crate::limits;
use crate::options::{JobKind, Request};
use crate::policy::Policy;
use crate::sources::{LocalSource, SourceEnvironment};
use crate::text::{printable, printable_json};

/// Tests, prints, and says whether all went well.
pub fn run(arguments: &Arguments) -> ExitCode {
    let _log = DiagnosticLog::start();
    if let [problem, ..] = environment().problems() {
        return config_error(problem);
    }
    let environment = sources();
    let sources = match find_sources(&environment, &arguments.words) {
        Ok(sources) => sources,
        Err(problem) => return fail(&problem),
    };
    let policy = OversightSettings::load(variable).and_then(|settings| settings.load_policy());
    let policy = match policy {
        Ok(policy) => policy,
        Err(error) => return config_error(&error),
    };
    if let Some(odd) = audit_variables(&environment) {
        log::warn!("{}", odd.sentence());
    }
    match arguments.value("--query") {
        Some(target) => match show_rows(arguments, target, &environment, &sources, policy) {
            Ok(()) => ExitCode::SUCCESS,
            Err(problem) => fail(&problem),
        },
        None => show_reports(arguments, &environment, &sources, policy.as_ref()),
    }
}

fn fail(problem: &str) -> ExitCode {
    say(io::stderr(), &format!("error: {problem}"));
    ExitCode::FAILURE
}

fn show_reports(
    arguments: &Arguments,
    environment: &SourceEnvironment,
    sources: &[LocalSource],
    policy: Option<&Policy>,
) -> ExitCode {
    let reports = check_sources(
        environment,
        sources,
        policy,
        is_container(variable),
        limits::JOB_DEADLINE,
    );
    if arguments.given("--json") {
        let all: Vec<Value> = reports.iter().map(as_json).collect();
        say_json(&json!(all));
    } else if reports.is_empty() {
        say(io::stdout(), NONE);
    } else {
        say(io::stdout(), &table(&reports, Style::stdout(variable)));
    }
    if reports.iter().all(|report| report.outcome.is_ok()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

const NONE: &str = "\
No runner-local source in the environment: SEMILAYER_SOURCE_<NAME>_URL, or _HOST and _DATABASE, or _PATH
describe one. Sources that SemiLayer manages are tested by the \"Test connection\" button in the Console.
";

/// A database's message may hold anything.
fn shown(error: &JobError) -> String {
    printable(error.to_string().chars())
}

/// Rows of one target, one JSON object a line: exactly what the gateway would get, and no more than that.
fn show_rows(
    arguments: &Arguments,
    target: &str,
    environment: &SourceEnvironment,
    sources: &[LocalSource],
    policy: Option<Policy>,
) -> Result<(), String> {
    let [source] = sources else {
        return Err(match sources.len() {
            0 => NONE.trim_end().to_owned(),
            _ => "--query needs one source: test-source NAME --query TARGET".to_owned(),
        });
    };
    let limit = match arguments.value("--limit") {
        None => limits::SHOWN_ROWS,
        Some(text) => text
            .parse::<u64>()
            .map_err(|_| "--limit must be a whole number".to_owned())?,
    };
    let rules = policy.map(|policy| Rules {
        policy: Arc::new(policy),
        source: source.name.clone(),
    });
    let failed = |error: JobError| match error.code {
        ErrorCode::SourceConfig => shown(&error),
        _ => format!("{}: {}", source.name, shown(&error)),
    };
    let bridge = open_source(environment, source).map_err(failed)?;
    if target.is_empty() {
        let names = target_names(&bridge, rules).map_err(failed)?;
        let names = printable(names.join(", ").chars());
        return Err(format!(
            "--query needs the name of a target; there are: {names}"
        ));
    }
    // Not `query`, which would count the whole target for its total.
    let options = json!({ "where": {}, "limit": limit });
    let package = bridge.package();
    let request = Request::parse(JobKind::BatchRead, target, &options, &package.options);
    let request = request.map_err(failed)?;
    let mut out = io::stdout().lock();
    let mut rows = 0_u64;
    let answer = ask(&bridge, rules, request, limits::JOB_DEADLINE, |row| {
        rows += 1;
        // A closed stream is no reason to fail.
        let _ = writeln!(out, "{}", printable_json(row));
    })
    .map_err(failed)?;
    drop(out);
    if !arguments.given("--json") {
        say(
            io::stderr(),
            &format!(
                "{rows} rows of {} in {:.1} ms",
                printable(target.chars()),
                answer.took.as_secs_f64() * 1000.0
            ),
        );
    }
    Ok(())
}

/// What there is to choose from; the first of many.
fn target_names(bridge: &Arc<dyn Bridge>, rules: Option<Rules>) -> Result<Vec<String>, JobError> {
    /// A row of `listTargets`.
    #[derive(Deserialize)]
    struct Row {
        name: String,
    }
    let mut names = Vec::new();
    ask(
        bridge,
        rules,
        Request::ListTargets,
        limits::JOB_DEADLINE,
        |row| {
            let row: Result<Row, _> = serde_json::from_str(row);
            names.extend(row.map(|row| row.name));
        },
    )?;
    let more = names.len().saturating_sub(limits::SHOWN_TARGETS);
    names.truncate(limits::SHOWN_TARGETS);
    match (names.is_empty(), more) {
        (true, _) => names.push("none".to_owned()),
        (false, 0) => {}
        (false, more) => names.push(format!("{more} more")),
    }
    Ok(names)
}
