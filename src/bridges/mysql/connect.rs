//! Opening a connection, read-only from the start, and ending its statement from another one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use mysql::prelude::Queryable;
use mysql::{Conn, Opts, OptsBuilder};

use super::config::{Address, Settings};
use super::connection::Connection;
use super::encryption::Mode;
use super::error::{connecting, is_address, is_tls};
use crate::error::{ErrorCode, JobError};
use crate::limits;
use crate::net::{self, Budget};

/// Time limits of one attempt to connect.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For everything up to the session being open, as far as the driver can be held to it.
    pub(super) connect: Duration,
    /// For a server that says nothing, now and later.
    pub(super) silence: Duration,
}

/// Connects and sets the session up. Blocks: for the connection itself at most as long as `patience` says,
/// for a server that accepts and then says nothing until its silence has been long enough.
pub(super) fn open(settings: &Settings, patience: Patience) -> Result<Connection, JobError> {
    let (conn, encrypted) = connect(settings, patience)?;
    let place = settings.address.to_string();
    let mut connection = Connection {
        id: conn.connection_id(),
        conn,
        encrypted,
        read_only: true,
        spent: false,
    };
    match connection
        .conn
        .query_drop("SET SESSION TRANSACTION READ ONLY")
    {
        Ok(()) => {}
        // A pooler may not know the statement.
        Err(mysql::Error::MySqlError(refused)) => {
            log::debug!("{place} refuses a read-only session: {}", refused.message);
            connection.read_only = false;
        }
        Err(error) => return Err(connecting(&error, &place)),
    }
    // TIMESTAMP is shown in the session's time zone and everything we show is UTC.
    match connection
        .conn
        .query_drop("SET SESSION time_zone = '+00:00'")
    {
        Ok(()) => {}
        Err(mysql::Error::MySqlError(refused)) => {
            log::warn!("{place} refuses the time zone UTC: {}", refused.message);
        }
        Err(error) => return Err(connecting(&error, &place)),
    }
    Ok(connection)
}

/// `ER_NO_SUCH_THREAD`.
const NO_SUCH_THREAD: u16 = 1094;

/// Ends the statement that connection `id` is running, from a second connection.
pub(super) fn kill(settings: &Settings, id: u32) -> Result<(), JobError> {
    let patience = Patience {
        connect: limits::STOP_BUDGET,
        silence: limits::STOP_BUDGET,
    };
    let (mut conn, _) = connect(settings, patience)?;
    match conn.query_drop(format!("KILL QUERY {id}")) {
        // The server has noticed that the socket is closed: there is no such connection any more.
        Err(mysql::Error::MySqlError(gone)) if gone.code == NO_SUCH_THREAD => Ok(()),
        result => result.map_err(|error| connecting(&error, &settings.address.to_string())),
    }
}

