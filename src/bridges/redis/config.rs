//! A source's configuration: a URL in any of the forms that the official driver takes, or a host.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use serde_json::{Map, Value};

use crate::bridges::config::{
    check_file, check_plain, line, parameter, pool_size, port, text, unusable, verified,
};
use crate::bridges::source_url::SourceUrl;
use crate::error::JobError;
use crate::limits;
use crate::net::percent::decode as decoded;
use crate::net::without_brackets;

const MISSING: &str = "RedisBridge requires either \"url\" or \"host\" config";
const PORT: u16 = 6379;
/// How TLS is asked for.
const BY_SCHEME: &str = "a \"url\" with rediss:// means TLS, verified by the runner's roots";

/// A source's configuration, checked.
#[derive(Clone)]
pub struct Settings {
    /// Where the server is.
    pub place: Place,
    /// The user; the server's default one when there is none.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// The number of the database.
    pub database: u32,
    /// Connections at most.
    pub pool_max: usize,
}

/// Where a server is.
#[derive(Clone)]
pub enum Place {
    /// On a host.
    Tcp {
        /// Its name or address, without brackets.
        host: String,
        /// The port.
        port: u16,
        /// How its certificate is checked; `None` for plain text.
        tls: Option<Arc<ClientConfig>>,
    },
    /// At a socket of the file system.
    Local(PathBuf),
}

impl Settings {
    /// Reads a configuration.
    ///
    /// # Errors
    /// `SOURCE_CONFIG`, which never quotes the URL: it may hold a password.
    pub fn parse(config: &Map<String, Value>) -> Result<Self, JobError> {
        let settings = Self::read(config)?;
        if let Place::Tcp { tls: None, .. } = settings.place {
            check_plain(config, BY_SCHEME)?;
        }
        Ok(settings)
    }

    fn read(config: &Map<String, Value>) -> Result<Self, JobError> {
        let pool_max = pool_size(config);
        if let Some(url) = text(config, &["url"]) {
            let settings = Self::parse_url(&url)?;
            return Ok(Self {
                pool_max,
                ..settings
            });
        }
        let Some(host) = text(config, &["host"]) else {
            return Err(unusable(MISSING));
        };
        let port = port(config)?.unwrap_or(PORT);
        let place = if host.starts_with('/') {
            local(PathBuf::from(host))?
        } else {
            Place::Tcp {
                host: without_brackets(&host).to_owned(),
                port,
                tls: None,
            }
        };
        let database = text(config, &["db"]);
        Ok(Self {
            place,
            user: text(config, &["user", "username"]),
            password: line(config, &["password"]),
            database: database.map_or(Ok(0), |text| parse_database(&text))?,
            pool_max,
        })
    }

    /// `redis://`, `rediss://`, `redis+unix://`, `host:port`, `//host:port`, a port on this machine, or the path
    /// of a socket.
    fn parse_url(text: &str) -> Result<Self, JobError> {
        let text = text.trim();
        if let Some(path) = path_of(text) {
            let (path, query) = path.split_once('?').unwrap_or((path, ""));
            let query = url::form_urlencoded::parse(query.as_bytes());
            return Self::local(&decoded(path), None, query);
        }
        let whole = if text.bytes().all(|b| b.is_ascii_digit()) {
            format!("redis://localhost:{text}")
        } else if text.contains("://") {
            text.to_owned()
        } else {
            format!("redis://{}", text.trim_start_matches("//"))
        };
        let url = SourceUrl::parse(&whole)?;
        match url.url.scheme() {
            "redis" | "rediss" => Self::remote(&url),
            "redis+unix" | "unix" => {
                let path = decoded(url.url.path());
                Self::local(&path, Some(&url), url.url.query_pairs())
            }
            "redis+sentinel" | "redis-sentinel" | "sentinel" => Err(unusable(
                "Sentinel is not supported: name the server itself, or a proxy that follows its primary",
            )),
            other => Err(unusable(format!(
                "\"url\" begins with \"{other}:\"; this bridge knows redis: and rediss:"
            ))),
        }
    }

    fn remote(url: &SourceUrl) -> Result<Self, JobError> {
        let tls = match url.url.scheme() {
            "rediss" => Some(verified()?),
            _ => None,
        };
        // The official driver takes a URL without a host for this machine.
        let host = url.host.as_deref().unwrap_or("127.0.0.1");
        let place = Place::Tcp {
            host: host.to_owned(),
            port: url.port.unwrap_or(PORT),
            tls,
        };
        Self::of(place, Some(url), url.path.clone(), url.url.query_pairs())
    }

