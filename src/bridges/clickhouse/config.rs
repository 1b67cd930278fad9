//! A source's configuration, as the official bridge spells it, or as a URL.

use std::net::Ipv6Addr;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::bridges::config::{
    check_plain, line, parameter, pool_size, port, text, unusable, verified,
};
use crate::bridges::source_url::SourceUrl;
use crate::error::JobError;
use crate::limits;
use crate::net::http::basic;
use crate::net::{self, Peer};

/// Ports of the HTTP interface.
const PORT: u16 = 8123;
const TLS_PORT: u16 = 8443;

/// How to reach one source. It holds a password, so it has no `Debug`.
pub(super) struct Settings {
    /// The server.
    pub(super) peer: Peer,
    /// Where the targets are; empty for what the server takes as the user's own.
    pub(super) database: String,
    /// The headers that say who asks.
    pub(super) credentials: Vec<(&'static str, String)>,
    /// Time to connect.
    pub(super) connect: Duration,
    /// Most connections.
    pub(super) pool: usize,
}

#[derive(Default)]
struct Parts {
    host: Option<String>,
    port: Option<u16>,
    user: Option<String>,
    password: Option<String>,
    database: Option<String>,
    encrypted: bool,
}

impl Settings {
    /// Reads what the bridge's constructor takes. With a `url` the single keys only fill what it leaves open.
    ///
    /// # Errors
    /// `SOURCE_CONFIG`, in the official words where the host is missing. No value is ever quoted.
    pub(super) fn from_config(config: &Map<String, Value>) -> Result<Self, JobError> {
        let mut parts = match text(config, &["url"]) {
            Some(url) => Parts::of_url(&url)?,
            None => Parts::of_keys(config)?,
        };
        parts.user = parts.user.or_else(|| text(config, &["username", "user"]));
        parts.password = parts.password.or_else(|| line(config, &["password"]));
        // An empty name leaves it to the server, and so is not the same as none.
        let named = config.get("database").and_then(Value::as_str);
        parts.database = parts.database.or_else(|| named.map(str::to_owned));
        parts.database = parts.database.or_else(|| text(config, &["db"]));
        parts.finish(config)
    }

    /// `host:port`, for messages.
    pub(super) fn place(&self) -> String {
        self.peer.authority()
    }
}

impl Parts {
    fn of_keys(config: &Map<String, Value>) -> Result<Self, JobError> {
        let Some(host) = text(config, &["host"]) else {
            return Err(unusable(
                "ClickhouseBridge requires a \"host\" config value",
            ));
        };
        let host = net::without_brackets(&host);
        let is_address = net::without_zone(host).parse::<Ipv6Addr>().is_ok();
        let is_name = |c: char| !c.is_whitespace() && !c.is_control() && !"/?#@:[]\\".contains(c);
        if !is_address && !host.chars().all(is_name) {
            return Err(unusable(
                "\"host\" must be a name or an address, and nothing else",
            ));
        }
        let encrypted = match text(config, &["protocol"]).as_deref() {
            None | Some("http") => false,
            Some("https") => true,
            Some(_) => return Err(unusable("\"protocol\" must be \"http\" or \"https\"")),
        };
        Ok(Self {
            host: Some(host.to_owned()),
            // Officially the same one for both protocols.
            port: port(config)?.or(Some(PORT)),
            encrypted,
            ..Self::default()
        })
    }

    fn of_url(text: &str) -> Result<Self, JobError> {
        let SourceUrl {
            url,
            host,
            port,
            user,
            password,
            path,
        } = SourceUrl::parse(text)?;
        if host.is_none() {
            return Err(unusable("\"url\" names no host"));
        }
        let mut parts = Self {
            host,
            user,
            password,
            database: path,
            encrypted: matches!(url.scheme(), "https" | "clickhouses"),
            ..Self::default()
        };
        if !matches!(
            url.scheme(),
            "http" | "https" | "clickhouse" | "clickhouses"
        ) {
            return Err(unusable(
                "\"url\" must begin with clickhouse://, http:// or https://",
            ));
        }
        for (name, value) in url.query_pairs() {
            match (name.as_ref(), value.as_ref()) {
                ("secure" | "ssl" | "tls", "true" | "1") | ("protocol", "https") => {
                    parts.encrypted = true;
                }
                ("secure" | "ssl" | "tls", "false" | "0") | ("protocol", "http") => {}
                ("database", database) => parts.database = Some(database.to_owned()),
                // Dropping one that asks for protection would be worse than refusing one that does not matter.
                (name, _) => {
                    let name = parameter(text, name);
                    return Err(unusable(format!(
                        "\"url\" has a parameter \"{name}\" that is not understood"
                    )));
                }
            }
        }
        parts.port = port
            .or(url.port_or_known_default())
            .or(Some(match parts.encrypted {
                true => TLS_PORT,
                false => PORT,
            }));
        Ok(parts)
    }

