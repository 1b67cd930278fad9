//! The driver's errors as errors of a job. The server's own words are passed on; they quote identifiers and
//! sometimes a literal, never the statement, whose values travel apart from it.

use std::io;

use mysql::{DriverError, Error};

use crate::error::{ErrorCode, JobError, Retry};
use crate::limits;
use crate::text::printable;
use crate::tls::chain;

/// A failure to connect to `place` (host and port).
pub(super) fn connecting(error: &Error, place: &str) -> JobError {
    let code = match error {
        Error::MySqlError(server) => match server.code {
            // Access denied in its many forms: to the server, to the database, from this host; an expired
            // or locked account; a way to log in that one side does not know.
            1044 | 1045 | 1130 | 1251 | 1275 | 1524 | 1698 | 1820 | 1862 | 3118 | 3955 | 4151 => {
                ErrorCode::SourceAuthFailed
            }
            // Unknown database.
            1049 => ErrorCode::SourceConfig,
            _ => ErrorCode::SourceUnreachable,
        },
        Error::DriverError(
            DriverError::UnknownAuthPlugin(_)
            | DriverError::OldMysqlPasswordDisabled
            | DriverError::CleartextPluginDisabled,
        ) => ErrorCode::SourceAuthFailed,
        _ => ErrorCode::SourceUnreachable,
    };
    JobError::new(code, format!("{place}: {}", text(error)))
}

/// A failure of a statement.
pub(super) fn executing(error: &Error) -> JobError {
    match error {
        Error::MySqlError(server) => {
            let failed = JobError::query_failed(text(error)).with_sql_state(&server.state);
            if ends_the_session(server.code) {
                failed.with(Retry::NewConnection)
            } else {
                failed
            }
        }
        _ if io_cause(error).is_some() || matches!(error, Error::TlsError(_)) => {
            JobError::unreachable(format!(
                "the connection to the database broke: {}",
                text(error)
            ))
            .with(Retry::NewConnection)
        }
        // The driver and the server no longer agree on where an answer ends.
        _ => JobError::query_failed(text(error)).with(Retry::NewConnection),
    }
}

/// As [`executing`], for a statement whose values have so many bytes: of a server that hangs up in the middle of them its
/// reason may be lost on the way.
pub(super) fn sending(error: &Error, bytes: usize) -> JobError {
    let mut failed = executing(error);
    if bytes > limits::MYSQL_LARGE_VALUES && io_cause(error).is_some() {
        failed.message.push_str(&format!(
            "; the values that the job names have {bytes} bytes, which may be more than the server's max_allowed_packet"
        ));
    }
    failed
}

/// True for errors after which the server closes the connection, or no longer knows its statements.
pub(super) fn ends_the_session(code: u16) -> bool {
    matches!(
        code,
        // Shutdown in progress; the connection was killed, or aborted.
        1053 | 1080 | 1152 | 1184 | 1927
        // Packets out of order, read and write errors and time-outs of the server's network side.
        | 1153
            ..=1161
        // Unknown statement handle (a pooler has changed the server behind it), statement to be prepared again.
        | 1243 | 1615
        // Gone away, or lost: a client's errors, which proxies pass on as their own.
        | 2006 | 2013
        // Idle for too long: MySQL says so before it closes.
        | 4031
    )
}

/// The server's text with its number and SQLSTATE, or the driver's with the whole chain of causes: with TLS
/// the cause is two levels down.
pub(super) fn text(error: &Error) -> String {
    if let Some(cause) = io_cause(error) {
        return match cause.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                "the server said nothing for too long".to_owned()
            }
            io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
            _ => chain(cause),
        };
    }
    match error {
        Error::MySqlError(server) => format!(
            "{} (error {}, SQLSTATE {}){}",
            server.message,
            server.code,
            server.state,
            advice(server.code)
        ),
        Error::DriverError(DriverError::ConnectTimeout) => "the connection timed out".to_owned(),
        Error::DriverError(DriverError::CouldNotConnect(Some((_, cause, _)))) => cause.clone(),
        Error::DriverError(DriverError::TlsNotSupported) => {
            "the server offers no TLS, which the configuration asks for".to_owned()
        }
        Error::DriverError(DriverError::UnknownAuthPlugin(name)) => unspoken(name),
        Error::DriverError(DriverError::CleartextPluginDisabled) => {
            unspoken("mysql_clear_password")
        }
        Error::DriverError(DriverError::OldMysqlPasswordDisabled) => unspoken("mysql_old_password"),
        Error::DriverError(cause) => cause.to_string(),
        Error::TlsError(cause) => format!("TLS: {cause}"),
        Error::CodecError(cause) => {
            format!(
                "the server does not speak MySQL's protocol: {}",
                chain(cause)
            )
        }
        _ => "the driver could not read the answer".to_owned(),
    }
}

