//! Where the health listener listens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::config::ConfigError;
use crate::config::number::leading;

/// `PORT`, in the official meaning, and `SEMILAYER_HEALTH_ADDR`. Both may be set: an image sets the second for
/// its own probe, a platform sets the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HealthSettings {
    /// On all IPv4 addresses.
    pub port: Option<u16>,
    /// On one address.
    pub address: Option<SocketAddr>,
}

impl HealthSettings {
    /// `variable` looks into the environment; an empty value counts as unset.
    pub fn load(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let address = set("SEMILAYER_HEALTH_ADDR").map(|text| {
            address(&text).ok_or_else(|| {
                ConfigError::variable(
                    "SEMILAYER_HEALTH_ADDR",
                    "must be an address and a port, such as 127.0.0.1:9464",
                )
            })
        });
        Ok(Self {
            port: port(set("PORT"))?,
            address: address.transpose()?,
        })
    }

    /// Every address to listen on; the port on all addresses includes the same port on one of them.
    pub fn listen(&self) -> Vec<SocketAddr> {
        let all = self
            .port
            .map(|port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
        let one = self
            .address
            .filter(|one| !(one.is_ipv4() && Some(one.port()) == self.port));
        all.into_iter().chain(one).collect()
    }

    /// Where a process on this machine asks.
    pub fn ask(&self) -> Option<SocketAddr> {
        let mut address = *self.listen().last()?;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        Some(address)
    }
}

/// `localhost` is no matter for a name server here.
fn address(text: &str) -> Option<SocketAddr> {
    let text = text.trim();
    match text.strip_prefix("localhost:") {
        Some(port) => Some((Ipv4Addr::LOCALHOST, port.parse().ok()?).into()),
        None => text.parse().ok(),
    }
    .filter(|address: &SocketAddr| address.port() != 0)
}

/// `PORT` is read as the official runner does; only what no listener could use is an error.
fn port(text: Option<String>) -> Result<Option<u16>, ConfigError> {
    let Some(port) = text.as_deref().and_then(leading) else {
        return Ok(None);
    };
    u16::try_from(port)
        .map(Some)
        .map_err(|_| ConfigError::variable("PORT", "must be at most 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(port: &str, address: &str) -> Result<HealthSettings, ConfigError> {
        HealthSettings::load(|name| match name {
            "PORT" => Some(port.to_owned()),
            "SEMILAYER_HEALTH_ADDR" => Some(address.to_owned()),
            _ => None,
        })
    }

    #[test]
    fn both_are_listened_on_unless_one_covers_the_other() {
        for (port, address, listen, ask) in [
            ("", "", "", ""),
            ("8080", "", "0.0.0.0:8080", "127.0.0.1:8080"),
            ("8080x", "", "0.0.0.0:8080", "127.0.0.1:8080"),
            ("0", "localhost:9464", "127.0.0.1:9464", "127.0.0.1:9464"),
            ("9464", "127.0.0.1:9464", "0.0.0.0:9464", "127.0.0.1:9464"),
            (
                "8080",
                "127.0.0.1:9464",
                "0.0.0.0:8080 127.0.0.1:9464",
                "127.0.0.1:9464",
            ),
            ("", "[::]:9464", "[::]:9464", "[::1]:9464"),
        ] {
            let settings = load(port, address).unwrap();
            let found: Vec<_> = settings.listen().iter().map(ToString::to_string).collect();
            assert_eq!(found.join(" "), listen);
            let asked = settings.ask().map_or_else(String::new, |a| a.to_string());
            assert_eq!(asked, ask);
        }
    }

    #[test]
    fn what_cannot_be_listened_on_is_refused() {
        for (port, address) in [
            ("65536", ""),
            ("", "9464"),
            ("", "127.0.0.1"),
            ("", "db.example.com:1"),
            ("", "127.0.0.1:0"),
        ] {
            assert!(load(port, address).is_err(), "{port} {address}");
        }
    }
}
