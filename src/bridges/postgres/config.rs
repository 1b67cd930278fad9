//! A source's configuration: where its database is and how to speak to it.

use std::time::Duration;

use nix::unistd::{Uid, User};
use serde_json::{Map, Value};

use super::Flavour;
use super::address::{Address, addresses};
use super::connection_string::Url;
use super::hook::Encryption;
use super::options::Options;
use super::parameters::Parameters;
use super::standing::Standing;
use crate::bridges::config::{check_file, pool_size, text, unusable};
use crate::error::JobError;
use crate::limits;
use crate::tls::{TlsDecision, TlsMode, TlsSettings};

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
                check_file(folder)?;
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