    fn local<'q>(
        path: &str,
        url: Option<&SourceUrl>,
        query: impl Iterator<Item = (std::borrow::Cow<'q, str>, std::borrow::Cow<'q, str>)>,
    ) -> Result<Self, JobError> {
        Self::of(local(PathBuf::from(path))?, url, None, query)
    }

    /// The path names the database before a parameter does. Parameters tune the official driver; what would
    /// change what is read, or what is trusted, is not passed over.
    fn of<'q>(
        place: Place,
        url: Option<&SourceUrl>,
        path: Option<String>,
        query: impl Iterator<Item = (std::borrow::Cow<'q, str>, std::borrow::Cow<'q, str>)>,
    ) -> Result<Self, JobError> {
        let mut database = None;
        for (name, value) in query {
            match name.as_ref() {
                "db" => database = Some(value.into_owned()),
                "keyPrefix" => {
                    return Err(unusable(
                        "\"keyPrefix\" is not supported: name targets in full",
                    ));
                }
                name if name.to_ascii_lowercase().starts_with("tls")
                    || name.to_ascii_lowercase().starts_with("ssl") =>
                {
                    let name = url.map_or(name, |url| parameter(url.url.as_str(), name));
                    return Err(unusable(format!(
                        "\"{name}\" is not supported: {BY_SCHEME}"
                    )));
                }
                _ => {}
            }
        }
        if let Some(path) = path.filter(|path| !path.is_empty()) {
            database = Some(path);
        }
        Ok(Self {
            place,
            user: url.and_then(|url| url.user.clone()),
            password: url.and_then(|url| url.password.clone()),
            database: database.map_or(Ok(0), |text| parse_database(&text))?,
            pool_max: limits::POOL_MAX,
        })
    }
}

/// A socket of the file system, if the configuration may name it.
fn local(path: PathBuf) -> Result<Place, JobError> {
    check_file(&path)?;
    Ok(Place::Local(path))
}

/// The path of a socket, which a URL of its kind may name without a host.
fn path_of(text: &str) -> Option<&str> {
    if text.starts_with('/') && !text.starts_with("//") {
        return Some(text);
    }
    let rest = ["redis+unix://", "unix://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    rest.filter(|rest| rest.starts_with('/'))
}

fn parse_database(text: &str) -> Result<u32, JobError> {
    text.parse()
        .map_err(|_| unusable("the database must be a number such as 0"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(config: Value) -> Result<(String, Option<String>, Option<String>, u32), String> {
        let settings = Settings::parse(config.as_object().unwrap()).map_err(|e| e.message)?;
        let place = match settings.place {
            Place::Tcp { host, port, tls } => {
                format!("{host} {port}{}", if tls.is_some() { " tls" } else { "" })
            }
            Place::Local(path) => path.display().to_string(),
        };
        Ok((place, settings.user, settings.password, settings.database))
    }

    #[test]
    fn every_form_of_the_official_driver_is_understood() {
        let some = |text: &str| Some(text.to_owned());
        for (config, place, user, password, database) in [
            (json!({"url": "redis://h"}), "h 6379", None, None, 0),
            (
                json!({"url": "redis://u:p%40s@h:1/2?db=3"}),
                "h 1",
                some("u"),
                some("p@s"),
                2,
            ),
            (
                json!({"url": "rediss://:p@[::1]:1?db=3&family=6"}),
                "::1 1 tls",
                None,
                some("p"),
                3,
            ),
            (json!({"url": "h:1"}), "h 1", None, None, 0),
            (json!({"url": "//h:1/4"}), "h 1", None, None, 4),
            (json!({"url": "6390"}), "localhost 6390", None, None, 0),
            (
                json!({"url": "/run/redis.sock?db=1"}),
                "/run/redis.sock",
                None,
                None,
                1,
            ),
            (
                json!({"url": "redis+unix:///run/a%20b.sock"}),
                "/run/a b.sock",
                None,
                None,
                0,
            ),
            (
                json!({"url": "redis+unix://u:p@localhost/run/a%20b.sock"}),
                "/run/a b.sock",
                some("u"),
                some("p"),
                0,
            ),
            (json!({"url": "redis://"}), "127.0.0.1 6379", None, None, 0),
            (
                json!({"url": "redis://h", "host": "other", "db": 5}),
                "h 6379",
                None,
                None,
                0,
            ),
            (
                json!({"host": "h", "port": 1, "password": "p", "db": 5}),
                "h 1",
                None,
                some("p"),
                5,
            ),
            (
                json!({"host": "h", "port": "1", "user": "u", "db": "5"}),
                "h 1",
                some("u"),
                None,
                5,
            ),
            (
                json!({"host": "/run/redis.sock"}),
                "/run/redis.sock",
                None,
                None,
                0,
            ),
        ] {
            let found = parsed(config.clone());
            assert_eq!(
                found,
                Ok((place.to_owned(), user, password, database)),
                "{config}"
            );
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_without_a_secret() {
        for (config, problem) in [
            (json!({}), MISSING),
            (json!({"url": "", "password": "s3cret"}), MISSING),
            (json!({"url": "http://u:s3cret@h"}), "begins with \"http:\""),
            (json!({"url": "redis+sentinel://u:s3cret@h"}), "Sentinel"),
            (json!({"url": "redis://u:s3cret@h:x"}), "not a URL"),
            (json!({"url": "redis://u:s3cret@h/abc"}), "must be a number"),
            (json!({"url": "redis://u:s3cret@h/-1"}), "must be a number"),
            (
                json!({"url": "redis://u:s3cret@h?db=x"}),
                "must be a number",
            ),
            (
                json!({"url": "redis://u:s3cret@h?keyPrefix=a"}),
                "keyPrefix",
            ),
            (json!({"url": "redis://u:s3cret@h?tls=true"}), "rediss://"),
            (json!({"host": "h", "tls": true}), "rediss://"),
            (json!({"url": "redis://h", "ssl": {}}), "rediss://"),
            (json!({"host": "h", "port": 0}), "\"port\""),
            (json!({"host": "h", "port": {}}), "\"port\""),
            (json!({"host": "h", "db": "x"}), "must be a number"),
        ] {
            let error = parsed(config.clone()).unwrap_err();
            assert!(error.contains(problem), "{config}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
