//! A source's configuration: where its database is and how to speak to it.

use std::time::Duration;

use postgres::config::Host;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::Flavour;
use super::link::Encryption;
use super::options::Options;
use crate::bridges::config::{pool_size, text, unusable};
use crate::error::JobError;
use crate::files;
use crate::limits;
use crate::text::printable;
use crate::tls::{TlsDecision, TlsMode, TlsSettings};

/// One place a server may be at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A name or address, and a port.
    Tcp(String, u16),
    /// The folder of a Unix socket, and the port in the socket's name.
    Unix(std::path::PathBuf, u16),
}

/// What a source's configuration says, checked. It holds a password: no `Debug`.
pub struct Settings {
    /// The driver's settings without any host.
    pub driver: postgres::Config,
    /// The servers, tried in order.
    pub addresses: Vec<Address>,
    /// Whether to encrypt.
    pub encryption: Encryption,
    /// Startup options of the customer's own (`options=-c …`).
    pub options: Options,
    /// Time to connect.
    pub connect_timeout: Duration,
    /// 4 or 6 when only such addresses may be used.
    pub family: Option<u8>,
    /// Most connections.
    pub pool_max: usize,
}

/// Parameters of the URL that the driver knows and the customer may set.
const DRIVER_KEYS: [&str; 10] = [
    "user",
    "password",
    "dbname",
    "host",
    "port",
    "application_name",
    "keepalives",
    "keepalives_idle",
    "target_session_attrs",
    "channel_binding",
];

impl Settings {
    /// Reads a configuration.
    ///
    /// # Errors
    /// `SOURCE_CONFIG`, naming the keys; never their values.
    pub fn parse(config: &Map<String, Value>, flavour: Flavour) -> Result<Self, JobError> {
        let url = match text(config, &["url", "connectionString"]) {
            Some(url) => Url::parse(&url)?,
            None => Url::from_fields(config, flavour)?,
        };
        let mut options = Options::default();
        let mut connect_timeout = match config
            .get("connectionTimeoutMillis")
            .and_then(Value::as_u64)
        {
            Some(millis) if millis > 0 => Duration::from_millis(millis),
            _ => limits::SOURCE_CONNECT,
        };
        let mut driver_text = url.base.clone();
        for (key, value) in &url.parameters {
            match key.as_str() {
                "options" => options = Options::parse(value),
                "connect_timeout" => {
                    if let Some(seconds) = value.parse().ok().filter(|seconds| *seconds > 0) {
                        connect_timeout = Duration::from_secs(seconds);
                    }
                }
                "database" => append(&mut driver_text, "dbname", value),
                key if DRIVER_KEYS.contains(&key) => append(&mut driver_text, key, value),
                // Parameters of other drivers and of poolers (pgbouncer=true, schema=…) mean nothing here.
                _ => {}
            }
        }
        let parsed: postgres::Config = driver_text.parse().map_err(|_| {
            unusable("the url cannot be read as postgres://user:password@host:port/database")
        })?;
        if !options.dropped.is_empty() {
            log::warn!(
                "startup options of a {} source are left out: {}",
                flavour.package().name(),
                printable(options.dropped.join(", ").chars().take(200))
            );
        }
        let addresses = addresses(&parsed, flavour);
        for address in &addresses {
            if let Address::Unix(folder, _) = address {
                files::allowed(folder).map_err(|error| unusable(error.to_string()))?;
            }
        }
        Ok(Self {
            addresses,
            encryption: encryption(config, &url.parameters, flavour)?,
            driver: without_hosts(&parsed),
            options,
            connect_timeout,
            family: match config.get("ipFamily").and_then(Value::as_u64) {
                Some(6) => Some(6),
                Some(4) => Some(4),
                _ => None,
            },
            pool_max: pool_size(config),
        })
    }
}

/// A connection string split into what the driver parses and what we decide.
struct Url {
    base: String,
    parameters: Vec<(String, String)>,
}

impl Url {
    fn parse(url: &str) -> Result<Self, JobError> {
        const SCHEMES: [&str; 3] = ["postgres", "postgresql", "cockroachdb"];
        let rest = url
            .split_once("://")
            .filter(|(scheme, _)| {
                SCHEMES
                    .iter()
                    .any(|known| scheme.eq_ignore_ascii_case(known))
            })
            .map(|(_, rest)| rest)
            .ok_or_else(|| unusable("the url must begin with postgres:// or postgresql://"))?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let place = one_at_sign(place);
        let parameters = form_urlencoded::parse(query.as_bytes())
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect();
        Ok(Self {
            base: format!("postgresql://{place}"),
            parameters,
        })
    }

