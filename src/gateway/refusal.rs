//! An upgrade that was refused: what the gateway, or something before it, said.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use url::Url;

use crate::gateway::address::GatewayAddress;
use crate::gateway::advice;
use crate::limits;
use crate::net::http::{Head, body_start};

/// An answer to the upgrade with another status than 101.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// When it asks us to come back.
    pub retry_after: Option<Duration>,
    /// Where it sends us, as a gateway's URL without its query.
    pub location: Option<String>,
    /// The beginning of its body, as a line; empty if there was none.
    pub body: String,
}

impl Refusal {
    /// Reads the body, as far as it comes. `quote` makes what the gateway said fit for people.
    pub(super) fn read(
        head: Head,
        begun: Vec<u8>,
        rest: impl Read,
        address: &GatewayAddress,
        quote: impl Fn(&str) -> String,
    ) -> Self {
        let status = head.status;
        let retry_after = head.retry_after();
        let location = head
            .header("location")
            .filter(|_| (300..400).contains(&status))
            .and_then(|location| gateway_url(address, location))
            .map(|url| quote(&url));
        let body = body_start(head, begun, rest, limits::REFUSAL_BYTES);
        Self {
            status,
            retry_after: retry_after.map(|wait| wait.min(limits::MAX_RETRY_AFTER)),
            location,
            body: quote(&String::from_utf8_lossy(&body)),
        }
    }

    /// True when the credentials were refused.
    pub fn unauthorized(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    /// True when other names for the credentials may do better.
    pub fn may_be_misnamed(&self) -> bool {
        matches!(self.status, 400 | 401 | 403)
    }

    /// What somebody can do about it.
    pub fn advice(&self) -> String {
        match (self.status, &self.location) {
            (300..=399, Some(location)) => {
                format!("the gateway is somewhere else: set SEMILAYER_GATEWAY_URL to {location}")
            }
            (400 | 401 | 403, _) => advice::CREDENTIALS.to_owned(),
            (404 | 405, _) => {
                "check SEMILAYER_GATEWAY_URL: nothing is at this path; a gateway's is usually /connect"
                    .to_owned()
            }
            (407, _) => advice::PROXY_USER.to_owned(),
            (429 | 500..=599, _) => {
                "nothing to do here, the gateway is busy or restarting".to_owned()
            }
            _ => advice::NO_GATEWAY.to_owned(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the upgrade was refused with status {}", self.status)?;
        if let Some(location) = &self.location {
            write!(f, ", which points to {location}")?;
        }
        if !self.body.is_empty() {
            write!(f, ": {}", self.body)?;
        }
        Ok(())
    }
}

/// Where a `Location` leads, as it stands in our configuration. Its query may hold the token.
fn gateway_url(address: &GatewayAddress, location: &str) -> Option<String> {
    let scheme = if address.tls { "https" } else { "http" };
    let base = format!(
        "{scheme}://{}{}",
        address.authority(),
        address.path_with(&[])
    );
    let url = Url::parse(&base).ok()?.join(location).ok()?;
    let scheme = match url.scheme() {
        "https" | "wss" => "wss",
        "http" | "ws" => "ws",
        _ => return None,
    };
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    Some(format!(
        "{scheme}://{}{port}{}",
        url.host_str()?,
        url.path()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_becomes_a_gateway_url_without_the_token() {
        let address = GatewayAddress::parse("wss://h:8443/c?token=s3cret", false).unwrap();
        for (location, url) in [
            (
                "https://new.example.com/connect?token=s3cret",
                Some("wss://new.example.com/connect"),
            ),
            ("/connect?token=s3cret", Some("wss://h:8443/connect")),
            ("http://user:s3cret@[::1]:8080", Some("ws://[::1]:8080/")),
            ("mailto:a@b", None),
            ("https://", None),
        ] {
            assert_eq!(
                gateway_url(&address, location).as_deref(),
                url,
                "{location}"
            );
        }
    }

    #[test]
    fn each_status_has_its_advice() {
        let advice = |status, location: Option<&str>| {
            Refusal {
                status,
                location: location.map(str::to_owned),
                ..Refusal::default()
            }
            .advice()
        };
        assert!(
            advice(301, Some("wss://n/connect"))
                .ends_with("SEMILAYER_GATEWAY_URL to wss://n/connect")
        );
        assert!(advice(404, None).contains("/connect"));
        for status in [400, 401, 403] {
            assert!(advice(status, None).contains("SEMILAYER_TOKEN_PARAM"));
        }
        assert!(advice(503, None).contains("nothing to do here"));
        assert!(advice(200, None).contains("no runner gateway"));
    }
}
