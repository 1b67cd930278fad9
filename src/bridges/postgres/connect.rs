//! Connecting: every address within one budget, read-only from the start, and the real cause when it fails.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use postgres::config::{SslMode, SslNegotiation};

use super::config::{Address, Settings};
use super::connection::Connection;
use super::error;
use super::link::{Link, LinkTls};
use crate::bridges::pool::{Connector, connect_budget};
use crate::error::{ErrorCode, JobError};
use crate::job::{JobControl, Phase};
use crate::net;

/// What every session starts with. It is a startup option and not a statement, so it costs no round trip.
const READ_ONLY: &str = "-c default_transaction_read_only=on";

/// Connects sessions of one source.
pub struct PostgresConnector {
    settings: Settings,
    /// Set once a pooler in front of the database refused startup options. Sessions then set everything
    /// inside a transaction of their own.
    pooled: AtomicBool,
}

impl PostgresConnector {
    /// A connector for checked settings.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            pooled: AtomicBool::new(false),
        }
    }

    fn open(&self, job: &Arc<JobControl>, budget: Duration) -> Result<Connection, JobError> {
        let give_up = Instant::now() + budget;
        let mut failure = None;
        for address in &self.settings.addresses {
            let result = match address {
                Address::Tcp(host, port) => self.open_host(job, host, *port, give_up),
                Address::Unix(folder, port) => {
                    let mut config = self.settings.driver.clone();
                    config
                        .host_path(folder)
                        .port(*port)
                        .ssl_mode(SslMode::Disable);
                    self.start(job, config, &folder.display().to_string(), give_up)
                }
            };
            match result {
                Ok(session) => return Ok(session),
                Err(error) if error.code != ErrorCode::SourceUnreachable => return Err(error),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure
            .unwrap_or_else(|| JobError::new(ErrorCode::SourceConfig, "the url names no host")))
    }

    fn open_host(
        &self,
        job: &Arc<JobControl>,
        host: &str,
        port: u16,
        give_up: Instant,
    ) -> Result<Connection, JobError> {
        let place = format!("{host}:{port}");
        let unreachable = |cause: &dyn std::fmt::Display| {
            JobError::new(ErrorCode::SourceUnreachable, format!("{place}: {cause}"))
        };
        let left = give_up.saturating_duration_since(Instant::now());
        let found = net::resolve(host, port, left)
            .map_err(|error| unreachable(&format_args!("cannot resolve \"{host}\": {error}")))?;
        let candidates = candidates(found, self.settings.family);
        let mut failure = unreachable(&"the name has no address of the configured ipFamily");
        for (i, address) in candidates.iter().enumerate() {
            // Every address gets a share of the time that is left.
            let left = give_up.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(candidates.len() - i).unwrap_or(1);
            let mut config = self.settings.driver.clone();
            config
                .host(host)
                .hostaddr(address.ip())
                .port(port)
                .connect_timeout(share)
                .ssl_mode(SslMode::Require)
                .ssl_negotiation(SslNegotiation::Direct);
            match self.start(job, config, &place, Instant::now() + share) {
                Err(error) if error.code == ErrorCode::SourceUnreachable => failure = error,
                other => return other,
            }
        }
        Err(failure)
    }

    /// One attempt, or two when a pooler turns out to refuse startup options.
    fn start(
        &self,
        job: &Arc<JobControl>,
        mut config: postgres::Config,
        place: &str,
        give_up: Instant,
    ) -> Result<Connection, JobError> {
        if !self.pooled.load(Ordering::Relaxed) {
            let own = self.settings.options.as_deref();
            let options =
                own.map_or_else(|| READ_ONLY.to_owned(), |own| format!("{READ_ONLY} {own}"));
            let mut direct = config.clone();
            direct.options(&options);
            match self.attempt(job, &direct, place, give_up, None) {
                Err(Failure::OptionsRefused) => {
                    log::info!(
                        "{place}: a pooler that takes no startup options; using transactions"
                    );
                    self.pooled.store(true, Ordering::Relaxed);
                }
                Err(Failure::Job(error)) => return Err(error),
                Ok(session) => return Ok(session),
            }
        }
        // Poolers refuse unknown startup parameters one by one; the name of the application goes as well.
        config.application_name("");
        let begin = begin_statement(self.settings.options.as_deref());
        match self.attempt(job, &config, place, give_up, Some(begin)) {
            Ok(session) => Ok(session),
            Err(Failure::Job(error)) => Err(error),
            Err(Failure::OptionsRefused) => Err(JobError::new(
                ErrorCode::SourceUnreachable,
                format!("{place}: the server refuses the connection's parameters"),
            )),
        }
    }

    fn attempt(
        &self,
        job: &Arc<JobControl>,
        config: &postgres::Config,
        place: &str,
        give_up: Instant,
        begin: Option<String>,
    ) -> Result<Connection, Failure> {
        let link = Arc::new(Link::default());
        let budget = give_up.saturating_duration_since(Instant::now());
        let tls = LinkTls {
            link: Arc::clone(&link),
            encryption: self.settings.encryption.clone(),
            budget,
        };
        let cut = Arc::clone(&link);
        let guard = job.stop_with(move || cut.cut()).map_err(Failure::Job)?;
        // It may be stopped like a statement, but it is none.
        job.enter(Phase::Connecting);
        let connected = config.connect(tls.clone());
        drop(guard);
        match connected {
            Ok(client) => {
                link.opened();
                Ok(Connection::new(client, tls, begin))
            }
            Err(error) if refuses_options(&error) => Err(Failure::OptionsRefused),
            Err(error) => {
                job.check().map_err(Failure::Job)?;
                Err(Failure::Job(error::connecting(&error, place)))
            }
        }
    }
}

