//! Connecting: every address within one budget, read-only from the start, and the real cause when it fails.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use postgres::config::{SslMode, SslNegotiation};

use super::address::Address;
use super::attempt::{Attempt, Failure, Way};
use super::config::Settings;
use super::connection::Connection;
use super::hook::Encryption;
use super::standing::Standing;
use crate::bridges::places::Place;
use crate::bridges::pool::{Connector, connect_budget};
use crate::error::{ErrorCode, JobError};
use crate::job::JobControl;
use crate::net::{self, Budget};
use crate::text::shown_host;
use crate::tls;

/// Connects sessions of one source.
pub struct PostgresConnector {
    settings: Settings,
    /// Set once a pooler in front of the database refused or dropped startup options. Sessions then set everything
    /// inside a transaction of their own.
    pooled: AtomicBool,
    /// It was said that connections are not encrypted though the server offers it.
    plain: AtomicBool,
}

impl PostgresConnector {
    /// A connector for checked settings.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            pooled: AtomicBool::new(false),
            plain: AtomicBool::new(false),
        }
    }

    fn open(&self, job: &Arc<JobControl>, budget: Duration) -> Result<Connection, JobError> {
        let budget = Budget::new(budget);
        let mut failure = None;
        let turns = self.settings.wanted.turns().iter();
        let attempts =
            turns.flat_map(|wanted| self.settings.addresses.iter().map(move |a| (*wanted, a)));
        let attempts: Vec<_> = attempts.collect();
        for ((wanted, address), share) in budget.shares(&attempts) {
            let give_up = Instant::now() + share;
            let result = match address {
                Address::Tcp(host, port) => self.open_host(job, host, *port, *wanted, give_up),
                Address::Unix(folder, port) => {
                    let mut config = self.settings.driver.clone();
                    config
                        .host_path(folder)
                        .port(*port)
                        .ssl_mode(SslMode::Disable);
                    let attempt = Attempt {
                        job,
                        place: &folder.display().to_string(),
                        wanted: *wanted,
                        give_up,
                    };
                    self.start(&attempt, config)
                }
            };
            match result {
                Ok(session) => return Ok(session),
                Err(error) if error.code != ErrorCode::SourceUnreachable => return Err(error),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| JobError::unreachable("the connection timed out")))
    }

    fn open_host(
        &self,
        job: &Arc<JobControl>,
        host: &str,
        port: u16,
        wanted: Standing,
        give_up: Instant,
    ) -> Result<Connection, JobError> {
        // A host has no `@`; what has one may hold the end of a password.
        let place = match host.contains('@') {
            true => shown_host(host),
            false => format!("{host}:{port}"),
        };
        let unreachable =
            |cause: &dyn std::fmt::Display| JobError::unreachable(format!("{place}: {cause}"));
        let budget = Budget::new(give_up.saturating_duration_since(Instant::now()));
        let found = budget
            .left()
            .and_then(|left| net::resolve_unless(host, port, left, job.aborted()))
            .map_err(|error| {
                let host = shown_host(host);
                unreachable(&format_args!("cannot resolve {host}: {error}"))
            })?;
        let candidates = candidates(found, self.settings.family);
        let mut failure = unreachable(if candidates.is_empty() {
            &"the name has no address of the configured ipFamily"
        } else {
            &"the connection timed out"
        });
        for (address, share) in budget.shares(&candidates) {
            let mut config = self.settings.driver.clone();
            config
                .host(host)
                .hostaddr(address.ip())
                .port(port)
                .connect_timeout(share)
                .ssl_mode(SslMode::Require)
                .ssl_negotiation(SslNegotiation::Direct);
            let attempt = Attempt {
                job,
                place: &place,
                wanted,
                give_up: Instant::now() + share,
            };
            match self.start(&attempt, config) {
                Err(error) if error.code == ErrorCode::SourceUnreachable => failure = error,
                other => return other,
            }
        }
        Err(failure)
    }

    /// One attempt; another one without options when the server refuses the first, whatever it says: poolers
    /// find many words for it. A session that is not read-only, because a pooler took the options and dropped
    /// them, sets up every transaction, as one does that was refused them.
    fn start(
        &self,
        attempt: &Attempt<'_>,
        mut config: postgres::Config,
    ) -> Result<Connection, JobError> {
        let options = &self.settings.options;
        let mut refused = None;
        if !self.pooled.load(Ordering::Relaxed) {
            let mut direct = config.clone();
            direct.options(&options.startup());
            match self.attempt(attempt, &direct, Way::Session) {
                Err(Failure::Refused(error)) => refused = Some(error),
                Err(Failure::Job(error) | Failure::NoHandshake(error)) => return Err(error),
                Ok(connection) if connection.is_read_only() => return Ok(connection),
                Ok(mut connection) => {
                    self.use_transactions(attempt.place, "drops");
                    connection.use_transactions(options);
                    return Ok(connection);
                }
            }
        }
        // Poolers refuse unknown startup parameters one by one; the name of the application goes as well.
        config.application_name("");
        let words = options.words();
        if !words.is_empty() {
            config.options(&words);
        }
        match self.attempt(attempt, &config, Way::Transactions) {
            Ok(mut connection) => {
                if refused.is_some() {
                    self.use_transactions(attempt.place, "refuses");
                }
                connection.use_transactions(options);
                Ok(connection)
            }
            // The first refusal had nothing to do with the options.
            Err(Failure::Refused(error)) => Err(refused.unwrap_or(error)),
            Err(Failure::Job(error) | Failure::NoHandshake(error)) => Err(error),
        }
    }

    fn use_transactions(&self, place: &str, does: &str) {
        if !self.pooled.swap(true, Ordering::Relaxed) {
            log::info!(
                "{place}: what answers there, a pooler probably, {does} startup options; every job runs in \
                 a read-only transaction of its own"
            );
        }
    }

    /// An attempt; another one without encryption where that is only preferred and no handshake came about, as libpq
    /// does it.
    fn attempt(
        &self,
        attempt: &Attempt<'_>,
        config: &postgres::Config,
        way: Way,
    ) -> Result<Connection, Failure> {
        let encrypted = match attempt.with(config, way, &self.settings.encryption) {
            Err(Failure::NoHandshake(error)) => error,
            other => return other,
        };
        let plain = attempt.with(config, way, &Encryption::Off);
        match &plain {
            Err(Failure::Job(error)) => {
                let message = format!("{}; without TLS: {}", encrypted.message, error.message);
                return Err(Failure::Job(JobError {
                    message,
                    ..error.clone()
                }));
            }
            Ok(_) if !self.plain.swap(true, Ordering::Relaxed) => {
                log::warn!("{}; {}", encrypted.message, tls::ONLY_PREFERRED);
            }
            _ => {}
        }
        plain
    }
}

