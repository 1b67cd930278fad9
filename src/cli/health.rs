//! `health`: asks the running process' listener, for an image without a shell.

use std::io;
use std::process::ExitCode;

use crate::cli::arguments::Arguments;
use crate::cli::{print, say, variable};
use crate::config::HealthSettings;
use crate::health;

/// Exit code 0 if the process answers, and with `--ready` if it can answer jobs; else 1 and why.
pub fn run(arguments: &Arguments) -> ExitCode {
    let ready = arguments.given("--ready");
    match check(ready) {
        Ok(()) => print(if ready { "ready" } else { "healthy" }),
        Err(problem) => {
            say(io::stderr(), &format!("error: {problem}"));
            ExitCode::FAILURE
        }
    }
}

fn check(ready: bool) -> Result<(), String> {
    let settings = HealthSettings::load(variable).map_err(|error| error.to_string())?;
    let address = settings
        .ask()
        .ok_or("no listener is configured: set SEMILAYER_HEALTH_ADDR or PORT")?;
    health::ask(address, if ready { "/ready" } else { "/health" }).map(drop)
}
