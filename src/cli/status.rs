//! `status`: what would be used, without using it.

use std::io;
use std::process::ExitCode;

use crate::cli::{DiagnosticLog, config_error, say, variable, warn_of_seen_token};
use crate::config::{Flags, Identity};

/// Prints the configuration.
pub fn run(flags: &Flags) -> ExitCode {
    let _log = DiagnosticLog::start();
    match Identity::load(flags, variable) {
        Ok(identity) => {
            warn_of_seen_token(&identity);
            say(io::stdout(), &text(&identity));
            ExitCode::SUCCESS
        }
        Err(error) => config_error(&error),
    }
}

fn text(identity: &Identity) -> String {
    format!(
        "runner id:   {}\ngateway:     {}\ntoken:       {}\nversion:     {}\n",
        identity.runner_id,
        identity.gateway,
        identity.token.hint(),
        identity.version_label
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_lines_without_a_secret() {
        let identity = Identity::load(&Flags::default(), |name| {
            let value = match name {
                "SEMILAYER_RUNNER_ID" => "0f7d1c1e-aaaa",
                "SEMILAYER_RUNNER_TOKEN" => "rk_0123456789abcdef",
                "SEMILAYER_GATEWAY_URL" => "wss://u:p@gateway.example.com/connect?key=s3cret",
                _ => return None,
            };
            Some(value.to_owned())
        });
        assert_eq!(
            text(&identity.unwrap()),
            "runner id:   0f7d1c1e-aaaa\n\
             gateway:     wss://gateway.example.com/connect\n\
             token:       rk_01234…cdef\n\
             version:     0.1.0\n"
        );
    }
}
