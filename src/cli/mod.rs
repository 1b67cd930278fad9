//! The command line: the official commands with the official words and exit codes.

mod doctor;
mod health;
mod logging;
mod start;
mod status;
mod style;
mod test_source;
mod version;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::config::{ConfigError, Flags, Identity};
use crate::console::Console;
use crate::inspect::TOKEN_SEEN;
use crate::limits;

/// Exit code for a configuration that cannot work.
const CONFIG: u8 = 2;

const USAGE: &str = "\
A small runner for SemiLayer: one outbound WebSocket, queries on the databases beside it

USAGE semilayer-runner start|status [--id ID] [--token TOKEN] [--gateway URL]
      semilayer-runner doctor [--connect] [--json] [--id ID] [--token TOKEN] [--gateway URL]
      semilayer-runner test-source [NAME...] [--query TARGET [--limit N]] [--json]
      semilayer-runner health [--ready]

COMMANDS

      start    Connect to the gateway and run jobs until stopped
     status    Show the configuration; uses no network
     doctor    Look for what is wrong: settings, the way to the gateway step by step, sources;
               with --connect, authenticate too (a session, for a moment)
test-source    Connect to the sources of the environment (SEMILAYER_SOURCE_<NAME>_<KEY>), or to those
               named, and show what answers; with --query, show rows of a target as the gateway
               would get them
     health    Ask the running process (SEMILAYER_HEALTH_ADDR or PORT), exit 0 or 1

OPTIONS

       --id    Runner id or name         (SEMILAYER_RUNNER_ID)
    --token    Runner token, rk_...      (SEMILAYER_RUNNER_TOKEN, SEMILAYER_RUNNER_TOKEN_FILE)
  --gateway    Gateway URL               (SEMILAYER_GATEWAY_URL)
    --query    Target whose rows are shown
    --limit    How many of them (10)
     --json    Print JSON
    --ready    Exit 0 only while connected to the gateway
  --version    Show the version, if given alone; with --verbose also what the binary is made of
     --help    Show this text
";

/// Runs the command named by the process' arguments.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match Command::parse(&arguments) {
        Command::Start(flags) => start::run(&flags),
        Command::Status(flags) => status::run(&flags),
        Command::Doctor(wish) => doctor::run(&wish),
        Command::TestSource(wish) => test_source::run(&wish),
        Command::Health(arguments) => health::run(&arguments),
        Command::Version => {
            say(io::stdout(), &version::short());
            ExitCode::SUCCESS
        }
        Command::VersionVerbose => {
            say(io::stdout(), &version::verbose());
            ExitCode::SUCCESS
        }
        Command::Help => {
            say(io::stdout(), USAGE);
            ExitCode::SUCCESS
        }
        Command::None => refuse("No command specified."),
        Command::Unknown(name) => refuse(&format!("Unknown command {name}")),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Command {
    Start(Flags),
    Status(Flags),
    Doctor(doctor::Wish),
    TestSource(test_source::Wish),
    Health(Vec<OsString>),
    Version,
    VersionVerbose,
    Help,
    None,
    Unknown(String),
}

impl Command {
    /// The first word that is no flag is the command; its flags come after it.
    fn parse(arguments: &[OsString]) -> Self {
        if arguments.iter().any(|a| a == "--help" || a == "-h") {
            return Self::Help;
        }
        if let [only] = arguments
            && only == "--version"
        {
            return Self::Version;
        }
        if let [one, other] = arguments
            && (one == "--version" && other == "--verbose"
                || one == "--verbose" && other == "--version")
        {
            return Self::VersionVerbose;
        }
        let mut rest = arguments.iter();
        let Some(name) = rest.find(|a| !a.to_string_lossy().starts_with('-')) else {
            return Self::None;
        };
        match name.to_string_lossy().as_ref() {
            "start" => Self::Start(Flags::parse(rest.as_slice())),
            "status" => Self::Status(Flags::parse(rest.as_slice())),
            "doctor" => Self::Doctor(doctor::Wish::parse(rest.as_slice())),
            "test-source" => Self::TestSource(test_source::Wish::parse(rest.as_slice())),
            "health" => Self::Health(rest.as_slice().to_vec()),
            other => Self::Unknown(other.to_owned()),
        }
    }
}

/// A closed stream is no reason to fail.
fn say(mut stream: impl Write, text: &str) {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let _ = write!(stream, "{text}{end}").and_then(|()| stream.flush());
}

fn refuse(problem: &str) -> ExitCode {
    say(io::stdout(), USAGE);
    say(io::stderr(), &format!(" ERROR  {problem}"));
    ExitCode::FAILURE
}

fn config_error(error: &ConfigError) -> ExitCode {
    say(io::stderr(), &format!("error: {error}"));
    ExitCode::from(CONFIG)
}

/// `doctor` has a line of its own for it.
fn warn_of_seen_token(identity: &Identity) {
    if identity.token_seen {
        log::warn!("the token is {TOKEN_SEEN}; set SEMILAYER_RUNNER_TOKEN instead");
    }
}

/// Warnings and errors go to standard error while this is held; for the commands that answer and end.
struct DiagnosticLog(Option<Console>);

impl DiagnosticLog {
    fn start() -> Self {
        let console = Console::start("stderr", io::stderr()).ok();
        if let Some(console) = &console {
            let filter = variable("SEMILAYER_LOG").or_else(|| variable("RUST_LOG"));
            let filter = filter.filter(|f| !f.is_empty());
            logging::start(
                console,
                filter.as_deref().unwrap_or("warn"),
                crate::config::LogFormat::Text,
            );
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

/// The environment as text.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Command {
        let words: Vec<_> = words.iter().map(Into::into).collect();
        Command::parse(&words)
    }

    #[test]
    fn commands_are_told_from_flags() {
        let flags = Flags {
            id: Some("x".into()),
            ..Flags::default()
        };
        assert_eq!(parse(&["start", "--id", "x"]), Command::Start(flags));
        assert_eq!(
            parse(&["--id=x", "status"]),
            Command::Status(Flags::default())
        );
        assert_eq!(parse(&["--id", "x", "start"]), Command::Unknown("x".into()));
        assert_eq!(parse(&[]), Command::None);
        assert_eq!(parse(&["-v"]), Command::None);
        assert_eq!(parse(&["--version"]), Command::Version);
        for both in [["--version", "--verbose"], ["--verbose", "--version"]] {
            assert_eq!(parse(&both), Command::VersionVerbose);
        }
        assert_eq!(
            parse(&["--version", "start"]),
            Command::Start(Flags::default())
        );
        assert_eq!(parse(&["start", "--help"]), Command::Help);
    }
}
