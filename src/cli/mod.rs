//! The command line: the official commands with the official words and exit codes.

mod arguments;
mod bundle;
mod commands;
mod completions;
mod doctor;
mod doctor_report;
mod health;
mod help;
mod logging;
mod manual;
mod reload;
mod source_report;
mod start;
mod status;
mod style;
mod test_source;
mod version;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::OnceLock;

use log::LevelFilter;

use crate::cli::arguments::Arguments;
use crate::cli::commands::{COMMANDS, Command};
use crate::config::{
    ConfigError, Environment, Flags, LogFilter, LogFormat, Settings, Survey, variables,
};
use crate::console::Console;
use crate::inspect::{Check, audit_identity, audit_names, audit_proxy};
use crate::sources::SourceEnvironment;
use crate::text::nearest;
use crate::{bridges, limits};

/// Exit code for a configuration that cannot work.
const CONFIG: u8 = 2;

/// Runs the command named by the process' arguments.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    match Wish::parse(&words) {
        Wish::Run(command, arguments) => run(command, &arguments),
        Wish::Version => print(&version::short()),
        Wish::VersionVerbose => print(&version::verbose()),
        Wish::Help(None) => print(&help::overview()),
        Wish::Help(Some(command)) => print(&help::of(command)),
        Wish::None => {
            say(io::stdout(), &help::overview());
            refuse("No command specified.")
        }
        Wish::Unknown(name) => unknown_command(&name),
    }
}

fn run(command: &'static Command, arguments: &Arguments) -> ExitCode {
    for complaint in arguments.complaints(command) {
        if !command.official {
            return refuse(&complaint);
        }
        say(io::stderr(), &format!("warning: {complaint}"));
    }
    match command.name {
        "start" => start::run(&arguments.flags()),
        "status" => status::run(arguments),
        "doctor" => doctor::run(arguments),
        "test-source" => test_source::run(arguments),
        "health" => health::run(arguments),
        "version" if arguments.given("--json") => print(&version::facts().to_string()),
        "version" => print(&version::verbose()),
        _ => show_help(arguments),
    }
}

/// `help`, with what it is asked about.
fn show_help(arguments: &Arguments) -> ExitCode {
    if arguments.given("--man") {
        return print(&manual::page());
    }
    if let Some(shell) = arguments.value("--completions") {
        let shells = completions::SHELLS.join(", ");
        return match completions::script(shell) {
            Some(script) => print(&script),
            None => refuse(&format!("--completions must be one of {shells}")),
        };
    }
    match arguments.words.first().map(String::as_str) {
        None => print(&help::overview()),
        Some("variables") => print(&help::variables()),
        Some(name) => match commands::find(name) {
            Some(command) => print(&help::of(command)),
            None => unknown_command(name),
        },
    }
}

fn unknown_command(name: &str) -> ExitCode {
    say(io::stdout(), &help::overview());
    let code = refuse(&format!("Unknown command {name}"));
    if let Some(near) = nearest(name, COMMANDS.iter().map(|command| command.name)) {
        say(io::stderr(), &format!("Did you mean {near}?"));
    }
    code
}

/// What the words of the command line ask for.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    Run(&'static Command, Arguments),
    Version,
    VersionVerbose,
    Help(Option<&'static Command>),
    None,
    Unknown(String),
}

impl Wish {
    /// The first word that is no flag is the command; its flags come after it.
    fn parse(words: &[OsString]) -> Self {
        if let [only] = words
            && only == "--version"
        {
            return Self::Version;
        }
        if let [one, other] = words
            && (one == "--version" && other == "--verbose"
                || one == "--verbose" && other == "--version")
        {
            return Self::VersionVerbose;
        }
        let mut rest = words.iter();
        let name = rest.find(|word| !word.to_string_lossy().starts_with('-'));
        let name = name.map(|name| name.to_string_lossy());
        let command = name.as_deref().and_then(commands::find);
        if words.iter().any(|word| word == "--help" || word == "-h") {
            return Self::Help(command);
        }
        match (command, name) {
            (Some(command), _) => Self::Run(command, Arguments::parse(command, rest.as_slice())),
            (None, Some(name)) => Self::Unknown(name.into_owned()),
            (None, None) => Self::None,
        }
    }
}

