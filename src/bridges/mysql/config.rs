//! A source's configuration, as the official bridges spell it, checked and typed.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::{Map, Value};

use super::Flavour;
use super::encryption::Encryption;
use crate::bridges::config::{check_file, line, pool_size, port, text, unusable};
use crate::bridges::source_url::SourceUrl;
use crate::error::JobError;
use crate::limits;
use crate::net;
use crate::text::shown_host;
use crate::tls::TlsSettings;

/// MySQL's port.
const PORT: u16 = 3306;

/// Where the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// A host name or address literal (no brackets) and a port.
    Tcp(String, u16),
    /// A socket of the file system.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains('@') => write!(f, "{}:{port}", shown_host(host)),
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// How to reach one source.
#[derive(Clone)]
pub(super) struct Settings {
    /// The server.
    pub(super) address: Address,
    /// Account name.
    pub(super) user: Option<String>,
    /// Its password; never printed.
    pub(super) password: Option<String>,
    /// Default database, where the targets are.
    pub(super) database: Option<String>,
    /// TLS.
    pub(super) encryption: Encryption,
    /// Time to connect.
    pub(super) connect: Duration,
    /// Most connections.
    pub(super) pool: usize,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("address", &self.address)
            .field("database", &self.database)
            .field("encryption", &self.encryption.mode)
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Parts {
    host: Option<String>,
    port: Option<u16>,
    socket: Option<PathBuf>,
    user: Option<String>,
    password: Option<String>,
    database: Option<String>,
    connect: Option<Duration>,
    tls: TlsSettings,
}

impl Settings {
    /// Reads what the bridge's constructor takes. With a `url` the single keys only fill what it leaves open.
    ///
    /// # Errors
    /// `SOURCE_CONFIG`, in the official words where something is missing. No value is ever quoted.
    pub(super) fn from_config(
        flavour: Flavour,
        config: &Map<String, Value>,
    ) -> Result<Self, JobError> {
        let mut parts = Parts::default();
        let url = text(config, &["url"]);
        if let Some(url) = &url {
            parts.take_url(flavour, url)?;
        }
        let host = text(config, &["host"]);
        let user = text(config, &["user", "username"]);
        let password = line(config, &["password", "pass"]);
        let database = text(config, &["database", "db"]);
        let enough = match flavour {
            Flavour::PlanetScale => host.is_some() && user.is_some() && password.is_some(),
            Flavour::MySql | Flavour::MariaDb => host.is_some() || database.is_some(),
        };
        if url.is_none() && !enough {
            return Err(unusable(flavour.missing_config()));
        }
        if url.is_none() {
            parts.host = host.map(|host| net::without_brackets(&host).to_owned());
            parts.port = port(config)?;
        }
        parts.user = parts.user.or(user);
        parts.password = parts.password.or(password);
        parts.database = parts.database.or(database);
        for (name, value) in config {
            parts.take_setting(name, value)?;
        }
        parts.finish(flavour, pool_size(config))
    }
}

impl Settings {
    /// How TLS is set up, and for which name; nothing over a socket of the file system.
    pub(super) fn tls(&self) -> Option<(Arc<ClientConfig>, ServerName<'static>)> {
        let Address::Tcp(host, _) = &self.address else {
            return None;
        };
        let name = ServerName::try_from(net::without_zone(host).to_owned()).ok()?;
        Some((Arc::clone(&self.encryption.client), name))
    }
}

impl Parts {
    fn take_url(&mut self, flavour: Flavour, text: &str) -> Result<(), JobError> {
        let SourceUrl {
            url,
            host,
            port,
            user,
            password,
            path,
        } = SourceUrl::parse(text)?;
        if flavour == Flavour::MariaDb && !matches!(url.scheme(), "mariadb" | "mysql") {
            return Err(unusable("\"url\" must begin with mariadb://"));
        }
        self.host = host;
        self.port = port;
        self.user = user;
        self.password = password;
        self.database = path;
        for (name, value) in url.query_pairs() {
            self.take_setting(&name, &Value::String(value.into_owned()))?;
        }
        Ok(())
    }