enum Failure {
    OptionsRefused,
    Job(JobError),
}

impl Connector for PostgresConnector {
    type Connection = Connection;

    fn connect(&self, job: &Arc<JobControl>) -> Result<Connection, JobError> {
        self.open(job, connect_budget(job, self.settings.connect_timeout)?)
    }

    fn reusable(&self, connection: &mut Connection) -> bool {
        connection.reusable()
    }
}

/// A pooler's refusal: PgBouncer says `unsupported startup parameter`, others name the option.
fn refuses_options(error: &postgres::Error) -> bool {
    error.as_db_error().is_some_and(|db| {
        let text = db.message();
        text.contains("startup parameter") || text.contains("startup option")
    })
}

/// Addresses of the wanted family, IPv4 first.
fn candidates(mut found: Vec<SocketAddr>, family: Option<u8>) -> Vec<SocketAddr> {
    found.retain(|address| match family {
        Some(6) => address.is_ipv6(),
        Some(_) => address.is_ipv4(),
        None => true,
    });
    found.sort_by_key(SocketAddr::is_ipv6);
    found.dedup();
    found
}

/// Opens a read-only transaction and repeats in it what startup options would have set.
fn begin_statement(options: Option<&str>) -> String {
    let mut sql = String::from("BEGIN READ ONLY");
    let words: Vec<&str> = options.unwrap_or_default().split_whitespace().collect();
    for (i, word) in words.iter().enumerate() {
        let setting = match word.strip_prefix("-c").or_else(|| word.strip_prefix("--")) {
            Some("") => words.get(i + 1).copied(),
            glued => glued,
        };
        if let Some((name, value)) = setting.and_then(|setting| setting.split_once('=')) {
            sql.push_str("; SET LOCAL \"");
            sql.push_str(&name.replace('-', "_").replace('"', "\"\""));
            sql.push_str("\" TO '");
            sql.push_str(&value.replace('\'', "''"));
            sql.push('\'');
        }
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridges::postgres::Flavour;
    use crate::job::Outcome;
    use std::net::TcpListener;

    #[test]
    fn options_become_settings_of_the_transaction() {
        assert_eq!(begin_statement(None), "BEGIN READ ONLY");
        assert_eq!(
            begin_statement(Some(
                "-c TimeZone=Asia/Tokyo -csearch_path=a,'b --work-mem=4MB"
            )),
            "BEGIN READ ONLY; SET LOCAL \"TimeZone\" TO 'Asia/Tokyo'; SET LOCAL \"search_path\" TO 'a,''b'; \
             SET LOCAL \"work_mem\" TO '4MB'"
        );
    }

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
            let error = connector(&url, 50).connect(&job()).err().unwrap();
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
            std::thread::spawn(move || connector(&url, 60_000).connect(&job).err().unwrap())
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
        let error = connector(&url, 5_000).connect(&job()).err().unwrap();
        assert_eq!(error.code, ErrorCode::SourceUnreachable);
        assert!(error.message.contains("refused"), "{}", error.message);
        let url = "postgres://no-such-host.invalid/d";
        let error = connector(url, 5_000).connect(&job()).err().unwrap();
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
