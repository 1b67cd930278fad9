//! `doctor`: the official lines first, then the way to the gateway step by step, then the sources.

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bridges;
use crate::cli::style::{Style, word};
use crate::cli::{CONFIG, DiagnosticLog, say, variable};
use crate::config::{Flags, Settings};
use crate::gateway::short;
use crate::inspect::{
    Check, Mark, Reached, Walk, audit_oversight, audit_settings, audit_source, audit_variables,
    check_sources,
};
use crate::policy::Policy;
use crate::protocol::client_frame;
use crate::sources::SourceEnvironment;
use crate::tls::chain;
use crate::{limits, tls};

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wish {
    flags: Flags,
    /// Authenticate, too.
    connect: bool,
    json: bool,
}

impl Wish {
    /// Reads the arguments after the command.
    pub fn parse(arguments: &[OsString]) -> Self {
        let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
        Self {
            flags: Flags::parse(arguments),
            connect: given("--connect"),
            json: given("--json"),
        }
    }
}

/// Exit code 2 for a configuration that cannot work, 1 for anything else that does not, as officially.
pub fn run(wish: &Wish) -> ExitCode {
    let _log = DiagnosticLog::start();
    let loaded = Settings::load(&wish.flags, variable).and_then(|settings| {
        let policy = settings.oversight.load_policy()?;
        Ok((settings, policy))
    });
    let (settings, policy) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            if wish.json {
                let text = error.to_string();
                print_json(CONFIG, None, &[Check::new("config", Mark::Bad, text)]);
            } else {
                say(io::stderr(), &format!("✗ config: {error}"));
            }
            return ExitCode::from(CONFIG);
        }
    };
    match examine(wish, &settings, policy.as_ref()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(io::stderr(), &format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn examine(wish: &Wish, settings: &Settings, policy: Option<&Policy>) -> Result<u8, rustls::Error> {
    let identity = &settings.identity;
    let walk = Walk {
        address: &identity.gateway,
        proxy: settings.proxy.as_ref(),
        tls: &tls::verified()?,
    };
    let mut report = Report {
        silent: wish.json,
        style: Style::stdout(variable),
        width: NAME_WIDTH,
        checks: Vec::new(),
        failed: false,
    };
    let loaded = format!(
        "config loaded (runner {}…)",
        short(Some(&identity.runner_id))
    );
    report.line(&format!("{} {loaded}", report.style.mark(Mark::Good)));
    report.checks.push(Check::new("config", Mark::Good, loaded));
    let reached = walk.reach();
    report.official(settings, &reached);

    report.section("Settings");
    let mut odd = audit_settings(identity, variable);
    odd.extend(audit_oversight(&settings.oversight, policy));
    if odd.is_empty() {
        report.line("  nothing odd about them");
    }
    report.add(odd);
    report.section("The way to the gateway");
    let open = reached.health.is_ok();
    report.add(reached.checks);
    if open {
        let knocked = walk.probe();
        let answers = knocked.mark != Mark::Bad;
        report.add([knocked]);
        if wish.connect && answers {
            let hello = client_frame::hello(
                &identity.runner_id,
                &bridges::capabilities(),
                &identity.version_label,
            );
            report.add([walk.connect(&settings.upgrade_path(), &hello)]);
        }
    }
    report.section("Sources of this environment");
    let environment = SourceEnvironment::from_env(std::env::vars_os());
    let sources = environment.local_sources();
    let names = sources.iter().map(|source| source.name.len());
    report.width = names
        .max()
        .map_or(NAME_WIDTH, |longest| longest + "source ".len());
    for source in check_sources(&environment, &sources, policy, SOURCE_BUDGET) {
        report.add(audit_source(&source));
    }
    report.add(audit_variables(&environment));
    if sources.is_empty() {
        report.line("  none; those that SemiLayer manages are tested in the Console");
    }
    let code = u8::from(report.failed);
    if wish.json {
        print_json(code, Some(settings), &report.checks);
    } else if report.failed {
        report.line("\nSomething does not work: see the lines with ✗ above.");
    }
    Ok(code)
}

/// A source that is silent for this long is reported as such.
const SOURCE_BUDGET: Duration = limits::SOURCE_CONNECT;

/// Enough for the steps to the gateway.
const NAME_WIDTH: usize = 8;

/// Prints checks as they are made, and keeps them.
struct Report {
    silent: bool,
    style: Style,
    /// Of the column with their names.
    width: usize,
    checks: Vec<Check>,
    failed: bool,
}

impl Report {
    fn line(&self, text: &str) {
        if !self.silent {
            say(io::stdout(), text);
        }
    }

    fn section(&self, title: &str) {
        self.line(&format!("\n{}", self.style.heading(title)));
    }

    /// The official lines, in the official words and on the official streams. Only the probe differs: it
    /// goes the way that the runner goes, through the proxy and unencrypted to a `ws` gateway.
    fn official(&mut self, settings: &Settings, reached: &Reached) {
        let gateway = &settings.identity.gateway;
        let scheme = if gateway.tls { "https" } else { "http" };
        let probe = format!("{scheme}://{}/health", gateway.authority());
        let check = match &reached.health {
            Ok(health) => {
                let text = format!("{probe} → {}", health.status);
                self.line(&format!(
                    "{} reachable  {text}",
                    self.style.mark(Mark::Good)
                ));
                self.line(
                    "\nRunner environment looks healthy. Run `semilayer-runner start` to connect.",
                );
                Check::new("reachable", Mark::Good, text).fact("status", health.status)
            }
            Err(error) => {
                let text = format!("{gateway} — {}", chain(error));
                if !self.silent {
                    let mark = Style::stderr(variable).mark(Mark::Bad);
                    say(
                        io::stderr(),
                        &format!("{mark} reachable  {text}\n   {FIREWALL}"),
                    );
                }
                Check::new("reachable", Mark::Bad, text).advise(FIREWALL)
            }
        };
        self.failed |= check.mark == Mark::Bad;
        self.checks.push(check.fact("probe", probe));
    }

    fn add(&mut self, checks: impl IntoIterator<Item = Check>) {
        for check in checks {
            let (mark, width) = (self.style.mark(check.mark), self.width);
            self.line(&format!("{mark} {:<width$} {}", check.name, check.text));
            if let Some(advice) = &check.advice {
                self.line(&format!("{:1$}{advice}", "", width + 3));
            }
            self.failed |= check.mark == Mark::Bad;
            self.checks.push(check);
        }
    }
}

const FIREWALL: &str =
    "check outbound firewall rules; the runner needs TCP 443 to reach the gateway.";

/// The whole examination as one JSON object.
fn print_json(code: u8, settings: Option<&Settings>, checks: &[Check]) {
    let checks: Vec<Value> = checks.iter().map(as_json).collect();
    let mut object = json!({ "ok": code == 0, "exitCode": code });
    if let (Some(object), Some(settings)) = (object.as_object_mut(), settings) {
        let identity = &settings.identity;
        object.insert("runnerId".to_owned(), json!(identity.runner_id));
        object.insert("gateway".to_owned(), json!(identity.gateway.to_string()));
        let proxy = settings.proxy.as_ref().map(ToString::to_string);
        object.insert("proxy".to_owned(), json!(proxy));
    }
    if let Some(object) = object.as_object_mut() {
        object.insert("checks".to_owned(), Value::Array(checks));
    }
    say(io::stdout(), &object.to_string());
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
    fn flags_are_read_beside_those_of_start() {
        let words: Vec<_> = ["--id", "x", "--connect", "--json"]
            .map(OsString::from)
            .into();
        let wish = Wish::parse(&words);
        assert_eq!(wish.flags.id.as_deref(), Some("x"));
        assert!(wish.connect && wish.json);
        assert_eq!(Wish::parse(&[]), Wish::default());
    }

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
}