    /// Takes what a URL parameter and a key of the configuration may both say. What came first counts, and
    /// what is unknown is ignored.
    fn take_setting(&mut self, name: &str, value: &Value) -> Result<(), JobError> {
        if self.tls.take(name, value).map_err(unusable)? {
            return Ok(());
        }
        match (name, value) {
            ("socketPath" | "socket", Value::String(path)) if !path.is_empty() => {
                self.socket.get_or_insert_with(|| PathBuf::from(path));
            }
            ("connectTimeout", value) => {
                if let Some(millis) = whole(value).filter(|millis| *millis > 0) {
                    self.connect.get_or_insert(Duration::from_millis(millis));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(self, flavour: Flavour, pool: usize) -> Result<Settings, JobError> {
        let address = match (self.socket, self.host) {
            (Some(path), _) => local(path)?,
            (None, Some(path)) if path.starts_with('/') => local(path.into())?,
            (None, host) => Address::Tcp(
                host.unwrap_or_else(|| "localhost".to_owned()),
                self.port.unwrap_or(PORT),
            ),
        };
        Ok(Settings {
            address,
            user: self.user,
            password: self.password,
            database: self.database,
            encryption: Encryption::new(
                self.tls
                    .decide(flavour == Flavour::PlanetScale)
                    .map_err(unusable)?,
            ),
            connect: self.connect.unwrap_or(limits::SOURCE_CONNECT),
            pool,
        })
    }
}

/// A socket of the file system, if the configuration may name it.
fn local(path: PathBuf) -> Result<Address, JobError> {
    check_file(&path)?;
    Ok(Address::Unix(path))
}

fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::tls::TlsMode;
    use serde_json::json;

    fn settings(flavour: Flavour, config: Value) -> Result<Settings, JobError> {
        Settings::from_config(flavour, config.as_object().unwrap())
    }

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp(host.to_owned(), port)
    }

    #[test]
    fn a_url_is_decoded() {
        let config = json!({"url": "mysql://u%40x:p%3Aw%2F@[::1]:3307/my%20db?connectTimeout=50&ssl=true&charset=x"});
        let found = settings(Flavour::MySql, config).unwrap();
        assert_eq!(found.address, tcp("::1", 3307));
        assert_eq!(found.address.to_string(), "[::1]:3307");
        assert_eq!(found.user.as_deref(), Some("u@x"));
        assert_eq!(found.password.as_deref(), Some("p:w/"));
        assert_eq!(found.database.as_deref(), Some("my db"));
        assert_eq!(found.connect, Duration::from_millis(50));
        assert_eq!(found.encryption.mode, TlsMode::Verified);
        assert_eq!(found.pool, 3);
    }

    #[test]
    fn each_flavour_has_its_schemes() {
        let url = |scheme: &str| json!({"url": format!("{scheme}://h/d")});
        assert!(settings(Flavour::MySql, url("anything")).is_ok());
        assert!(settings(Flavour::MariaDb, url("mariadb")).is_ok());
        assert!(settings(Flavour::MariaDb, url("mysql")).is_ok());
        assert!(settings(Flavour::MariaDb, url("postgres")).is_err());
    }

    #[test]
    fn single_keys_and_their_aliases() {
        let config = json!({"host": "h", "port": "3308", "username": "u", "pass": 123, "db": "d",
            "pool": {"max": 7}, "ssl": {"rejectUnauthorized": false}});
        let found = settings(Flavour::MySql, config).unwrap();
        assert_eq!(found.address, tcp("h", 3308));
        assert_eq!(found.user.as_deref(), Some("u"));
        assert_eq!(found.password.as_deref(), Some("123"));
        assert_eq!(found.database.as_deref(), Some("d"));
        assert_eq!(found.pool, 7);
        assert_eq!(found.encryption.mode, TlsMode::Unverified);
        let found = settings(Flavour::MySql, json!({"database": "d"})).unwrap();
        assert_eq!(found.address, tcp("localhost", 3306));
        let found = settings(
            Flavour::MySql,
            json!({"url": "mysql://h/d?socketPath=/run/s"}),
        )
        .unwrap();
        assert_eq!(found.address, Address::Unix("/run/s".into()));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (flavour, config, part) in [
            (Flavour::MySql, json!({}), "MysqlBridge requires"),
            (Flavour::MySql, json!({"url": ""}), "MysqlBridge requires"),
            (
                Flavour::MariaDb,
                json!({"user": "u"}),
                "MariadbBridge requires",
            ),
            (
                Flavour::PlanetScale,
                json!({"host": "h", "username": "u"}),
                "PlanetscaleBridge requires",
            ),
            (
                Flavour::MySql,
                json!({"url": "nope"}),
                "\"url\" is not a URL",
            ),
            (
                Flavour::MySql,
                json!({"host": "h", "port": 99999}),
                "\"port\"",
            ),
            (
                Flavour::PlanetScale,
                json!({"url": "mysql://h/d?sslmode=disable"}),
                "needs TLS",
            ),
        ] {
            let error = settings(flavour, config).unwrap_err();
            assert_eq!(error.code, ErrorCode::SourceConfig);
            assert!(error.message.contains(part), "{error}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let found = settings(Flavour::MySql, json!({"url": "mysql://u:hunter2@h/d"})).unwrap();
        assert!(!format!("{found:?}").contains("hunter2"));
        let error =
            settings(Flavour::MySql, json!({"url": "mysql://u:hunter2@h:port/d"})).unwrap_err();
        assert!(!error.message.contains("hunter2"), "{error}");
    }
}
