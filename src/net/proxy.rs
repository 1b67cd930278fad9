//! Which proxy, if any, leads to a host: `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, as curl reads them.

use std::fmt;
use std::net::IpAddr;

use url::Url;

use crate::net::percent::{decode, login};
use crate::net::without_brackets;

/// How a proxy is asked for the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    /// By CONNECT.
    Http,
    /// The same, encrypted.
    Https,
    /// By SOCKS 5, for an address.
    Socks,
    /// By SOCKS 5, for a name, which the proxy looks up.
    SocksByName,
}

impl ProxyKind {
    fn of(scheme: &str) -> Option<Self> {
        Some(match scheme {
            "http" => Self::Http,
            "https" => Self::Https,
            "socks5" => Self::Socks,
            "socks5h" => Self::SocksByName,
            _ => return None,
        })
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks | Self::SocksByName => 1080,
        }
    }
}

/// A proxy. Printed without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// How it is asked.
    pub kind: ProxyKind,
    /// Host name or address, without brackets.
    pub host: String,
    /// Port; the usual one when the URL names none.
    pub port: u16,
    /// `user:password`.
    user: Option<String>,
}

impl Proxy {
    /// The proxy that the environment names for TLS to `host`, unless it exempts that host. `variable` looks
    /// into the environment.
    ///
    /// # Errors
    /// What is wrong with `HTTPS_PROXY`, without its value.
    pub fn choose(
        host: &str,
        port: u16,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, String> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let either = |name: &str| set(&name.to_lowercase()).or_else(|| set(name));
        let exceptions = either("NO_PROXY").unwrap_or_default();
        either("HTTPS_PROXY")
            .or_else(|| either("ALL_PROXY"))
            .filter(|_| !exempt(&exceptions, host, port))
            .map(|value| Self::parse(&value))
            .transpose()
    }

    /// Reads the value of a proxy variable; the scheme may be missing.
    ///
    /// # Errors
    /// A text without the value, which may hold a password.
    pub fn parse(value: &str) -> Result<Self, String> {
        let value = value.trim();
        let url = if value.contains("://") {
            Url::parse(value)
        } else {
            Url::parse(&format!("http://{value}"))
        }
        .map_err(|error| format!("not a URL: {error}"))?;
        let kind = ProxyKind::of(url.scheme()).ok_or_else(|| {
            format!(
                "{:?} proxies are not supported, only http, https, socks5 and socks5h",
                url.scheme()
            )
        })?;
        let host = url.host_str().ok_or("names no host")?;
        Ok(Self {
            kind,
            // Of unknown schemes the URL keeps the escapes.
            host: decode(without_brackets(host)),
            port: url.port().unwrap_or(kind.default_port()),
            user: login(&url),
        })
    }

    /// `user:password`, if the URL had any.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// True when a `NO_PROXY` list exempts `host`: `*`, a name (which covers its subdomains), an address, or a
/// block such as `10.0.0.0/8`. An entry may carry a port, which then must match.
pub fn exempt(no_proxy: &str, host: &str, port: u16) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let ip = host.parse::<IpAddr>().ok();
    no_proxy
        .split([',', ' '])
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            let entry = entry.to_ascii_lowercase();
            if entry == "*" {
                return true;
            }
            let (entry, only_port) = split_port(&entry);
            if only_port.is_some_and(|only| only != port) {
                return false;
            }
            match ip {
                Some(ip) => covers(entry, ip),
                None => {
                    let name = entry.trim_start_matches("*.").trim_matches('.');
                    let stem = host.strip_suffix(name);
                    !name.is_empty() && stem.is_some_and(|s| s.is_empty() || s.ends_with('.'))
                }
            }
        })
}

/// `name:port`, `[address]:port` and `[address]`; a bare IPv6 address has no port.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((host, rest)) = entry.strip_prefix('[').and_then(|e| e.split_once(']')) {
        return (host, rest.strip_prefix(':').and_then(|p| p.parse().ok()));
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

