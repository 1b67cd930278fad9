//! Connecting: a link, a user, a database, and the certainty that all keys are here.

use std::sync::Arc;

use super::config::{Place, Settings};
use super::error;
use super::resp::Allowance;
use super::session::Session;
use crate::bridges::keyvalue::{Command, Reply};
use crate::bridges::places;
use crate::bridges::pool::{Connector, connect_budget};
use crate::error::{ErrorCode, JobError};
use crate::job::{JobControl, Phase};
use crate::limits;
use crate::net::{Budget, Cutter, Link, Peer};
use crate::text::printable;
use crate::tls::chain;

/// Opens the connections of one source.
pub(super) struct RedisConnector {
    /// How to reach it.
    pub(super) settings: Settings,
}

impl RedisConnector {
    fn link(&self, budget: Budget, cutter: &Cutter) -> Result<Link, JobError> {
        let link = match &self.settings.place {
            Place::Local(path) => Link::open_local(path, budget, cutter),
            Place::Tcp { host, port, tls } => {
                let peer = Peer {
                    host: host.clone(),
                    port: *port,
                    proxy: None,
                    tls: tls.clone(),
                };
                Link::open(&peer, budget, cutter)
            }
        };
        Ok(link?)
    }

    fn open(&self, budget: Budget, cutter: &Cutter) -> Result<Session, JobError> {
        let link = self.link(budget, cutter)?;
        let mut session = Session::new(link, cutter.clone());
        session.until(budget.until());
        self.log_in(&mut session)?;
        let hello = ask(&mut session, Command::new("HELLO").arg("2"))?;
        let facts = match hello {
            Reply::Error(error) if error.starts_with("NOAUTH") => {
                return Err(error::refused(&error));
            }
            // Servers before version 6 have no such command, and a user may be denied it.
            Reply::Error(_) => Facts::of_info(&mut session)?,
            reply => Facts::of_hello(reply.into_list()),
        };
        facts.check()?;
        session.version = facts.version;
        if self.settings.database > 0 {
            let number = self.settings.database;
            let select = Command::new("SELECT").arg(number.to_string());
            if let Reply::Error(error) = ask(&mut session, select)? {
                let code = match error::refused(&error).code {
                    ErrorCode::QueryFailed => ErrorCode::SourceConfig,
                    code => code,
                };
                return Err(JobError::new(code, format!("database {number}: {error}")));
            }
        }
        // For whoever looks at the server's clients, and so that reading keeps no key from being evicted. Older
        // servers and restricted users go without.
        ask(
            &mut session,
            Command::new("CLIENT")
                .arg("SETNAME")
                .arg("semilayer-runner"),
        )?;
        ask(
            &mut session,
            Command::new("CLIENT").arg("NO-TOUCH").arg("ON"),
        )?;
        Ok(session)
    }

    fn log_in(&self, session: &mut Session) -> Result<(), JobError> {
        let Some(password) = &self.settings.password else {
            return Ok(());
        };
        let mut command = Command::new("AUTH");
        if let Some(user) = &self.settings.user {
            command = command.arg(user.as_bytes());
        }
        match ask(session, command.arg(password.as_bytes()))? {
            // A server without passwords takes everybody.
            Reply::Error(error) if error.contains("without any password configured") => Ok(()),
            Reply::Error(error) if error.starts_with("LOADING") => Err(error::refused(&error)),
            Reply::Error(error) => Err(JobError::new(ErrorCode::SourceAuthFailed, error)),
            _ => Ok(()),
        }
    }
}

fn ask(session: &mut Session, command: Command) -> Result<Reply, JobError> {
    let mut allowance = Allowance::new(limits::STORE_REPLY_BYTES);
    let replies = session.exchange(&[command], &mut allowance);
    let replies = replies.map_err(|error| {
        let problem = match error.kind() {
            std::io::ErrorKind::TimedOut => {
                "the server took the connection but does not answer".to_owned()
            }
            std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset => {
                "the server hung up at once; if it wants TLS, the URL begins with rediss:"
                    .to_owned()
            }
            _ => chain(&error),
        };
        JobError::unreachable(problem)
    })?;
    Ok(replies.into_iter().next().unwrap_or(Reply::Nil))
}

/// What a server says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Facts {
    version: String,
    mode: String,
}

impl Facts {
    /// From the names and values of `HELLO`.
    fn of_hello(parts: Vec<Reply>) -> Self {
        let mut parts = parts.into_iter().filter_map(Reply::into_bytes);
        let (mut server, mut version, mut mode) = Default::default();
        while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
            let value = String::from_utf8_lossy(&value).into_owned();
            match name.as_slice() {
                b"server" => server = value,
                b"version" => version = value,
                b"mode" => mode = value,
                _ => {}
            }
        }
        let server: String = server;
        let version: String = version;
        Self {
            version: named(&server, &version),
            mode,
        }
    }

    /// From the lines of `INFO`, as far as the user may see them.
    fn of_info(session: &mut Session) -> Result<Self, JobError> {
        let reply = ask(session, Command::new("INFO").arg("server"))?;
        let text = match reply {
            Reply::Error(error) if error.starts_with("NOAUTH") => {
                return Err(error::refused(&error));
            }
            reply => reply.into_bytes().unwrap_or_default(),
        };
        let text = String::from_utf8_lossy(&text);
        let line = |name: &str| {
            let found = text
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            found.unwrap_or_default().trim().to_owned()
        };
        Ok(Self {
            version: named("redis", &line("redis_version")),
            mode: line("redis_mode"),
        })
    }

    fn check(&self) -> Result<(), JobError> {
        match self.mode.as_str() {
            "cluster" => Err(JobError::new(ErrorCode::SourceConfig, error::CLUSTER)),
            "sentinel" => Err(JobError::new(
                ErrorCode::SourceConfig,
                "this is a Sentinel, which holds no keys: name the server itself",
            )),
            _ => Ok(()),
        }
    }
}

/// `Redis 7.0.15`
fn named(server: &str, version: &str) -> String {
    let mut letters = server.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    let name = format!(
        "{}{} {version}",
        first.unwrap_or_default(),
        letters.as_str()
    );
    printable(name.trim().chars().take(60))
}

impl Connector for RedisConnector {
    type Connection = Session;

    fn connect(&self, job: &Arc<JobControl>, _: &places::Place) -> Result<Session, JobError> {
        let budget = Budget::new(connect_budget(job, limits::SOURCE_CONNECT)?);
        let cutter = Cutter::default();
        let theirs = cutter.clone();
        let guard = job.stop_with(move || theirs.cut())?;
        job.enter(Phase::Connecting);
        let session = self.open(budget, &cutter);
        if guard.finish() {
            job.check()?;
        }
        session
    }

    fn reusable(&self, session: &mut Session) -> bool {
        session.reusable()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_greeting() {
        let parts = [
            "server", "redis", "version", "7.0.15", "proto", "2", "mode", "cluster", "odd",
        ];
        let parts = parts.map(|part| Reply::Bytes(part.into())).to_vec();
        let facts = Facts::of_hello(parts);
        assert_eq!(facts.version, "Redis 7.0.15");
        let error = facts.check().unwrap_err();
        assert_eq!(
            (error.code, error.message.as_str()),
            (ErrorCode::SourceConfig, error::CLUSTER)
        );
        assert_eq!(Facts::of_hello(Vec::new()), Facts::default());
        assert!(Facts::default().check().is_ok());
    }
}
