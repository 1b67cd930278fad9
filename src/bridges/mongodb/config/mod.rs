//! A source's configuration: `url`, `database` and `pool`.
//!
//! * `uri`: the connection string in its parts
//! * `options`: what it says after the question mark
//! * `encryption`: what of that concerns TLS
//! * this file: all of it together

mod encryption;
mod options;
mod uri;

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use serde_json::{Map, Value};

use super::auth::{Credentials, Mechanism};
use crate::bridges::config::{check_file, check_plain, pool_size, required, text, unusable};
use crate::error::JobError;
use options::Options;
use uri::Uri;

pub use options::{ReadMode, ReadPreference, parse_records};
pub use uri::Address;

/// What a source's configuration says, checked. It holds a password: no `Debug`.
#[derive(Clone)]
pub struct Settings {
    /// The servers named, or the name that DNS knows them by.
    pub seeds: Seeds,
    /// The database that jobs read.
    pub database: String,
    /// Whom to log in as.
    pub credentials: Option<Credentials>,
    /// The url says which database knows the user.
    auth_source_said: bool,
    /// How to encrypt; `None` for plain text.
    pub tls: Option<Arc<ClientConfig>>,
    /// The name the replica set must have.
    pub replica_set: Option<String>,
    /// Exactly the server named, whatever it is.
    pub direct: bool,
    /// Which members answer.
    pub read: ReadPreference,
    /// `readConcernLevel`.
    pub read_concern: Option<String>,
    /// Members whose round trip is this much longer than the shortest are not asked.
    pub latency_window: Duration,
    /// Time to connect to one server.
    pub connect_timeout: Duration,
    /// Time to find a server that may answer, elections included.
    pub selection_timeout: Duration,
    /// What the server's logs call us.
    pub app_name: String,
    /// Most connections.
    pub pool_max: usize,
}

/// Where to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seeds {
    /// These servers.
    Named(Vec<Address>),
    /// Those that DNS names for this host.
    Service {
        /// The host of `mongodb+srv://host`.
        host: String,
        /// `srvServiceName`, `mongodb` by default.
        service: String,
        /// Most servers to take; all of them when `None`.
        most: Option<usize>,
    },
}

impl Settings {
    /// Reads a configuration.
    ///
    /// # Errors
    /// `SOURCE_CONFIG`, naming the keys and options; never a password.
    pub fn parse(config: &Map<String, Value>) -> Result<Self, JobError> {
        let url = required(config, "MongodbBridge", "url")?;
        let uri = Uri::parse(&url)?;
        for address in &uri.hosts {
            if let Address::Local(path) = address {
                check_file(path)?;
            }
        }
        let database = match text(config, &["database"]) {
            Some(name) => {
                uri::check_database(&name)?;
                name
            }
            None => uri.database.clone().unwrap_or_else(|| "test".to_owned()),
        };
        let options = Options::parse(&url, &uri.options)?;
        if uri.service && options.direct {
            return Err(unusable("directConnection cannot be used with mongodb+srv"));
        }
        if options.direct && uri.hosts.len() > 1 {
            return Err(unusable("directConnection needs exactly one host"));
        }
        let tls = encryption::configure(&options, uri.service)?;
        if tls.is_none() {
            check_plain(config, "\"url\" asks for TLS by its option tls=true")?;
        }
        Ok(Self {
            credentials: credentials(&uri, &options)?,
            auth_source_said: options.auth_source.is_some(),
            seeds: seeds(uri, &options)?,
            database,
            tls,
            replica_set: options.replica_set,
            direct: options.direct,
            read: options.read,
            read_concern: options.read_concern,
            latency_window: options.latency_window,
            connect_timeout: options.connect_timeout,
            selection_timeout: options.selection_timeout,
            app_name: options.app_name,
            pool_max: pool_size(config),
        })
    }

    /// With what DNS says of a service, where the url says nothing.
    pub fn with_records(&self, auth_source: Option<String>, replica_set: Option<String>) -> Self {
        let mut settings = self.clone();
        if let (Some(credentials), Some(source), false) = (
            &mut settings.credentials,
            auth_source,
            self.auth_source_said,
        ) && credentials.mechanism != Some(Mechanism::X509)
        {
            credentials.source = source;
        }
        settings.replica_set = settings.replica_set.or(replica_set);
        settings
    }
}

