//! The connection string, `mongodb://user:password@host:port,host:port/database?options`.

use std::fmt;
use std::path::PathBuf;

use crate::bridges::config::{parameter, unusable};
use crate::error::JobError;
use crate::net::percent;

const DEFAULT_PORT: u16 = 27017;

/// One server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A name or address in lower case, and a port.
    Host(String, u16),
    /// A socket of the file system.
    Local(PathBuf),
}

impl Address {
    /// Reads `host`, `host:port`, `[address]:port` or the path of a socket. `None` when it is none of them.
    pub fn parse(text: &str) -> Option<Self> {
        if text.ends_with(".sock") && text.starts_with('/') {
            return Some(Self::Local(text.into()));
        }
        let (host, port) = match text.strip_prefix('[').map(|rest| rest.split_once(']')) {
            Some(Some((host, ""))) => (host, None),
            Some(Some((host, rest))) => (host, Some(rest.strip_prefix(':')?)),
            Some(None) => return None,
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = match port {
            None => DEFAULT_PORT,
            Some(port) => port.parse().ok().filter(|port| *port > 0)?,
        };
        let named = !host.is_empty() && !host.contains(['/', '@', '?', ' ']);
        named.then(|| Self::Host(host.to_ascii_lowercase(), port))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Host(host, port) => write!(f, "{host}:{port}"),
            Self::Local(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A connection string in its parts. It holds a password: no `Debug`.
pub(super) struct Uri {
    /// `mongodb+srv`: the one host is the name of a service.
    pub(super) service: bool,
    pub(super) hosts: Vec<Address>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: Option<String>,
    /// Names and values in their order, not checked.
    pub(super) options: Vec<(String, String)>,
}

impl Uri {
    pub(super) fn parse(url: &str) -> Result<Self, JobError> {
        let (service, rest) = if let Some(rest) = url.strip_prefix("mongodb://") {
            (false, rest)
        } else if let Some(rest) = url.strip_prefix("mongodb+srv://") {
            (true, rest)
        } else {
            return Err(unusable(
                "the url must begin with mongodb:// or mongodb+srv://",
            ));
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (Some(login), hosts),
            None => (None, authority),
        };
        let (user, password) = login.map(parse_login).transpose()?.unwrap_or_default();
        let database = decode(path, "the database's name")?;
        if !database.is_empty() {
            check_database(&database)?;
        }
        Ok(Self {
            service,
            hosts: parse_hosts(hosts, service)?,
            user,
            password,
            database: Some(database).filter(|database| !database.is_empty()),
            options: parse_options(url, query)?,
        })
    }
}

fn parse_login(login: &str) -> Result<(Option<String>, Option<String>), JobError> {
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (login, None),
    };
    let special = |text: &str| text.contains(['@', ':', '/']);
    if special(user) || password.is_some_and(special) {
        return Err(unusable(
            "@, :, / and % in user and password must be percent-encoded",
        ));
    }
    let what = "the user or the password";
    let user = Some(decode(user, what)?).filter(|user| !user.is_empty());
    Ok((
        user,
        password
            .map(|password| decode(password, what))
            .transpose()?,
    ))
}

fn parse_hosts(hosts: &str, service: bool) -> Result<Vec<Address>, JobError> {
    if hosts.is_empty() {
        return Err(unusable("the url names no host"));
    }
    let address = |text: &str| {
        if service && text.contains(':') {
            return Err(unusable(
                "mongodb+srv needs exactly one host name, without a port",
            ));
        }
        let text = decode(text, "a host")?;
        Address::parse(&text).ok_or_else(|| {
            unusable("the url names a host without a name, or with a port that is none")
        })
    };
    hosts.split(',').map(address).collect()
}

fn parse_options(url: &str, query: &str) -> Result<Vec<(String, String)>, JobError> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            // Without any tag is a member as well.
            let may_be_empty = |name: &str| name.eq_ignore_ascii_case("readPreferenceTags");
            let (name, value) = part
                .split_once('=')
                .filter(|(name, value)| {
                    !name.is_empty() && (!value.is_empty() || may_be_empty(name))
                })
                .ok_or_else(|| unusable("an option of the url has no value"))?;
            let value = decode(value, parameter(url, name))?;
            Ok((decode(name, "an option")?, value))
        })
        .collect()
}

fn decode(text: &str, what: &str) -> Result<String, JobError> {
    // A percent sign must begin a code, or the text was not encoded at all.
    let encoded = text.split('%').skip(1).all(|rest| {
        rest.as_bytes()
            .first_chunk::<2>()
            .is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit))
    });
    percent::decode_utf8(text)
        .filter(|_| encoded)
        .ok_or_else(|| unusable(format!("{what} in the url is not percent-encoded")))
}

/// Refuses what no server takes for the name of a database.
pub(super) fn check_database(name: &str) -> Result<(), JobError> {
    if name.len() > 63 || name.contains(['/', '\\', '.', ' ', '"', '$', '\0']) {
        return Err(unusable(
            "a database's name is shorter than 64 bytes and has none of / \\ . \" $ and space",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_many_forms() {
        for (text, address) in [
            ("h", Some(Address::Host("h".into(), DEFAULT_PORT))),
            ("H.Example:1", Some(Address::Host("h.example".into(), 1))),
            ("[::1]", Some(Address::Host("::1".into(), DEFAULT_PORT))),
            ("[::1]:5", Some(Address::Host("::1".into(), 5))),
            (
                "/tmp/mongodb-27017.sock",
                Some(Address::Local("/tmp/mongodb-27017.sock".into())),
            ),
            ("", None),
            (":1", None),
            ("h:0", None),
            ("h:65536", None),
            ("[::1", None),
            ("[::1]x", None),
            ("a b", None),
        ] {
            assert_eq!(Address::parse(text), address, "{text}");
        }
    }

    #[test]
    fn a_socket_is_named_with_its_slashes_encoded() {
        let uri = Uri::parse("mongodb://%2Ftmp%2Fmongodb-1.sock,h/d?a=b%20c")
            .ok()
            .unwrap();
        let local = Address::Local("/tmp/mongodb-1.sock".into());
        assert_eq!(uri.hosts, [local, Address::Host("h".into(), DEFAULT_PORT)]);
        assert_eq!(uri.options, [("a".to_owned(), "b c".to_owned())]);
    }
}