fn covers(entry: &str, ip: IpAddr) -> bool {
    let (network, length) = match entry.split_once('/') {
        Some((network, length)) => match length.parse::<u32>() {
            Ok(length) => (network, Some(length)),
            Err(_) => return false,
        },
        None => (entry, None),
    };
    match (network.parse(), ip) {
        (Ok(IpAddr::V4(network)), IpAddr::V4(ip)) => {
            let length = length.unwrap_or(32);
            let mask = u32::MAX
                .checked_shl(32u32.saturating_sub(length))
                .unwrap_or(0);
            length <= 32 && network.to_bits() & mask == ip.to_bits() & mask
        }
        (Ok(IpAddr::V6(network)), IpAddr::V6(ip)) => {
            let length = length.unwrap_or(128);
            let mask = u128::MAX
                .checked_shl(128u32.saturating_sub(length))
                .unwrap_or(0);
            length <= 128 && network.to_bits() & mask == ip.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_read_with_or_without_scheme() {
        let proxy = Proxy::parse("http://al%40ice:s3cret@proxy.example.com:3128/").unwrap();
        assert_eq!(proxy.user(), Some("al@ice:s3cret"));
        assert_eq!(
            format!("{proxy} {proxy:?}"),
            "proxy.example.com:3128 proxy.example.com:3128"
        );
        let proxy = Proxy::parse("10.0.0.1:8080").unwrap();
        assert_eq!(
            (proxy.host.as_str(), proxy.port, proxy.user()),
            ("10.0.0.1", 8080, None)
        );
        for (url, kind, port) in [
            ("proxy", ProxyKind::Http, 80),
            ("https://proxy", ProxyKind::Https, 443),
            ("https://proxy:3129", ProxyKind::Https, 3129),
            ("socks5://u:p@proxy", ProxyKind::Socks, 1080),
            ("SOCKS5H://proxy:1081", ProxyKind::SocksByName, 1081),
        ] {
            let proxy = Proxy::parse(url).unwrap();
            assert_eq!(
                (proxy.kind, proxy.host.as_str(), proxy.port),
                (kind, "proxy", port)
            );
        }
        assert_eq!(Proxy::parse("http://[::1]:3128").unwrap().host, "::1");
        for bad in [
            "socks4://user:s3cret@h",
            "ftp://user:s3cret@h",
            "http://",
            "http://u:s3cret@:x",
        ] {
            assert!(!Proxy::parse(bad).unwrap_err().contains("s3cret"), "{bad}");
        }
    }

    #[test]
    fn no_proxy_exempts_names_with_their_subdomains() {
        for list in [
            "*",
            "example.com",
            ".example.com",
            "*.example.com",
            "a, Example.COM",
            "runner.example.com",
            "runner.example.com:443",
            "com.",
        ] {
            assert!(exempt(list, "runner.example.com", 443), "{list}");
        }
        for list in [
            "",
            " , ",
            "ample.com",
            "other.com",
            "runner.example.com:80",
            ".",
        ] {
            assert!(!exempt(list, "runner.example.com", 443), "{list}");
        }
    }

    #[test]
    fn no_proxy_exempts_addresses_and_blocks() {
        for list in [
            "10.1.2.3",
            "10.0.0.0/8",
            "0.0.0.0/0",
            "10.1.2.3:443",
            "10.1.2.3/32",
        ] {
            assert!(exempt(list, "10.1.2.3", 443), "{list}");
        }
        for list in [
            "10.1.2",
            "11.0.0.0/8",
            "10.1.2.3:80",
            "10.1.2.3/33",
            "10.0.0.0/x",
            "::/0",
        ] {
            assert!(!exempt(list, "10.1.2.3", 443), "{list}");
        }
        for list in ["::1", "[::1]", "[::1]:443", "::/0", "::/64"] {
            assert!(exempt(list, "::1", 443), "{list}");
        }
        assert!(!exempt("fe80::/10", "::1", 443));
    }
}