/// A closed stream is no reason to fail.
fn say(mut stream: impl Write, text: &str) {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let _ = write!(stream, "{text}{end}").and_then(|()| stream.flush());
}

fn print(text: &str) -> ExitCode {
    say(io::stdout(), text);
    ExitCode::SUCCESS
}

/// As one line of JSON.
fn say_json(value: &serde_json::Value) {
    say(
        io::stdout(),
        &crate::text::printable_json(&value.to_string()),
    );
}

fn refuse(problem: &str) -> ExitCode {
    say(io::stderr(), &format!(" ERROR  {problem}"));
    ExitCode::FAILURE
}

fn config_error(error: &ConfigError) -> ExitCode {
    say(io::stderr(), &format!("error: {error}"));
    ExitCode::from(CONFIG)
}

/// Warnings and errors go to standard error while this is held; for the commands that answer and end.
struct DiagnosticLog(Option<Console>);

impl DiagnosticLog {
    fn start() -> Self {
        let console = Console::start("stderr", io::stderr()).ok();
        if let Some(console) = &console {
            // What is wrong with it is told with the other settings.
            let filter = LogFilter::load(variable, LevelFilter::Warn);
            let filter = filter.unwrap_or_else(|_| LogFilter::level(LevelFilter::Warn));
            logging::start(console, filter, LogFormat::Text);
        }
        Self(console)
    }
}

impl Drop for DiagnosticLog {
    fn drop(&mut self) {
        if let Some(console) = &self.0 {
            console.flush(limits::LAST_LINES);
        }
    }
}

/// The environment, and the folders of secrets it names, as they were at the start.
fn environment() -> &'static Environment {
    static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| Environment::of(std::env::vars_os()))
}

/// The environment as text.
fn variable(name: &str) -> Option<String> {
    environment().get(name)
}

/// The settings, and everything that is wrong with them.
fn survey(flags: &Flags) -> Survey {
    let mut survey = Settings::survey(flags, variable);
    // Without a folder of secrets more is missing than meets the eye.
    let folders = environment().problems().iter().cloned();
    survey.problems.splice(0..0, folders);
    survey
}

/// What is odd about settings with which the runner works all the same.
fn oddities(settings: &Settings) -> Vec<Check> {
    let mut odd = audit_identity(&settings.identity, variable);
    odd.extend(audit_proxy(&settings.identity, variable));
    odd.extend(audit_names(&variables::misspelt(environment().names())));
    odd
}

/// What the environment says about sources.
fn sources() -> SourceEnvironment {
    SourceEnvironment::from_env(environment().pairs(), bridges::packages())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Wish {
        let words: Vec<_> = words.iter().map(Into::into).collect();
        Wish::parse(&words)
    }

    fn ran(words: &[&str]) -> (&'static str, Flags) {
        match parse(words) {
            Wish::Run(command, arguments) => (command.name, arguments.flags()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn commands_are_told_from_flags() {
        let flags = Flags {
            id: Some("x".into()),
            ..Flags::default()
        };
        assert_eq!(ran(&["start", "--id", "x"]), ("start", flags));
        assert_eq!(ran(&["--id=x", "status"]), ("status", Flags::default()));
        assert_eq!(parse(&["--id", "x", "start"]), Wish::Unknown("x".into()));
        assert_eq!(parse(&[]), Wish::None);
        assert_eq!(parse(&["-v"]), Wish::None);
        assert_eq!(parse(&["--version"]), Wish::Version);
        for both in [["--version", "--verbose"], ["--verbose", "--version"]] {
            assert_eq!(parse(&both), Wish::VersionVerbose);
        }
        assert_eq!(ran(&["--version", "start"]).0, "start");
        assert_eq!(parse(&["-h"]), Wish::Help(None));
        assert_eq!(
            parse(&["start", "--help"]),
            Wish::Help(commands::find("start"))
        );
        assert_eq!(parse(&["strat", "--help"]), Wish::Help(None));
    }
}