impl Connector for PostgresConnector {
    type Connection = Connection;

    /// The driver has three beside the socket, and its request to stop a statement as many for a moment.
    const DESCRIPTORS: usize = 5;

    fn connect(&self, job: &Arc<JobControl>, _: &Place) -> Result<Connection, JobError> {
        self.open(job, connect_budget(job, self.settings.connect_timeout)?)
    }

    fn reusable(&self, connection: &mut Connection) -> bool {
        connection.reusable()
    }

    fn kept(&self, connection: &mut Connection) -> usize {
        connection.kept()
    }
}

/// Addresses of the wanted family, IPv4 first.
fn candidates(found: Vec<SocketAddr>, family: Option<u8>) -> Vec<SocketAddr> {
    let (mut found, others): (Vec<_>, Vec<_>) = found.into_iter().partition(SocketAddr::is_ipv4);
    match family {
        Some(6) => found = others,
        Some(_) => {}
        None => found.extend(others),
    }
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridges::postgres::Flavour;
    use crate::job::Outcome;
    use std::net::TcpListener;

    #[test]
    fn ipv4_goes_first_and_a_family_can_be_asked_for() {
        let found: Vec<SocketAddr> =
            vec!["[::1]:1".parse().unwrap(), "127.0.0.1:1".parse().unwrap()];
        assert!(candidates(found.clone(), None)[0].is_ipv4());
        assert_eq!(candidates(found, Some(6)).len(), 1);
    }

    fn job() -> Arc<JobControl> {
        Arc::new(JobControl::new(
            "j",
            Instant::now() + Duration::from_secs(60),
        ))
    }

    fn connector(url: &str, millis: u64) -> PostgresConnector {
        let config = serde_json::json!({ "url": url, "connectionTimeoutMillis": millis });
        let settings = Settings::parse(config.as_object().unwrap(), Flavour::Postgres).unwrap();
        PostgresConnector::new(settings)
    }

    /// A server that takes connections and says nothing; it lives as long as the listener.
    fn silent_server(query: &str) -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        (
            listener,
            format!("postgres://u:sesame@127.0.0.1:{port}/d{query}"),
        )
    }

    #[test]
    fn a_server_that_says_nothing_is_given_up_in_time() {
        for query in ["", "?sslmode=disable", "?sslmode=require"] {
            let (_server, url) = silent_server(query);
            let error = connector(&url, 50)
                .connect(&job(), &Place::of_a_test())
                .err()
                .unwrap();
            assert_eq!(error.code, ErrorCode::SourceUnreachable);
            assert!(
                error.message.contains("does not answer"),
                "{}",
                error.message
            );
            assert!(!error.message.contains("sesame"));
        }
    }

    #[test]
    fn ending_the_job_ends_the_wait_for_a_connection() {
        let (server, url) = silent_server("?sslmode=disable");
        let job = job();
        let waiting = {
            let job = Arc::clone(&job);
            std::thread::spawn(move || {
                connector(&url, 60_000)
                    .connect(&job, &Place::of_a_test())
                    .err()
                    .unwrap()
            })
        };
        let _connection = server.accept().unwrap();
        job.end(Outcome::Aborted(ErrorCode::Cancelled));
        job.stop_statement();
        assert_eq!(waiting.join().unwrap().code, ErrorCode::Cancelled);
    }

    #[test]
    fn a_refused_connection_and_an_unknown_name_say_so() {
        let (server, url) = silent_server("");
        drop(server);
        let error = connector(&url, 5_000)
            .connect(&job(), &Place::of_a_test())
            .err()
            .unwrap();
        assert_eq!(error.code, ErrorCode::SourceUnreachable);
        assert!(error.message.contains("refused"), "{}", error.message);
        let url = "postgres://no-such-host.invalid/d";
        let error = connector(url, 5_000)
            .connect(&job(), &Place::of_a_test())
            .err()
            .unwrap();
        assert_eq!(error.code, ErrorCode::SourceUnreachable);
        assert!(
            error
                .message
                .contains("cannot resolve \"no-such-host.invalid\""),
            "{}",
            error.message
        );
    }
}
