//! `doctor`: the official lines first, then the way to the gateway step by step, then the sources.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::bridges;
use crate::cli::arguments::Arguments;
use crate::cli::style::{Style, word};
use crate::cli::{
    CONFIG, DiagnosticLog, bundle, oddities, say, say_json, sources, survey, variable, version,
};
use crate::config::{ConfigError, OversightSettings, Settings};
use crate::gateway::short;
use crate::inspect::{
    Check, Mark, Reached, Walk, audit_oversight, audit_roots, audit_source, audit_variables,
    check_sources, is_container,
};
use crate::policy::Policy;
use crate::protocol::client_frame;
use crate::tls::chain;
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

const FIREWALL: &str =
    "check outbound firewall rules; the runner needs TCP 443 to reach the gateway.";
const HEALTHY: &str =
    "\nRunner environment looks healthy. Run `semilayer-runner start` to connect.";

/// What was found.
#[derive(Default)]
struct Report {
    /// The official checks.
    official: Vec<Check>,
    /// Each with its title, and what is said when there is nothing in it.
    sections: Vec<(&'static str, Vec<Check>, &'static str)>,
    /// The configuration cannot work.
    unusable: bool,
    /// What programs want to know besides.
    facts: Map<String, Value>,
}

impl Report {
    fn section(&mut self, title: &'static str, checks: Vec<Check>, empty: &'static str) {
        self.sections.push((title, checks, empty));
    }

    fn config(&mut self, problems: &[ConfigError]) {
        self.unusable = true;
        let bad = |problem: &ConfigError| Check::new("config", Mark::Bad, problem.to_string());
        self.official.extend(problems.iter().map(bad));
    }

    /// What the official runner looks at. Only the probe differs: it goes the way that the runner goes,
    /// through the proxy and unencrypted to a `ws` gateway.
    fn official(&mut self, settings: &Settings, reached: &Reached) {
        let id = short(Some(&settings.identity.runner_id));
        let loaded = format!("config loaded (runner {id}…)");
        self.official.push(Check::new("config", Mark::Good, loaded));
        let gateway = &settings.identity.gateway;
        let scheme = if gateway.tls { "https" } else { "http" };
        let probe = format!("{scheme}://{}/health", gateway.authority());
        let check = match &reached.health {
            Ok(health) => {
                let text = format!("{probe} → {}", health.status);
                Check::new("reachable", Mark::Good, text).fact("status", health.status)
            }
            Err(error) => {
                let text = format!("{gateway} — {}", chain(error));
                let check = Check::new("reachable", Mark::Bad, text);
                // The official runner knows of no proxy; behind one its port is what matters.
                match settings.proxy {
                    None => check.advise(FIREWALL),
                    Some(_) => check.advise(error.advice()),
                }
            }
        };
        self.official.push(check.fact("probe", probe));
    }

    fn about(&mut self, settings: &Settings) {
        let identity = &settings.identity;
        let proxy = settings.proxy.as_ref().map(ToString::to_string);
        for (name, value) in [
            ("runnerId", json!(identity.runner_id)),
            ("gateway", json!(identity.gateway.to_string())),
            ("proxy", json!(proxy)),
        ] {
            self.facts.insert(name.to_owned(), value);
        }
    }

    fn checks(&self) -> impl Iterator<Item = &Check> {
        let others = self.sections.iter().flat_map(|(_, checks, _)| checks);
        self.official.iter().chain(others)
    }

    fn code(&self) -> u8 {
        match self.unusable {
            true => CONFIG,
            false => u8::from(self.checks().any(|check| check.mark == Mark::Bad)),
        }
    }

    /// The official lines, in the official words and on the official streams; then ours.
    fn print(&self) {
        let (out, err) = (Style::stdout(variable), Style::stderr(variable));
        for check in &self.official {
            let (name, text) = (&check.name, &check.text);
            match (check.mark, name.as_str()) {
                (Mark::Bad, "config") => {
                    say(
                        io::stderr(),
                        &format!("{} config: {text}", err.mark(Mark::Bad)),
                    );
                }
                (Mark::Bad, _) => {
                    let advice = check.advice.as_deref().unwrap_or_default();
                    let mark = err.mark(Mark::Bad);
                    say(io::stderr(), &format!("{mark} {name}  {text}\n   {advice}"));
                }
                (_, "config") => say(io::stdout(), &format!("{} {text}", out.mark(Mark::Good))),
                _ => say(
                    io::stdout(),
                    &format!("{} {name}  {text}", out.mark(Mark::Good)),
                ),
            }
        }
        if self.code() == 0 {
            say(io::stdout(), HEALTHY);
        }
        for (title, checks, empty) in &self.sections {
            say(io::stdout(), &format!("\n{}", out.heading(title)));
            if checks.is_empty() {
                say(io::stdout(), &format!("  {empty}"));
            }
            let width = checks.iter().map(|check| check.name.chars().count());
            let width = width.max().unwrap_or(0);
            for check in checks {
                let mark = out.mark(check.mark);
                say(
                    io::stdout(),
                    &format!("{mark} {:<width$} {}", check.name, check.text),
                );
                if let Some(advice) = &check.advice {
                    say(io::stdout(), &format!("{:1$}{advice}", "", width + 3));
                }
            }
        }
        if self.code() != 0 {
            say(
                io::stdout(),
                "\nSomething does not work: see the lines with ✗ above.",
            );
        }
    }

    /// The whole examination as one JSON object.
    fn as_json(&self) -> Value {
        let checks: Vec<Value> = self.checks().map(as_json).collect();
        let mut object = json!({ "ok": self.code() == 0, "exitCode": self.code() });
        if let Some(object) = object.as_object_mut() {
            object.extend(self.facts.clone());
            object.insert("binary".to_owned(), version::facts());
            object.insert("checks".to_owned(), Value::Array(checks));
        }
        object
    }
}

fn as_json(check: &Check) -> Value {
    let mut object = json!({
        "check": check.name,
        "state": word(check.mark),
        "text": check.text,
    });
    if let Some(object) = object.as_object_mut() {
        if let Some(advice) = &check.advice {
            object.insert("advice".to_owned(), json!(advice));
        }
        object.extend(check.facts.clone());
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_one_object() {
        let check = Check::new("tcp", Mark::Warning, "slow")
            .advise("wait")
            .fact("ms", 7);
        assert_eq!(
            as_json(&check),
            json!({"check": "tcp", "state": "warning", "text": "slow", "advice": "wait", "ms": 7})
        );
    }

    #[test]
    fn a_configuration_that_cannot_work_goes_before_what_fails() {
        let mut report = Report::default();
        assert_eq!(report.code(), 0);
        report.section("x", vec![Check::new("tcp", Mark::Warning, "slow")], "");
        assert_eq!(report.code(), 0);
        report.section("x", vec![Check::new("tcp", Mark::Bad, "refused")], "");
        assert_eq!(report.code(), 1);
        report.config(&[ConfigError::MissingId]);
        assert_eq!(report.code(), CONFIG);
    }
}
