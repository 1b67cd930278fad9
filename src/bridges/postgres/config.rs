//! A source's configuration: where its database is and how to speak to it.

use std::time::Duration;

use nix::unistd::{Uid, User};
use postgres::config::Host;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::Flavour;
use super::link::Encryption;
use super::options::Options;
use super::parameters::Parameters;
use super::standing::Standing;
use crate::bridges::config::{line, no_port, pool_size, port, text, unusable};
use crate::error::JobError;
use crate::files;
use crate::limits;
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
    /// Which of the servers will do.
    pub wanted: Standing,
    /// Startup options of the customer's own (`options=-c …`).
    pub options: Options,
    /// Time to connect.
    pub connect_timeout: Duration,
    /// 4 or 6 when only such addresses may be used.
    pub family: Option<u8>,
    /// Most connections.
    pub pool_max: usize,
}

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
        let parsed: postgres::Config = url.base.parse().map_err(|_| {
            unusable("the url cannot be read as postgres://user:password@host:port/database")
        })?;
        let mut driver = without_hosts(&parsed);
        let parameters = Parameters::read(&url.parameters, &mut driver);
        name_user(&mut driver)?;
        parameters.warn(flavour);
        let addresses = addresses(&parsed, &parameters, flavour)?;
        for address in &addresses {
            if let Address::Unix(folder, _) = address {
                files::allowed(folder).map_err(|error| unusable(error.to_string()))?;
            }
        }
        let millis = config
            .get("connectionTimeoutMillis")
            .and_then(Value::as_u64);
        let millis = millis
            .filter(|millis| *millis > 0)
            .map(Duration::from_millis);
        Ok(Self {
            addresses,
            encryption: encryption(config, &url.parameters, flavour)?,
            driver,
            wanted: parameters.wanted,
            options: parameters.options,
            connect_timeout: parameters
                .connect_timeout
                .or(millis)
                .unwrap_or(limits::SOURCE_CONNECT),
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
        let is_address = host.contains(':') && !host.starts_with(['[', '/']);
        let host = if is_address {
            format!("[{host}]")
        } else {
            host
        };
        let mut base = String::from("postgresql://");
        if let Some(user) = text(config, &["user", "username"]) {
            base.extend(form_urlencoded::byte_serialize(user.as_bytes()).map(plus_is_space));
            if let Some(password) = line(config, &["password"]) {
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
        if let Some(port) = port(config)? {
            base.push_str(&format!(":{port}"));
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

/// The servers, by the parameters where these name any.
fn addresses(
    parsed: &postgres::Config,
    parameters: &Parameters,
    flavour: Flavour,
) -> Result<Vec<Address>, JobError> {
    let hosts = match &parameters.hosts {
        Some(hosts) => hosts.split(',').map(|host| host_of(host.trim())).collect(),
        None => parsed.get_hosts().to_vec(),
    };
    let ports = match &parameters.ports {
        Some(ports) => {
            let ports = ports.split(',').map(|port| port_of(port.trim(), flavour));
            ports.collect::<Result<_, _>>()?
        }
        None => parsed.get_ports().to_vec(),
    };
    if ports.contains(&0) {
        return Err(no_port());
    }
    let port = |i: usize| {
        let port = ports.get(i).or(ports.first()).copied();
        port.unwrap_or(flavour.default_port())
    };
    if hosts.is_empty() {
        return Ok(vec![Address::Tcp("localhost".into(), port(0))]);
    }
    let hosts = hosts.into_iter().enumerate();
    let addresses = hosts.map(|(i, host)| match host {
        Host::Tcp(name) if name.is_empty() => Address::Tcp("localhost".into(), port(i)),
        Host::Tcp(name) => Address::Tcp(name, port(i)),
        Host::Unix(folder) => Address::Unix(folder, port(i)),
    });
    Ok(addresses.collect())
}

fn host_of(text: &str) -> Host {
    if text.starts_with('/') {
        return Host::Unix(text.into());
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    Host::Tcp(bare.unwrap_or(text).to_owned())
}

fn port_of(text: &str, flavour: Flavour) -> Result<u16, JobError> {
    match text.parse() {
        Ok(port) => Ok(port),
        Err(_) if text.is_empty() => Ok(flavour.default_port()),
        Err(_) => Err(no_port()),
    }
}

/// The user that the runner runs as, where the configuration names none, as libpq has it. In a container such a user
/// may have no name, and what the driver says of that is about no user.
fn name_user(driver: &mut postgres::Config) -> Result<(), JobError> {
    if driver.get_user().is_some() {
        return Ok(());
    }
    let own = User::from_uid(Uid::current()).ok().flatten();
    let own = own.ok_or_else(|| unusable("no user is named, and the runner's own has no name"))?;
    driver.user(&own.name);
    Ok(())
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
    fn parameters_replace_what_the_url_says() {
        let unix = |folder: &str, port| Address::Unix(folder.into(), port);
        let tcp = |host: &str, port| Address::Tcp(host.into(), port);
        for (url, addresses) in [
            (
                "u@127.0.0.1:55432/d?host=127.0.0.2&port=55499",
                vec![tcp("127.0.0.2", 55499)],
            ),
            ("u@a:1/d?host=b", vec![tcp("b", 1)]),
            ("u@a:1/d?port=2", vec![tcp("a", 2)]),
            (
                "u@a:1/d?host=b,[::1]&port=2,3",
                vec![tcp("b", 2), tcp("::1", 3)],
            ),
            (
                "u@a/d?host=/var/run/postgresql",
                vec![unix("/var/run/postgresql", 5432)],
            ),
            (
                "u@/d?host=/cloudsql/p:r:i",
                vec![unix("/cloudsql/p:r:i", 5432)],
            ),
            ("u@a,b:7/d", vec![tcp("a", 5432), tcp("b", 7)]),
            ("u@a/d?host=&port=", vec![tcp("a", 5432)]),
        ] {
            let url = format!("postgresql://{url}");
            assert_eq!(
                parse(json!({ "url": url })).unwrap().addresses,
                addresses,
                "{url}"
            );
        }
        let fields = json!({"host": "/cloudsql/p:r:i", "database": "d"});
        assert_eq!(
            parse(fields).unwrap().addresses,
            [unix("/cloudsql/p:r:i", 5432)]
        );
        assert!(parse(json!({"url": "postgres://h/d?port=all"})).is_err());
    }

    #[test]
    fn white_space_around_a_setting_is_none_of_it() {
        let settings = parse(json!({"url": " postgres://u:p@h:5433/d?port=5434\n"})).unwrap();
        assert_eq!(settings.addresses, [Address::Tcp("h".into(), 5434)]);
        let fields = json!({"host": "h\r\n", "port": "5433\n", "database": "d\n", "user": "u\n", "password": " p "});
        let settings = parse(fields).unwrap();
        assert_eq!(settings.addresses, [Address::Tcp("h".into(), 5433)]);
        assert_eq!(settings.driver.get_user(), Some("u"));
        assert_eq!(settings.driver.get_dbname(), Some("d"));
        assert_eq!(settings.driver.get_password(), Some(&b" p "[..]));
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
