//! Opening a connection, read-only from the start, and ending its statement from another one.

use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use mysql::{Conn, Opts, OptsBuilder, SslOpts};

use super::config::{Address, Settings};
use super::connection::Connection;
use super::error::{connecting, ends_the_session, is_address, is_not_offered, is_tls};
use super::guard::Guard;
use crate::error::{ErrorCode, JobError};
use crate::limits;
use crate::net::{self, Budget};
use crate::text::shown_host;
use crate::tls::TlsMode;

/// Time limits of one attempt to connect.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For everything up to the session being open, as far as the driver can be held to it.
    pub(super) connect: Duration,
    /// For a server that says nothing, now and later.
    pub(super) silence: Duration,
}

/// Connects and sets the session up, within the time that `patience` gives, while `guard` looks on.
pub(super) fn open(
    settings: &Settings,
    patience: Patience,
    guard: Guard,
) -> Result<Connection, JobError> {
    let place = settings.address.to_string();
    let opened = connect(settings, patience, &guard).and_then(|(conn, encrypted)| {
        let mut connection = Connection {
            id: conn.connection_id(),
            conn,
            encrypted,
            read_only: false,
            spent: false,
            guard: guard.clone(),
        };
        set_up(&mut connection, &place)?;
        Ok(connection)
    });
    let connection = opened.map_err(|error| match guard.problem() {
        Some(problem) => JobError {
            message: format!("{place}: {}", problem.message),
            ..problem
        },
        None => error,
    })?;
    guard.opened(patience.silence);
    Ok(connection)
}

/// Makes the session read-only and asks whether it is, because a pooler may take the statement and do nothing.
fn set_up(connection: &mut Connection, place: &str) -> Result<(), JobError> {
    for (sql, what) in RELIED_ON {
        match connection.conn.query_drop(sql) {
            Ok(()) => {}
            Err(mysql::Error::MySqlError(refused)) if !ends_the_session(refused.code) => {
                log::warn!("{place} refuses {what}: {}", refused.message);
            }
            Err(error) => return Err(connecting(&error, place)),
        }
    }
    // MariaDB learned MySQL's name of it late.
    for sql in [
        "SELECT @@SESSION.transaction_read_only",
        "SELECT @@SESSION.tx_read_only",
    ] {
        match connection.conn.query_first::<u8, _>(sql) {
            Ok(answer) => {
                connection.read_only = answer == Some(1);
                break;
            }
            Err(mysql::Error::MySqlError(_)) => {}
            Err(error) => return Err(connecting(&error, place)),
        }
    }
    if !connection.read_only {
        log::info!(
            "{place}: the session is not read-only; every job runs in a read-only transaction"
        );
    }
    Ok(())
}

/// What sessions rely on, whatever the server's defaults are, and what it is called.
const RELIED_ON: [(&str, &str); 3] = [
    ("SET SESSION TRANSACTION READ ONLY", "a read-only session"),
    // TIMESTAMP is shown in the session's time zone and everything we show is UTC.
    ("SET SESSION time_zone = '+00:00'", "the time zone UTC"),
    // A transaction that nobody began shows the past and holds its tables; a limit nobody asked for hides rows; for
    // Microsoft's sake `IS NULL` may find the row inserted last; a ROLLBACK may begin a transaction or end the session.
    (
        "SET SESSION autocommit = 1, sql_select_limit = 18446744073709551615, sql_auto_is_null = 0, \
         completion_type = 'NO_CHAIN'",
        "a usual session",
    ),
];

/// `ER_NO_SUCH_THREAD`.
const NO_SUCH_THREAD: u16 = 1094;
/// Between two looks whether a connection is gone.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Ends connection `id` on the server, from a second one, and looks whether it went. Ending its statement would not
/// be enough: one that waits for somebody to read its rows waits on, with its locks.
pub(super) fn kill(settings: &Settings, id: u32) -> Result<(), JobError> {
    let patience = Patience {
        connect: limits::STOP_BUDGET,
        silence: limits::STOP_BUDGET,
    };
    let place = settings.address.to_string();
    let until = Instant::now() + limits::STOP_BUDGET;
    let guard = Guard::new(settings.tls(), None);
    let (mut conn, _) = connect(settings, patience, &guard)?;
    match conn.query_drop(format!("KILL CONNECTION {id}")) {
        Ok(()) => {}
        // The server has noticed that the socket is closed: there is no such connection any more.
        Err(mysql::Error::MySqlError(gone)) if gone.code == NO_SUCH_THREAD => return Ok(()),
        Err(error) => return Err(connecting(&error, &place)),
    }
    let sql = format!("SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = {id}");
    loop {
        match conn.query_first::<u8, _>(sql.as_str()) {
            Ok(None) => return Ok(()),
            Ok(Some(_)) if Instant::now() < until => thread::sleep(LOOK_AGAIN),
            Ok(Some(_)) => {
                return Err(JobError::new(
                    ErrorCode::SourceUnreachable,
                    format!("{place}: connection {id} was killed and is still there"),
                ));
            }
            Err(error) => return Err(connecting(&error, &place)),
        }
    }
}