    fn finish(self, config: &Map<String, Value>) -> Result<Settings, JobError> {
        let tls = match self.encrypted {
            false => {
                check_plain(
                    config,
                    "\"protocol\" https, or a \"url\" with https://, means TLS",
                )?;
                None
            }
            true => Some(verified()?),
        };
        let user = self.user.unwrap_or_else(|| "default".to_owned());
        let password = self.password.unwrap_or_default();
        let credentials = if user.contains(':') {
            // A name with a colon has no place in the other form, which however takes any character.
            vec![("X-ClickHouse-User", user), ("X-ClickHouse-Key", password)]
        } else {
            vec![("Authorization", basic(&user, &password))]
        };
        Ok(Settings {
            peer: Peer {
                host: self.host.unwrap_or_default(),
                port: self.port.unwrap_or(PORT),
                proxy: None,
                tls,
            },
            database: self.database.unwrap_or_else(|| "default".to_owned()),
            credentials,
            connect: limits::SOURCE_CONNECT,
            pool: pool_size(config),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use serde_json::json;

    fn settings(config: Value) -> Result<Settings, JobError> {
        Settings::from_config(config.as_object().unwrap())
    }

    fn summary(config: Value) -> (String, bool, String, Vec<(&'static str, String)>) {
        let found = settings(config).unwrap();
        (
            found.place(),
            found.peer.tls.is_some(),
            found.database,
            found.credentials,
        )
    }

    fn header(user: &str, password: &str) -> Vec<(&'static str, String)> {
        vec![("Authorization", basic(user, password))]
    }

    #[test]
    fn single_keys_have_their_defaults() {
        for (config, place, tls, database, credentials) in [
            (
                json!({"host": "h"}),
                "h:8123",
                false,
                "default",
                header("default", ""),
            ),
            (
                json!({"host": "::1", "port": "9", "protocol": "https", "username": "u", "password": "é", "database": "d"}),
                "[::1]:9",
                true,
                "d",
                header("u", "é"),
            ),
            (
                json!({"host": "[::1]", "protocol": "https", "database": ""}),
                "[::1]:8123",
                true,
                "",
                header("default", ""),
            ),
            (
                json!({"host": "h\r\n", "port": " 9\n", "username": "u\n", "password": " p %&?#/\n", "db": "d\n"}),
                "h:9",
                false,
                "d",
                header("u", " p %&?#/"),
            ),
            (
                json!({"host": "fe80::1%lo", "port": ""}),
                "[fe80::1]:8123",
                false,
                "default",
                header("default", ""),
            ),
            (
                json!({"host": "h", "user": "a:b", "password": 5}),
                "h:8123",
                false,
                "default",
                vec![
                    ("X-ClickHouse-User", "a:b".to_owned()),
                    ("X-ClickHouse-Key", "5".to_owned()),
                ],
            ),
        ] {
            assert_eq!(
                summary(config),
                (place.to_owned(), tls, database.to_owned(), credentials)
            );
        }
    }

    #[test]
    fn a_url_says_the_same() {
        for (url, place, tls, database) in [
            ("clickhouse://u:p%2B@h/db", "h:8123", false, "db"),
            ("clickhouse://u:p%2B@h/db?secure=true", "h:8443", true, "db"),
            (
                "http://u:p%2B@h:81/?database=my%20db",
                "h:81",
                false,
                "my db",
            ),
            ("http://u:p%2B@h", "h:80", false, "default"),
            ("https://u:p%2B@[::1]", "[::1]:443", true, "default"),
        ] {
            assert_eq!(
                summary(json!({ "url": url })),
                (
                    place.to_owned(),
                    tls,
                    database.to_owned(),
                    header("u", "p+")
                ),
                "{url}"
            );
        }
        let filled =
            summary(json!({"url": "http://h", "username": "u", "password": "p", "database": "d"}));
        assert_eq!((filled.2.as_str(), filled.3), ("d", header("u", "p")));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_and_not_quoted() {
        for (config, part) in [
            (
                json!({}),
                "ClickhouseBridge requires a \"host\" config value",
            ),
            (json!({"host": "h:1/?x=hunter2"}), "\"host\" must be"),
            (json!({"host": "u:hunter2@h"}), "\"host\" must be"),
            (json!({"host": "h", "port": 99999}), "\"port\""),
            (json!({"url": "http://u:hunter2@h:0"}), "\"port\""),
            (json!({"host": "h", "port": "8123x"}), "\"port\""),
            (json!({"host": "h", "port": true}), "\"port\""),
            (json!({"host": "h", "protocol": "tcp"}), "\"protocol\""),
            (json!({"host": "h", "secure": true}), "\"secure\""),
            (json!({"url": "http://h", "tls": {}}), "\"tls\""),
            (json!({"url": "hunter2"}), "\"url\" is not a URL"),
            (json!({"url": "clickhouse:///hunter2"}), "names no host"),
            (json!({"url": "ftp://hunter2"}), "\"url\" must begin"),
            (json!({"url": "http://h/?sslmode=hunter2"}), "\"sslmode\""),
        ] {
            let error = settings(config.clone()).err().unwrap();
            assert_eq!(error.code, ErrorCode::SourceConfig);
            assert!(error.message.contains(part), "{config}: {error}");
            assert!(!error.message.contains("hunter2"), "{error}");
        }
    }
}
