//! The command line.

use std::process::ExitCode;

/// Runs the command named by the process' arguments.
pub fn main() -> ExitCode {
    ExitCode::FAILURE
}
