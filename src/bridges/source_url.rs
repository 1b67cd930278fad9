//! The URL of a source in its parts, decoded. PostgreSQL and MongoDB, which may name several hosts, have their own.

use std::borrow::Cow;

use url::Url;

use super::config::{no_port, unusable};
use crate::error::JobError;
use crate::net::{percent, without_brackets};

/// What a URL says. It holds a password: no `Debug`.
pub(super) struct SourceUrl {
    /// As it was parsed, for its scheme and its parameters.
    pub(super) url: Url,
    /// Without brackets; an IPv6 address with its zone, if it has one.
    pub(super) host: Option<String>,
    /// If it has one.
    pub(super) port: Option<u16>,
    /// Who logs in.
    pub(super) user: Option<String>,
    /// Their password.
    pub(super) password: Option<String>,
    /// Without the slashes around it.
    pub(super) path: Option<String>,
}

impl SourceUrl {
    /// Takes a URL apart. What is empty is not there.
    ///
    /// # Errors
    /// It is none, which is said without quoting it.
    pub(super) fn parse(text: &str) -> Result<Self, JobError> {
        let (text, zone) = without_zone(text);
        let url = Url::parse(&text)
            .map_err(|error| unusable(format!("\"url\" is not a URL: {error}")))?;
        let host = decoded(without_brackets(url.host_str().unwrap_or_default()))?;
        if url.port() == Some(0) {
            return Err(no_port());
        }
        Ok(Self {
            host: host.map(|host| host + &zone),
            port: url.port(),
            user: decoded(url.username())?,
            password: decoded(url.password().unwrap_or_default())?,
            path: decoded(url.path().trim_matches('/'))?,
            url,
        })
    }
}

fn decoded(text: &str) -> Result<Option<String>, JobError> {
    let text = percent::decode_utf8(text);
    let text = text.ok_or_else(|| unusable("\"url\" has a part that is not UTF-8"))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// The URL without the zone of an IPv6 address (RFC 6874), which the parser does not know, and the zone with its `%`.
fn without_zone(text: &str) -> (Cow<'_, str>, String) {
    let zone = || {
        let start = text.find("://")? + 3;
        let authority = text.get(start..)?.split(['/', '?', '#']).next()?;
        let host = start + authority.rfind('@').map_or(0, |at| at + 1);
        let open = text.get(host..)?.starts_with('[').then_some(host)?;
        let close = open + text.get(open..)?.find(']')?;
        let percent = open + text.get(open..close)?.find('%')?;
        let zone = text.get(percent..close)?;
        let name = zone.strip_prefix("%25").or(zone.strip_prefix('%'))?;
        let whole = format!("{}{}", text.get(..percent)?, text.get(close..)?);
        Some((Cow::Owned(whole), format!("%{name}")))
    };
    zone().unwrap_or((Cow::Borrowed(text), String::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_may_have_a_zone() {
        for (text, host, port) in [
            ("x://u:p@[fe80::1%25eth0]:1/d", "fe80::1%eth0", Some(1)),
            ("x://[fe80::1%eth0]", "fe80::1%eth0", None),
            ("x://[::1]:2/[a%b]", "::1", Some(2)),
            ("x://u:a[b%25c]@h:3", "h", Some(3)),
        ] {
            let found = SourceUrl::parse(text).ok().unwrap();
            assert_eq!(
                (found.host.as_deref(), found.port),
                (Some(host), port),
                "{text}"
            );
        }
        assert!(SourceUrl::parse("x://h:0").is_err());
        assert!(SourceUrl::parse("x://[fe80::1%25eth0/d").is_err());
    }
}