/// What to do about a server's error that does not say so.
fn advice(code: u16) -> &'static str {
    match code {
        1153 => {
            "; what the job asks is more than the server takes at once: ask for less, or raise max_allowed_packet"
        }
        1698 => {
            "; if the account logs in as a user of the server's own machine (unix_socket, auth_socket), let it log \
             in by a password"
        }
        _ => "",
    }
}

/// For an account that logs in by a plugin which the driver does not know.
pub(super) fn unspoken(plugin: &str) -> String {
    let what = match plugin {
        "dialog" => " (PAM)",
        "mysql_clear_password" => " (PAM or LDAP)",
        "auth_gssapi_client" | "authentication_kerberos_client" => " (Kerberos)",
        _ => "",
    };
    format!(
        "the account logs in by {}{what}, which the runner does not speak; let it log in by caching_sha2_password, \
         mysql_native_password or (on MariaDB) ed25519: ALTER USER … IDENTIFIED …",
        printable(plugin.chars().take(64))
    )
}

/// The network's own error, which the driver wraps in one of its own when it arises within a packet.
fn io_cause(error: &Error) -> Option<&io::Error> {
    match error {
        Error::IoError(cause) => Some(cause),
        Error::CodecError(codec) => std::error::Error::source(codec)?.downcast_ref(),
        _ => None,
    }
}

/// True when TLS could not be set up, for a connection that may go without.
pub(super) fn is_tls(error: &Error) -> bool {
    match error {
        Error::TlsError(_) | Error::DriverError(DriverError::TlsNotSupported) => true,
        _ => io_cause(error)
            .and_then(io::Error::get_ref)
            .is_some_and(|inner| inner.is::<rustls::Error>()),
    }
}

/// True when the server has no TLS at all.
pub(super) fn is_not_offered(error: &Error) -> bool {
    matches!(error, Error::DriverError(DriverError::TlsNotSupported))
}

/// True when the address did not take the connection: another address of the same name may.
pub(super) fn is_address(error: &Error) -> bool {
    matches!(
        error,
        Error::DriverError(DriverError::ConnectTimeout | DriverError::CouldNotConnect(_))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use mysql::MySqlError;

    fn server(code: u16) -> Error {
        Error::MySqlError(MySqlError {
            state: "HY000".to_owned(),
            message: "words".to_owned(),
            code,
        })
    }

    #[test]
    fn who_must_act_is_told_by_the_code() {
        for (error, code) in [
            (server(1045), ErrorCode::SourceAuthFailed),
            (server(1049), ErrorCode::SourceConfig),
            (server(1040), ErrorCode::SourceUnreachable),
            (
                Error::DriverError(DriverError::UnknownAuthPlugin("x".to_owned())),
                ErrorCode::SourceAuthFailed,
            ),
            (
                Error::DriverError(DriverError::ConnectTimeout),
                ErrorCode::SourceUnreachable,
            ),
        ] {
            assert_eq!(connecting(&error, "h:1").code, code);
        }
        assert_eq!(
            connecting(&server(1045), "h:1").message,
            "h:1: words (error 1045, SQLSTATE HY000)"
        );
    }

    #[test]
    fn only_a_dead_connection_is_lost() {
        assert_eq!(executing(&server(1146)).retry, Retry::No);
        assert_eq!(executing(&server(1317)).retry, Retry::No);
        for code in [1053, 1927, 4031] {
            let error = executing(&server(code));
            assert_eq!(error.retry, Retry::NewConnection, "{code}");
        }
        let broken = executing(&Error::IoError(io::ErrorKind::BrokenPipe.into()));
        assert_eq!(broken.retry, Retry::NewConnection);
        assert_eq!(broken.code, ErrorCode::SourceUnreachable);
        let confused = executing(&Error::DriverError(DriverError::PacketOutOfSync));
        assert_eq!(confused.retry, Retry::NewConnection);
    }

    #[test]
    fn the_cause_below_tls_is_told() {
        let inner = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let error = Error::IoError(io::Error::new(io::ErrorKind::InvalidData, inner));
        assert!(is_tls(&error));
        assert!(text(&error).contains("UnknownIssuer"), "{}", text(&error));
    }
}
