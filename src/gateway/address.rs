//! Where the gateway is: its URL, taken apart once, and put together with the credentials once more for the
//! upgrade. Printed, it has neither query nor user.

use std::fmt;

use url::{Host, Url};

use crate::net::bracketed;
use crate::net::percent::{encode, login};

/// Why a gateway URL is not usable. Never quotes the URL: it may hold credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// Not a URL.
    Syntax(url::ParseError),
    /// Neither `wss` nor `ws`.
    Scheme(String),
    /// No host.
    NoHost,
    /// The token would travel in the clear.
    Insecure {
        /// The host, which is not this machine.
        host: String,
    },
}

/// Where a gateway's host has it.
const GATEWAY_PATH: &str = "/connect";

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => write!(f, "not a URL: {error}"),
            Self::Scheme(scheme) => write!(f, "begins with {scheme:?} instead of \"wss://\""),
            Self::NoHost => f.write_str("names no host"),
            Self::Insecure { host } => write!(
                f,
                "ws:// would send the token unencrypted to {host}; use wss://, or set \
                 SEMILAYER_ALLOW_INSECURE=1 if that network is trusted"
            ),
        }
    }
}

impl std::error::Error for AddressError {}

/// The gateway's URL in its parts.
#[derive(Clone, PartialEq, Eq)]
pub struct GatewayAddress {
    /// True for `wss`.
    pub tls: bool,
    /// Host name or address, without brackets.
    pub host: String,
    /// Port; 443 or 80 when the URL names none.
    pub port: u16,
    /// True when the URL named no port or the usual one.
    usual_port: bool,
    /// On this machine.
    local: bool,
    path: String,
    /// An `@` stands behind the host: all that looks like a path may be of a password that was not encoded.
    path_is_private: bool,
    query: Option<String>,
    /// `user:password` of the URL, for an authenticating reverse proxy before the gateway.
    user: Option<String>,
}

impl GatewayAddress {
    /// Takes a URL apart. Unencrypted gateways are refused unless they are on this machine or
    /// `allow_insecure` is set.
    pub fn parse(text: &str, allow_insecure: bool) -> Result<Self, AddressError> {
        let url = Url::parse(text.trim()).map_err(AddressError::Syntax)?;
        let tls = match url.scheme() {
            // A Node WebSocket client takes these names, too.
            "wss" | "https" => true,
            "ws" | "http" => false,
            other => return Err(AddressError::Scheme(other.to_owned())),
        };
        let (host, local) = match url.host() {
            Some(Host::Domain(name)) => (name.to_owned(), is_localhost(name)),
            Some(Host::Ipv4(ip)) => (ip.to_string(), ip.is_loopback()),
            Some(Host::Ipv6(ip)) => (ip.to_string(), ip.is_loopback()),
            None => return Err(AddressError::NoHost),
        };
        if !(tls || local || allow_insecure) {
            return Err(AddressError::Insecure { host });
        }
        let user = login(&url);
        let behind = [Some(url.path()), url.query(), url.fragment()];
        Ok(Self {
            path_is_private: behind.into_iter().flatten().any(|part| part.contains('@')),
            tls,
            host,
            port: url.port().unwrap_or(if tls { 443 } else { 80 }),
            usual_port: url.port().is_none(),
            local,
            // Who copies the address out of a browser has no path, or no more than a slash.
            path: match (url.scheme(), url.path()) {
                ("https" | "http", "/" | "") => GATEWAY_PATH.to_owned(),
                (_, path) => path.to_owned(),
            },
            query: url.query().filter(|q| !q.is_empty()).map(str::to_owned),
            user,
        })
    }

    /// Host as it stands in a URL or a `Host` header, with the port unless it is the usual one.
    pub fn authority(&self) -> String {
        let mut text = bracketed(&self.host);
        if !self.usual_port {
            text.push_str(&format!(":{}", self.port));
        }
        text
    }

    /// Host and port, for a CONNECT request.
    pub fn host_port(&self) -> String {
        format!("{}:{}", bracketed(&self.host), self.port)
    }

    /// True when what is sent there is encrypted, or does not leave this machine.
    pub fn is_private(&self) -> bool {
        self.tls || self.local
    }

    /// `user:password` of the URL, if it had any.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Path and query of the upgrade: the URL's own query first, then `parameters`. The result is a secret.
    pub fn path_with(&self, parameters: &[(&str, &str)]) -> String {
        let mut text = self.path.clone();
        let mut separator = '?';
        if let Some(query) = &self.query {
            text.push(separator);
            text.push_str(query);
            separator = '&';
        }
        for (name, value) in parameters {
            text.push(separator);
            encode(&mut text, name);
            text.push('=');
            encode(&mut text, value);
            separator = '&';
        }
        text
    }
}

impl fmt::Display for GatewayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "wss" } else { "ws" };
        let path = match self.path_is_private {
            true => "/…",
            false => &self.path,
        };
        write!(f, "{scheme}://{}{path}", self.authority())
    }
}

impl fmt::Debug for GatewayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> GatewayAddress {
        GatewayAddress::parse(text, false).unwrap()
    }

    #[test]
    fn a_url_is_taken_apart() {
        let a = address("wss://runner.example.com/connect");
        assert_eq!(
            (a.tls, a.host.as_str(), a.port),
            (true, "runner.example.com", 443)
        );
        assert_eq!(a.authority(), "runner.example.com");
        assert_eq!(a.host_port(), "runner.example.com:443");
        let a = address("ws://[::1]:8080");
        assert_eq!((a.host.as_str(), a.port), ("::1", 8080));
        assert_eq!(a.authority(), "[::1]:8080");
        assert_eq!(a.path_with(&[]), "/");
        for url in ["https://h", "https://h/", "https://h/connect"] {
            assert_eq!(address(url).to_string(), "wss://h/connect");
        }
        assert_eq!(address("https://h/?a").path_with(&[]), "/connect?a");
        assert_eq!(address("https://h/x").to_string(), "wss://h/x");
    }

    #[test]
    fn credentials_are_encoded_and_the_query_kept() {
        let a = address("wss://h/c?env=eu%20west");
        assert_eq!(
            a.path_with(&[("token", "rk_a+b/c=&d é"), ("runnerId", "my id")]),
            "/c?env=eu%20west&token=rk_a%2Bb%2Fc%3D%26d%20%C3%A9&runnerId=my%20id"
        );
        assert_eq!(address("wss://h?").path_with(&[("t", "1")]), "/?t=1");
    }

    #[test]
    fn no_credentials_are_printed() {
        let a = address("wss://user:s3cret@h:8443/c?token=s3cret#s3cret");
        assert_eq!(a.to_string(), "wss://h:8443/c");
        assert_eq!(format!("{a:?}"), "wss://h:8443/c");
        assert_eq!(a.user(), Some("user:s3cret"));
        for text in ["wss://user:s3cret@", "s3cret", "ftp://user:s3cret@h"] {
            let error = GatewayAddress::parse(text, true).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"));
        }
    }

    #[test]
    fn a_token_travels_unencrypted_only_within_this_machine() {
        for local in [
            "ws://localhost:1",
            "ws://127.0.0.9/x",
            "ws://[::1]/",
            "http://a.localhost",
        ] {
            assert!(!address(local).tls);
        }
        for remote in [
            "ws://10.0.0.1",
            "ws://gateway",
            "ws://localhost.example.com",
        ] {
            assert!(matches!(
                GatewayAddress::parse(remote, false),
                Err(AddressError::Insecure { .. })
            ));
            assert!(GatewayAddress::parse(remote, true).is_ok());
        }
    }
}
