//! A source's configuration: where its database is and how to speak to it.

use std::path::Path;
use std::time::Duration;

use postgres::config::Host;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::Flavour;
use super::link::Encryption;
use super::options::Options;
use crate::bridges::config::{pool_size, text, unusable};
use crate::error::JobError;
use crate::limits;
use crate::text::printable;
use crate::tls;

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
                "sslcert" | "sslkey" => {
                    return Err(unusable(format!(
                        "client certificates ({key}) are not supported"
                    )));
                }
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
        Ok(Self {
            addresses: addresses(&parsed, flavour),
            encryption: encryption(&url.parameters, flavour)?,
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

/// What is to be done about TLS: `disable` is off; absent, `allow` and `prefer` are libpq's
/// prefer; what asks for TLS gets it verified, as users of the official runner do; only `no-verify`, and
/// `require` in libpq's own meaning, skip the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TlsMode {
    Off,
    IfOffered,
    Verified,
    Unverified,
}

fn tls_mode(parameters: &[(String, String)], flavour: Flavour) -> TlsMode {
    // The last one counts, as with Node's drivers.
    let get = |key: &str| {
        let last = parameters.iter().rev().find(|(name, _)| name == key);
        last.map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    };
    let asked = match get("sslmode") {
        Some("disable") => TlsMode::Off,
        Some("no-verify") => TlsMode::Unverified,
        Some("require") if get("uselibpqcompat") == Some("true") => TlsMode::Unverified,
        Some("allow" | "prefer") => TlsMode::IfOffered,
        Some(_) => TlsMode::Verified,
        None => match get("ssl") {
            Some("true" | "1") => TlsMode::Verified,
            Some("no-verify") => TlsMode::Unverified,
            Some("false" | "0") => TlsMode::Off,
            _ => TlsMode::IfOffered,
        },
    };
    if flavour.requires_tls() && matches!(asked, TlsMode::Off | TlsMode::IfOffered) {
        TlsMode::Verified
    } else {
        asked
    }
}

fn encryption(parameters: &[(String, String)], flavour: Flavour) -> Result<Encryption, JobError> {
    let verified = || match parameters
        .iter()
        .rev()
        .find(|(key, _)| key == "sslrootcert")
    {
        Some((_, file)) if file != "system" && !file.is_empty() => {
            let certificates = tls::read_certificates(Path::new(file))
                .map_err(|error| unusable(format!("sslrootcert: {file} {error}")))?;
            tls::verified_by(&certificates).map_err(|error| unusable(error.to_string()))
        }
        _ => tls::verified().map_err(|error| unusable(error.to_string())),
    };
    Ok(match tls_mode(parameters, flavour) {
        TlsMode::Off => Encryption::Off,
        TlsMode::IfOffered => Encryption::IfOffered(tls::unverified()),
        TlsMode::Verified => Encryption::Required(verified()?),
        TlsMode::Unverified => {
            log::warn!(
                "a {} source asks for TLS without checking the certificate; anybody on the way can read it",
                flavour.package().name()
            );
            Encryption::Required(tls::unverified())
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
    fn tls_follows_the_table() {
        for (query, mode) in [
            ("", TlsMode::IfOffered),
            ("sslmode=", TlsMode::IfOffered),
            ("sslmode=disable", TlsMode::Off),
            ("sslmode=prefer", TlsMode::IfOffered),
            ("sslmode=require", TlsMode::Verified),
            ("sslmode=verify-ca", TlsMode::Verified),
            ("sslmode=verify-full", TlsMode::Verified),
            ("sslmode=no-verify", TlsMode::Unverified),
            ("sslmode=require&uselibpqcompat=true", TlsMode::Unverified),
            ("ssl=true", TlsMode::Verified),
        ] {
            let parameters = Url::parse(&format!("postgres://h/d?{query}"))
                .unwrap()
                .parameters;
            assert_eq!(tls_mode(&parameters, Flavour::Postgres), mode, "{query}");
        }
        assert_eq!(tls_mode(&[], Flavour::Neon), TlsMode::Verified);
    }
}
