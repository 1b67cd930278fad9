//! What `doctor` found, in lines and as JSON.

use std::io;

use serde_json::{Map, Value, json};

use crate::cli::style::{Style, word};
use crate::cli::{CONFIG, say, variable, version};
use crate::config::{ConfigError, Settings};
use crate::gateway::short;
use crate::inspect::{Check, Mark, Reached};
use crate::tls::chain;

const FIREWALL: &str =
    "check outbound firewall rules; the runner needs TCP 443 to reach the gateway.";
const HEALTHY: &str =
    "\nRunner environment looks healthy. Run `semilayer-runner start` to connect.";

/// What was found.
#[derive(Default)]
pub(super) struct Report {
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
    pub(super) fn section(&mut self, title: &'static str, checks: Vec<Check>, empty: &'static str) {
        self.sections.push((title, checks, empty));
    }

    pub(super) fn config(&mut self, problems: &[ConfigError]) {
        self.unusable = true;
        let bad = |problem: &ConfigError| Check::new("config", Mark::Bad, problem.to_string());
        self.official.extend(problems.iter().map(bad));
    }

    /// What the official runner looks at. Only the probe differs: it goes the way that the runner goes,
    /// through the proxy and unencrypted to a `ws` gateway.
    pub(super) fn official(&mut self, settings: &Settings, reached: &Reached) {
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

    pub(super) fn about(&mut self, settings: &Settings) {
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

    pub(super) fn checks(&self) -> impl Iterator<Item = &Check> {
        let others = self.sections.iter().flat_map(|(_, checks, _)| checks);
        self.official.iter().chain(others)
    }

    pub(super) fn code(&self) -> u8 {
        match self.unusable {
            true => CONFIG,
            false => u8::from(self.checks().any(|check| check.mark == Mark::Bad)),
        }
    }

    /// The official lines, in the official words and on the official streams; then ours.
    pub(super) fn print(&self) {
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
    pub(super) fn as_json(&self) -> Value {
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