    fn from_fields(config: &Map<String, Value>, flavour: Flavour) -> Result<Self, JobError> {
        let (Some(host), Some(database)) =
            (text(config, &["host"]), text(config, &["database", "db"]))
        else {
            return Err(unusable(flavour.missing_config()));
        };
        let host = if host.contains(':') && !host.starts_with('[') {
            format!("[{host}]")
        } else {
            host
        };
        let mut base = String::from("postgresql://");
        if let Some(user) = text(config, &["user", "username"]) {
            base.extend(form_urlencoded::byte_serialize(user.as_bytes()).map(plus_is_space));
            if let Some(password) = text(config, &["password"]) {
                base.push(':');
                base.extend(
                    form_urlencoded::byte_serialize(password.as_bytes()).map(plus_is_space),
                );
            }
            base.push('@');
        }
        if host.starts_with('/') {
            base.extend(form_urlencoded::byte_serialize(host.as_bytes()));
        } else {
            base.push_str(&host);
        }
        if let Some(port) = text(config, &["port"]) {
            base.push(':');
            base.push_str(&port);
        }
        base.push('/');
        base.extend(form_urlencoded::byte_serialize(database.as_bytes()).map(plus_is_space));
        Ok(Self {
            base,
            parameters: Vec::new(),
        })
    }
}

/// The last `@` is what ends the credentials, as in every URL; the driver would take the first, and what follows it of
/// a password for the host.
fn one_at_sign(place: &str) -> String {
    let (authority, path) = match place.find('/') {
        Some(at) => place.split_at(at),
        None => (place, ""),
    };
    match authority.rsplit_once('@') {
        Some((credentials, host)) => format!("{}@{host}{path}", credentials.replace('@', "%40")),
        None => place.to_owned(),
    }
}

/// Form encoding writes a space as `+`, which a URL's other parts take literally.
fn plus_is_space(piece: &str) -> &str {
    if piece == "+" { "%20" } else { piece }
}

fn append(url: &mut String, key: &str, value: &str) {
    url.push(if url.contains('?') { '&' } else { '?' });
    url.push_str(key);
    url.push('=');
    url.extend(form_urlencoded::byte_serialize(value.as_bytes()).map(plus_is_space));
}

fn addresses(parsed: &postgres::Config, flavour: Flavour) -> Vec<Address> {
    let ports = parsed.get_ports();
    let port = |i: usize| {
        ports
            .get(i)
            .or(ports.first())
            .copied()
            .unwrap_or(flavour.default_port())
    };
    let hosts = parsed.get_hosts();
    if hosts.is_empty() {
        return vec![Address::Tcp("localhost".into(), port(0))];
    }
    hosts
        .iter()
        .enumerate()
        .map(|(i, host)| match host {
            Host::Tcp(name) if name.is_empty() => Address::Tcp("localhost".into(), port(i)),
            Host::Tcp(name) => Address::Tcp(name.clone(), port(i)),
            Host::Unix(folder) => Address::Unix(folder.clone(), port(i)),
        })
        .collect()
}

/// The driver's own settings cannot lose a host again, so they are copied without any.
fn without_hosts(parsed: &postgres::Config) -> postgres::Config {
    let mut config = postgres::Config::new();
    if let Some(user) = parsed.get_user() {
        config.user(user);
    }
    if let Some(password) = parsed.get_password() {
        config.password(password);
    }
    if let Some(name) = parsed.get_dbname() {
        config.dbname(name);
    }
    config
        .application_name(parsed.get_application_name().unwrap_or("semilayer-runner"))
        .target_session_attrs(parsed.get_target_session_attrs())
        .channel_binding(parsed.get_channel_binding())
        .keepalives(parsed.get_keepalives())
        .keepalives_idle(Duration::from_secs(30))
        .keepalives_interval(Duration::from_secs(10))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(60))
        // The driver logs them at `info`; they may quote what a job has sent.
        .notice_callback(|notice| {
            log::trace!(
                "{} of the database: {}",
                notice.severity(),
                notice.message()
            );
        });
    config
}