/// The bare connection, and whether it is encrypted.
fn connect(settings: &Settings, patience: Patience) -> Result<(Conn, bool), JobError> {
    let budget = Budget::new(patience.connect);
    let place = settings.address.to_string();
    let routes = Route::all(&settings.address, patience.connect)?;
    let mut last = None;
    for &encrypted in settings.encryption.attempts() {
        let fitting: Vec<_> = routes.iter().filter(|r| r.fits(encrypted)).collect();
        for (route, share) in budget.shares(&fitting) {
            let error =
                match Conn::new(options(settings, route, encrypted, share, patience.silence)) {
                    Ok(conn) => {
                        if !encrypted {
                            settings.encryption.set_not_offered();
                        }
                        return Ok((conn, encrypted && **route != Route::Unix));
                    }
                    Err(error) => error,
                };
            let failure = connecting(&error, &place);
            let may_be_plain = settings.encryption.mode == Mode::IfOffered && is_tls(&error);
            if is_address(&error) {
                last = Some(route.explain(failure, &place, share));
            } else if may_be_plain && encrypted {
                last = Some(failure);
                break;
            } else {
                return Err(failure);
            }
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
#[derive(Debug, Clone, PartialEq, Eq)]
enum Route {
    /// A socket of the file system.
    Unix,
    /// A certain address. Only for plain text: with TLS the driver must know the name.
    To(SocketAddr),
    /// The name, over one family of addresses. The driver resolves it once more and gives up at the first
    /// address that fails, unless a local address to bind is named: then it tries all of that family.
    ByName {
        /// The local address.
        bind: SocketAddr,
        /// The addresses it stands for.
        addresses: Vec<SocketAddr>,
    },
}

impl Route {
    fn all(address: &Address, budget: Duration) -> Result<Vec<Self>, JobError> {
        let Address::Tcp(host, port) = address else {
            return Ok(vec![Self::Unix]);
        };
        let addresses = net::resolve(host, *port, budget).map_err(|error| {
            JobError::new(
                ErrorCode::SourceUnreachable,
                format!("cannot resolve the host name \"{host}\": {error}"),
            )
        })?;
        let mut routes: Vec<_> = addresses.iter().copied().map(Self::To).collect();
        let (four, six): (Vec<_>, Vec<_>) = addresses.iter().partition(|a| a.is_ipv4());
        let first_is_six = addresses.first().is_some_and(SocketAddr::is_ipv6);
        let mut families = [
            (IpAddr::V4(Ipv4Addr::UNSPECIFIED), four),
            (IpAddr::V6(Ipv6Addr::UNSPECIFIED), six),
        ];
        if first_is_six {
            families.reverse();
        }
        routes.extend(
            families
                .into_iter()
                .filter(|(_, addresses)| !addresses.is_empty())
                .map(|(ip, addresses)| Self::ByName {
                    bind: SocketAddr::new(ip, 0),
                    addresses,
                }),
        );
        Ok(routes)
    }

    fn fits(&self, encrypted: bool) -> bool {
        match self {
            Self::Unix => true,
            Self::To(_) => !encrypted,
            Self::ByName { .. } => encrypted,
        }
    }

    /// The driver tells only of the last address it tried, and of the wrong family at that; ask again what
    /// is wrong.
    fn explain(&self, failure: JobError, place: &str, share: Duration) -> JobError {
        let Self::ByName { addresses, .. } = self else {
            return failure;
        };
        let cause = addresses
            .first()
            .and_then(|address| TcpStream::connect_timeout(address, share).err());
        match cause {
            Some(cause) => JobError::new(failure.code, format!("{place}: {cause}")),
            None => failure,
        }
    }
}

fn options(
    settings: &Settings,
    route: &Route,
    encrypted: bool,
    connect: Duration,
    silence: Duration,
) -> Opts {
    let mut options = OptsBuilder::new()
        .user(settings.user.clone())
        .pass(settings.password.clone())
        .db_name(settings.database.clone())
        .prefer_socket(false)
        .tcp_connect_timeout(Some(connect.max(Duration::from_millis(1))))
        .read_timeout(Some(silence))
        .write_timeout(Some(silence))
        .tcp_keepalive_time_ms(Some(limits::SOURCE_KEEPALIVE_MS))
        // Naming it saves the driver a question to the server.
        .max_allowed_packet(Some(limits::MYSQL_PACKET))
        .connect_attrs(Some([("program_name", "semilayer-runner")].into()));
    if let Address::Tcp(host, port) = &settings.address {
        options = options.tcp_port(*port).ip_or_hostname(Some(host.clone()));
    }
    options = match route {
        Route::Unix => match &settings.address {
            Address::Unix(path) => options.socket(Some(path.to_string_lossy())),
            Address::Tcp(..) => options,
        },
        Route::To(address) => options.ip_or_hostname(Some(bracketed(address.ip()))),
        Route::ByName { bind, .. } => options.bind_address(Some(*bind)),
    };
    if encrypted {
        options = options.ssl_opts(settings.encryption.options());
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
    fn every_address_has_a_route_in_each_mode() {
        let routes = Route::all(&Address::Tcp("::1".to_owned(), 3306), Duration::ZERO).unwrap();
        let six: SocketAddr = "[::1]:3306".parse().unwrap();
        assert_eq!(
            routes,
            [
                Route::To(six),
                Route::ByName {
                    bind: "[::]:0".parse().unwrap(),
                    addresses: vec![six]
                }
            ]
        );
        assert!(routes[0].fits(false) && !routes[0].fits(true));
        assert!(routes[1].fits(true) && !routes[1].fits(false));
        let unix = Address::Unix("/run/mysqld.sock".into());
        assert_eq!(Route::all(&unix, Duration::ZERO).unwrap(), [Route::Unix]);
    }
}