fn seeds(uri: Uri, options: &Options) -> Result<Seeds, JobError> {
    if !uri.service {
        if options.service_name.is_some() || options.service_hosts.is_some() {
            return Err(unusable("srvServiceName and srvMaxHosts need mongodb+srv"));
        }
        return Ok(Seeds::Named(uri.hosts));
    }
    match uri.hosts.as_slice() {
        [Address::Host(host, _)] => Ok(Seeds::Service {
            host: host.clone(),
            service: options
                .service_name
                .clone()
                .unwrap_or_else(|| "mongodb".to_owned()),
            most: options.service_hosts.filter(|most| *most > 0),
        }),
        _ => Err(unusable(
            "mongodb+srv needs exactly one host name, without a port",
        )),
    }
}

fn credentials(uri: &Uri, options: &Options) -> Result<Option<Credentials>, JobError> {
    let mechanism = match options.mechanism.as_deref() {
        None => None,
        Some(name) => Some(
            Mechanism::ALL
                .into_iter()
                .find(|mechanism| mechanism.as_str() == name)
                .ok_or_else(|| {
                    unusable(format!(
                        "authMechanism {name} is not supported; there are {}",
                        Mechanism::ALL.map(Mechanism::as_str).join(", ")
                    ))
                })?,
        ),
    };
    let x509 = mechanism == Some(Mechanism::X509);
    if uri.user.is_none() && !x509 {
        return match mechanism {
            Some(_) => Err(unusable(
                "authMechanism needs a user and a password in the url",
            )),
            None => Ok(None),
        };
    }
    let source = match (&options.auth_source, x509) {
        (Some(source), true) if source != "$external" => {
            return Err(unusable("authSource must be $external with MONGODB-X509"));
        }
        (_, true) => "$external".to_owned(),
        (Some(source), false) => source.clone(),
        (None, false) => uri.database.clone().unwrap_or_else(|| "admin".to_owned()),
    };
    if x509 && options.certificate_key_file.is_none() {
        return Err(unusable("MONGODB-X509 needs a tlsCertificateKeyFile"));
    }
    if !x509 && uri.password.is_none() {
        return Err(unusable("the url names a user but no password"));
    }
    Ok(Some(Credentials {
        user: uri.user.clone().unwrap_or_default(),
        password: uri.password.clone().unwrap_or_default(),
        source,
        mechanism,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::files;
    use serde_json::json;

    fn parse(url: &str) -> Result<Settings, String> {
        let config = json!({ "url": url });
        Settings::parse(config.as_object().unwrap()).map_err(|error| {
            assert_eq!(error.code, ErrorCode::SourceConfig);
            error.message
        })
    }

    #[test]
    fn the_database_is_the_urls_unless_there_is_one() {
        for (url, database) in [
            ("mongodb://h:1/conformance", "conformance"),
            ("mongodb://h", "test"),
            ("mongodb://h/", "test"),
            ("mongodb://h/?appName=x", "test"),
            (
                "mongodb://h1:1,h2:2/conformance?replicaSet=rs0",
                "conformance",
            ),
            ("mongodb://h/con%66ormance", "conformance"),
            (
                "mongodb+srv://cluster.example.com/conformance",
                "conformance",
            ),
        ] {
            assert_eq!(parse(url).ok().unwrap().database, database, "{url}");
        }
        let config = json!({ "url": "mongodb://h/a", "database": "b", "pool": {"max": 5} });
        let settings = Settings::parse(config.as_object().unwrap()).ok().unwrap();
        assert_eq!((settings.database.as_str(), settings.pool_max), ("b", 5));
    }

    #[test]
    fn who_logs_in_where() {
        let of = |url: &str| {
            let credentials = parse(url).ok().unwrap().credentials;
            credentials.map(|c| (c.user, c.password, c.source))
        };
        let some = |user: &str, password: &str, source: &str| {
            Some((user.to_owned(), password.to_owned(), source.to_owned()))
        };
        assert_eq!(of("mongodb://h/d"), None);
        assert_eq!(of("mongodb://u:p%40%2F@h"), some("u", "p@/", "admin"));
        assert_eq!(of("mongodb://u:p@h/d"), some("u", "p", "d"));
        assert_eq!(of("mongodb://u:p@h/d?authSource=e"), some("u", "p", "e"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (url, words) in [
            ("", "MongodbBridge requires a \"url\" config string"),
            ("postgres://h", "must begin with mongodb://"),
            ("mongodb://", "names no host"),
            ("mongodb://h:0", "port"),
            ("mongodb://h:x", "port"),
            ("mongodb://u:p@ss@h", "percent-encoded"),
            ("mongodb://u@h", "no password"),
            ("mongodb://h/a.b", "database"),
            ("mongodb://h/?appName=", "no value"),
            ("mongodb://h/?foo=1", "option foo is not supported"),
            ("mongodb://h/?maxPoolSize=abc", "maxPoolSize"),
            ("mongodb://h/?readPreference=bogus", "readPreference"),
            ("mongodb://h/?readPreferenceTags=a:b", "readPreferenceTags"),
            ("mongodb://h/?tls=true&ssl=false", "tls and ssl"),
            ("mongodb://h/?loadBalanced=true", "loadBalanced"),
            (
                "mongodb://h/?proxyHost=x",
                "option proxyHost is not supported",
            ),
            (
                "mongodb://h/?authMechanism=PLAIN",
                "authMechanism PLAIN is not supported",
            ),
            (
                "mongodb://u:p@h/?authMechanism=GSSAPI",
                "authMechanism GSSAPI is not supported",
            ),
            (
                "mongodb://h/?authMechanism=MONGODB-X509",
                "tlsCertificateKeyFile",
            ),
            (
                "mongodb://h/?appName=a&appName=b",
                "appName stands more than once",
            ),
            ("mongodb://a,b/?directConnection=true", "exactly one host"),
            ("mongodb+srv://a.b.c:1/", "without a port"),
            ("mongodb+srv://a.b.c,d.e.f/", "exactly one host"),
            ("mongodb+srv://a.b.c/?directConnection=true", "mongodb+srv"),
            ("mongodb://h/?srvServiceName=x", "mongodb+srv"),
            ("mongodb://h/?tlsCAFile=/nonexistent", "tlsCAFile"),
        ] {
            let message = parse(url).err().unwrap();
            assert!(message.contains(words), "{url}: {message}");
            assert!(!message.contains("p@ss"), "{message}");
        }
    }

    #[test]
    fn encryption_is_off_unless_asked_for() {
        for (url, encrypted) in [
            ("mongodb://h", false),
            ("mongodb://h/?tls=true", true),
            ("mongodb://h/?ssl=true&tls=true", true),
            ("mongodb://h/?tlsInsecure=true", false),
            ("mongodb://h/?tlsInsecure=true&tls=true", true),
            ("mongodb+srv://a.b.c", true),
            ("mongodb+srv://a.b.c/?tls=false", false),
        ] {
            assert_eq!(parse(url).ok().unwrap().tls.is_some(), encrypted, "{url}");
        }
    }

    #[test]
    fn whoever_does_not_have_the_files_learns_nothing_of_them() {
        for file in ["tlsCAFile", "tlsCertificateKeyFile"] {
            let url = format!("mongodb://h/?{file}=/nonexistent/x.pem");
            assert!(parse(&url).err().unwrap().contains("/nonexistent"));
            let message = files::for_managed(|| parse(&url)).err().unwrap();
            assert!(
                message.contains(file) && !message.contains("/nonexistent"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_service_is_looked_up_by_its_name() {
        let settings = parse("mongodb+srv://a.b.c/?srvServiceName=x&srvMaxHosts=2");
        let service = Seeds::Service {
            host: "a.b.c".into(),
            service: "x".into(),
            most: Some(2),
        };
        assert_eq!(settings.ok().unwrap().seeds, service);
    }
}