/// The bare connection, and whether it is encrypted.
fn connect(
    settings: &Settings,
    patience: Patience,
    guard: &Guard,
) -> Result<(Conn, bool), JobError> {
    let budget = Budget::new(patience.connect);
    let place = settings.address.to_string();
    let routes = Route::all(&settings.address, patience.connect)?;
    let mut last: Option<JobError> = None;
    // Why there is no TLS with a server that offers it.
    let mut no_handshake: Option<String> = None;
    for &encrypted in settings.encryption.attempts() {
        for (route, share) in budget.shares(&routes) {
            let options = options(settings, *route, encrypted, share);
            let error = match guard.watch(share, || Conn::new(options)) {
                Ok(conn) => {
                    if !encrypted {
                        settings.encryption.set_not_offered(no_handshake.as_deref());
                    }
                    return Ok((conn, encrypted && *route != Route::Unix));
                }
                Err(error) => error,
            };
            let mut failure = connecting(&error, &place);
            let may_be_plain = settings.encryption.mode == TlsMode::IfOffered && is_tls(&error);
            if may_be_plain && encrypted {
                if !is_not_offered(&error) {
                    no_handshake = Some(failure.message.clone());
                }
                last = Some(failure);
                break;
            }
            if let Some(reason) = &no_handshake {
                failure.message = format!("{reason}; without TLS: {}", failure.message);
            }
            if !is_address(&error) {
                return Err(failure);
            }
            last = Some(failure);
        }
    }
    Err(last.unwrap_or_else(|| {
        JobError::new(
            ErrorCode::SourceUnreachable,
            format!("{place}: the connection timed out"),
        )
    }))
}

/// One way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    /// A socket of the file system.
    Unix,
    /// A certain address.
    To(SocketAddr),
}

impl Route {
    fn all(address: &Address, budget: Duration) -> Result<Vec<Self>, JobError> {
        let Address::Tcp(host, port) = address else {
            return Ok(vec![Self::Unix]);
        };
        let addresses = net::resolve(host, *port, budget).map_err(|error| {
            JobError::new(
                ErrorCode::SourceUnreachable,
                format!("{} cannot be resolved: {error}", shown_host(host)),
            )
        })?;
        Ok(addresses.into_iter().map(Self::To).collect())
    }
}

fn options(settings: &Settings, route: Route, encrypted: bool, connect: Duration) -> Opts {
    let limit = Some(connect.max(Duration::from_millis(1)));
    let mut options = OptsBuilder::new()
        .user(settings.user.clone())
        .pass(settings.password.clone())
        .db_name(settings.database.clone())
        .prefer_socket(false)
        .tcp_connect_timeout(limit)
        // Until the session is open; for later see `Guard::opened`.
        .read_timeout(limit)
        .write_timeout(Some(limits::SOURCE_SILENCE))
        .tcp_keepalive_time_ms(Some(limits::SOURCE_KEEPALIVE_MS))
        // Naming it saves the driver a question to the server.
        .max_allowed_packet(Some(limits::MYSQL_PACKET))
        .connect_attrs(Some([("program_name", "semilayer-runner")].into()));
    options = match (route, &settings.address) {
        (Route::To(address), _) => options
            .tcp_port(address.port())
            .ip_or_hostname(Some(bracketed(address.ip()))),
        (Route::Unix, Address::Unix(path)) => options.socket(Some(path.to_string_lossy())),
        (Route::Unix, Address::Tcp(..)) => options,
    };
    if encrypted {
        // What it says about certificates does not matter: the guard sets TLS up.
        options = options.ssl_opts(SslOpts::default());
    }
    options.into()
}

fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_has_a_route() {
        let routes = Route::all(&Address::Tcp("::1".to_owned(), 3306), Duration::ZERO).unwrap();
        assert_eq!(routes, [Route::To("[::1]:3306".parse().unwrap())]);
        let unix = Address::Unix("/run/mysqld.sock".into());
        assert_eq!(Route::all(&unix, Duration::ZERO).unwrap(), [Route::Unix]);
    }
}
