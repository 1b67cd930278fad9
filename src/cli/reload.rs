//! What is read again while the runner runs: on SIGHUP, and the token before every attempt to connect.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use log::{error, info, warn};
use signal_hook::consts::{SIGHUP, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

use crate::cli::logging;
use crate::config::OversightSettings;
use crate::engine::Engine;
use crate::files::read_secret;
use crate::gateway::Credentials;
use crate::locks::lock;
use crate::secret::Secret;
use crate::shortage;

/// The credentials of the next attempt to connect.
#[derive(Clone)]
pub struct Token {
    file: Option<PathBuf>,
    current: Arc<Mutex<Arc<Credentials>>>,
}

impl Token {
    /// As they were read at first, with the file the token is in, if it is in one.
    pub fn new(credentials: Credentials, file: Option<PathBuf>) -> Self {
        Self {
            file,
            current: Arc::new(Mutex::new(Arc::new(credentials))),
        }
    }

    /// Reads the file again. One that cannot be used leaves the token that is there.
    pub fn read(&self) -> Arc<Credentials> {
        let mut current = lock(&self.current);
        let Some(file) = &self.file else {
            return Arc::clone(&current);
        };
        match read_secret(file).map(Secret::new) {
            Ok(token) if token == current.token => {}
            Ok(token) => {
                info!(
                    "the token's file has changed: the next connection goes by {}",
                    token.hint()
                );
                Arc::make_mut(&mut current).token = token;
            }
            Err(problem) => warn!("the token stays as it was: {problem}"),
        }
        Arc::clone(&current)
    }
}

/// What SIGHUP concerns.
pub struct Reload {
    /// The token.
    pub token: Token,
    /// Where the policy is.
    pub oversight: OversightSettings,
    /// Who obeys it.
    pub engine: Arc<Engine>,
    /// Makes the audit log open its file again.
    pub reopen: Arc<AtomicBool>,
}

/// Handles SIGHUP, SIGUSR1 and SIGUSR2 from now on, on a thread of its own: none of them ends the process.
pub fn watch(reload: Reload) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGUSR1, SIGUSR2])?;
    shortage::spawn("reload", move || {
        for signal in signals.forever() {
            match signal {
                SIGUSR1 => logging::step(true),
                SIGUSR2 => logging::step(false),
                _ => reload.run(),
            }
        }
    })?;
    Ok(())
}

impl Reload {
    fn run(&self) {
        info!("SIGHUP: token, policy and audit log are read or opened again");
        self.token.read();
        self.reopen.store(true, Ordering::Release);
        match self.oversight.load_policy() {
            Ok(None) => {}
            Ok(Some(policy)) => {
                info!(
                    "the policy is read again; number of sources it has entries for: {}",
                    policy.len()
                );
                self.engine.set_policy(policy);
            }
            Err(problem) => error!("the policy stays as it was: {problem}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_used_leaves_the_token_as_it_was() {
        let file = std::env::temp_dir().join(format!("semilayer-token-{}", std::process::id()));
        let credentials = Credentials {
            runner_id: "id".into(),
            token: Secret::new("rk_1".into()),
            token_parameter: None,
            id_parameter: None,
            header: false,
        };
        let token = Token::new(credentials, Some(file.clone()));
        assert_eq!(token.read().token.expose(), "rk_1");
        std::fs::write(&file, "rk_2\n").unwrap();
        assert_eq!(token.clone().read().token.expose(), "rk_2");
        std::fs::write(&file, "").unwrap();
        assert_eq!(token.read().token.expose(), "rk_2");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(token.read().token.expose(), "rk_2");
    }
}