/// What URL and fields say about TLS. Of a parameter that is there twice the last one counts, as with Node's drivers,
/// and `sslmode` goes before the others.
fn encryption(
    config: &Map<String, Value>,
    parameters: &[(String, String)],
    flavour: Flavour,
) -> Result<Encryption, JobError> {
    let mut settings = TlsSettings::default();
    let is_mode = |name: &str| name.eq_ignore_ascii_case("sslmode");
    let (modes, others): (Vec<_>, Vec<_>) =
        parameters.iter().rev().partition(|(name, _)| is_mode(name));
    for (name, value) in modes.into_iter().chain(others) {
        let value = Value::String(value.clone());
        settings.take(name, &value).map_err(unusable)?;
    }
    for (name, value) in config {
        settings.take(name, value).map_err(unusable)?;
    }
    let TlsDecision { mode, client } = settings.decide(flavour.requires_tls()).map_err(unusable)?;
    Ok(match mode {
        TlsMode::Off => Encryption::Off,
        TlsMode::IfOffered => Encryption::IfOffered(client),
        TlsMode::Verified => Encryption::Required(client),
        TlsMode::Unverified => {
            log::warn!(
                "a {} source asks for TLS without checking the certificate; anybody on the way can read it",
                flavour.package().name()
            );
            Encryption::Required(client)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use serde_json::json;

    fn parse(config: Value) -> Result<Settings, JobError> {
        Settings::parse(config.as_object().unwrap(), Flavour::Postgres)
    }

    #[test]
    fn a_url_is_taken_apart() {
        let settings = parse(json!({
            "url": "postgres://u%40x:p%3Aq%2Fr@[::1]:5433/my%20db?options=-c%20TimeZone%3DAsia/Tokyo&pgbouncer=true",
            "pool": {"max": 7}, "connectionTimeoutMillis": 1500
        }))
        .unwrap();
        assert_eq!(settings.addresses, [Address::Tcp("::1".into(), 5433)]);
        assert_eq!(settings.driver.get_user(), Some("u@x"));
        assert_eq!(settings.driver.get_password(), Some(&b"p:q/r"[..]));
        assert_eq!(settings.driver.get_dbname(), Some("my db"));
        assert_eq!(settings.options, Options::parse("-c TimeZone=Asia/Tokyo"));
        assert_eq!(
            (settings.pool_max, settings.connect_timeout.as_millis()),
            (7, 1500)
        );
    }

    #[test]
    fn fields_are_as_good_as_a_url() {
        let settings = parse(json!({
            "host": "db.internal", "port": 6432, "db": "my db", "username": "u", "password": "007 a:b/c+d%"
        }))
        .unwrap();
        assert_eq!(
            settings.addresses,
            [Address::Tcp("db.internal".into(), 6432)]
        );
        assert_eq!(settings.driver.get_password(), Some(&b"007 a:b/c+d%"[..]));
        assert_eq!(settings.driver.get_dbname(), Some("my db"));
    }

    #[test]
    fn what_is_missing_is_named_and_what_is_secret_is_not() {
        assert_eq!(
            parse(json!({"host": "x"})).err().unwrap().message,
            "PostgresBridge requires a \"url\" or (\"host\" + \"database\") config"
        );
        for url in [
            "mysql://u:sesame@h/d",
            "sesame",
            "postgres://u:sesame@h:port/d",
        ] {
            let error = parse(json!({ "url": url })).err().unwrap();
            assert_eq!(error.code, ErrorCode::SourceConfig);
            assert!(!error.message.contains("sesame"));
        }
    }

    #[test]
    fn tls_may_stand_in_the_url_and_in_fields() {
        let encrypted = |config: Value| match parse(config).unwrap().encryption {
            Encryption::Off => "off",
            Encryption::IfOffered(_) => "if offered",
            Encryption::Required(_) => "required",
        };
        for (query, expected) in [
            ("", "if offered"),
            ("sslmode=", "if offered"),
            ("sslmode=disable", "off"),
            ("sslmode=prefer", "if offered"),
            ("sslmode=require", "required"),
            ("SSLMODE=verify-full", "required"),
            ("sslmode=no-verify", "required"),
            ("ssl=on", "required"),
            ("sslmode=disable&sslmode=require", "required"),
        ] {
            let url = format!("postgres://h/d?{query}");
            assert_eq!(encrypted(json!({ "url": url })), expected, "{query}");
        }
        let url = "postgres://h/d";
        for field in [
            json!(true),
            json!({"rejectUnauthorized": true}),
            json!("yes"),
        ] {
            assert_eq!(encrypted(json!({"url": url, "ssl": field})), "required");
        }
        assert_eq!(
            encrypted(json!({"host": "h", "database": "d", "sslmode": "require"})),
            "required"
        );
        let neon = json!({ "url": url });
        let neon = Settings::parse(neon.as_object().unwrap(), Flavour::Neon).unwrap();
        assert!(matches!(neon.encryption, Encryption::Required(_)));
    }

    #[test]
    fn the_last_at_sign_ends_the_credentials() {
        let settings = parse(json!({"url": "postgres://reader:Tr0ub@dor@db:5432/x"})).unwrap();
        assert_eq!(settings.addresses, [Address::Tcp("db".into(), 5432)]);
        assert_eq!(settings.driver.get_user(), Some("reader"));
        assert_eq!(settings.driver.get_password(), Some(&b"Tr0ub@dor"[..]));
        assert_eq!(settings.driver.get_dbname(), Some("x"));
    }
}
