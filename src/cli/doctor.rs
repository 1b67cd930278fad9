//! `doctor`: the official lines first, then the way to the gateway step by step, then the sources.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use crate::bridges;
use crate::cli::arguments::Arguments;
use crate::cli::doctor_report::Report;
use crate::cli::style::Style;
use crate::cli::{DiagnosticLog, bundle, oddities, say, say_json, sources, survey, variable};
use crate::config::{ConfigError, OversightSettings, Settings};
use crate::inspect::{
    Check, Mark, Reached, Walk, audit_oversight, audit_roots, audit_source, audit_variables,
    check_sources, is_container,
};
use crate::policy::Policy;
use crate::protocol::client_frame;
use crate::{limits, tls};

/// Exit code 2 for a configuration that cannot work, 1 for anything else that does not, as officially.
pub fn run(arguments: &Arguments) -> ExitCode {
    let _log = DiagnosticLog::start();
    let survey = survey(&arguments.flags());
    let mut problems = survey.problems;
    let oversight = OversightSettings::load(variable).unwrap_or_default();
    let policy = oversight.load_policy().unwrap_or_else(|problem| {
        problems.push(problem);
        None
    });
    let examination = Examination {
        arguments,
        settings: survey.settings,
        problems,
        oversight,
        policy,
    };
    let report = match examination.run() {
        Ok(report) => report,
        Err(error) => {
            say(io::stderr(), &format!("error: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = report.code();
    if arguments.given("--json") {
        say_json(&report.as_json());
    } else {
        report.print();
    }
    if let Some(file) = arguments.value("--bundle") {
        let written = bundle::write(file, arguments, report.as_json());
        let (stream, text) = match &written {
            Ok(()) => (
                Style::stderr(variable).mark(Mark::Good),
                format!("bundle written to {file}"),
            ),
            Err(problem) => (
                Style::stderr(variable).mark(Mark::Bad),
                format!("no bundle: {problem}"),
            ),
        };
        say(io::stderr(), &format!("{stream} {text}"));
        if written.is_err() {
            return ExitCode::from(code.max(1));
        }
    }
    ExitCode::from(code)
}

/// What there is to look at.
struct Examination<'a> {
    arguments: &'a Arguments,
    settings: Option<Settings>,
    problems: Vec<ConfigError>,
    oversight: OversightSettings,
    policy: Option<Policy>,
}

/// A source that is silent for this long is reported as such.
const SOURCE_BUDGET: Duration = limits::SOURCE_CONNECT;

impl Examination<'_> {
    fn run(self) -> Result<Report, rustls::Error> {
        let tls = tls::verified()?;
        let mut report = Report::default();
        let walk = self.settings.as_ref().map(|settings| Walk {
            address: &settings.identity.gateway,
            proxy: settings.proxy.as_ref(),
            tls: &tls,
        });
        let reached = walk.as_ref().map(Walk::reach);
        match (self.problems.is_empty(), &self.settings, &reached) {
            (true, Some(settings), Some(reached)) => report.official(settings, reached),
            _ => report.config(&self.problems),
        }
        let mut odd = self.settings.as_ref().map(oddities).unwrap_or_default();
        odd.extend(audit_roots(variable));
        odd.extend(audit_oversight(&self.oversight, self.policy.as_ref()));
        report.section("Settings", odd, "nothing odd about them");
        if let (Some(settings), Some(walk), Some(reached)) = (&self.settings, walk, reached) {
            let way = self.way(settings, &walk, reached);
            report.section("The way to the gateway", way, "");
        }
        report.section(
            "Sources of this environment",
            self.sources(),
            "none; those that SemiLayer manages are tested in the Console",
        );
        if let Some(settings) = &self.settings {
            report.about(settings);
        }
        Ok(report)
    }

    fn way(&self, settings: &Settings, walk: &Walk<'_>, reached: Reached) -> Vec<Check> {
        let mut checks = reached.checks;
        if reached.health.is_err() {
            return checks;
        }
        let knocked = walk.probe();
        let answers = knocked.mark != Mark::Bad;
        checks.push(knocked);
        if self.arguments.given("--connect") && answers && self.problems.is_empty() {
            let identity = &settings.identity;
            let hello = client_frame::hello(
                &identity.runner_id,
                &bridges::capabilities(),
                &identity.version_label,
            );
            let environment = sources();
            checks.extend(walk.connect(&settings.credentials, &hello, &environment));
        }
        checks
    }

    fn sources(&self) -> Vec<Check> {
        let environment = sources();
        let sources = environment.local_sources();
        let policy = self.policy.as_ref();
        let inside = is_container(variable);
        let reports = check_sources(&environment, &sources, policy, inside, SOURCE_BUDGET);
        let mut checks: Vec<_> = reports.iter().flat_map(audit_source).collect();
        checks.extend(audit_variables(&environment));
        checks
    }
}
