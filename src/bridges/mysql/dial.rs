//! The way to the server, and the bare connection.

use std::net::SocketAddr;
use std::time::Duration;

use mysql::{Conn, Opts, OptsBuilder, SslOpts};

use super::config::{Address, Settings};
use super::error::{connecting, is_address, is_not_offered, is_tls};
use super::guard::Guard;
use crate::error::JobError;
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

/// The bare connection, and whether it is encrypted.
pub(super) fn dial(
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
    Err(last.unwrap_or_else(|| JobError::unreachable(format!("{place}: the connection timed out"))))
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
            JobError::unreachable(format!("{} cannot be resolved: {error}", shown_host(host)))
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
            .ip_or_hostname(Some(net::bracketed(&address.ip().to_string()))),
        (Route::Unix, Address::Unix(path)) => options.socket(Some(path.to_string_lossy())),
        (Route::Unix, Address::Tcp(..)) => options,
    };
    if encrypted {
        // What it says about certificates does not matter: the guard sets TLS up.
        options = options.ssl_opts(SslOpts::default());
    }
    options.into()
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
