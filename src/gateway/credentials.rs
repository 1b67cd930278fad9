//! Who the runner says it is, and how it says so at the upgrade.

use crate::gateway::address::GatewayAddress;
use crate::limits;
use crate::net::percent;
use crate::secret::Secret;
use crate::text::{clipped, printable};

/// What the upgrade carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The runner's id or name.
    pub runner_id: String,
    /// What proves it.
    pub token: Secret,
    /// Name of the query parameter that carries the token; `None`: it is not in the query.
    pub token_parameter: Option<String>,
    /// Name of the query parameter that carries the id; `None`: not sent.
    pub id_parameter: Option<String>,
    /// The token goes as a bearer header, too.
    pub header: bool,
}

impl Credentials {
    /// Path and query of the upgrade; a secret.
    pub fn path(&self, address: &GatewayAddress) -> String {
        let token = self.token_parameter.as_deref();
        let id = self.id_parameter.as_deref();
        let parameters = [
            token.map(|name| (name, self.token.expose())),
            id.map(|name| (name, self.runner_id.as_str())),
        ];
        let parameters: Vec<_> = parameters.into_iter().flatten().collect();
        address.path_with(&parameters)
    }

    /// Value of the `Authorization` header, if the token travels there; a secret.
    pub fn authorization(&self) -> Option<String> {
        self.header
            .then(|| format!("Bearer {}", self.token.expose()))
    }

    /// What the gateway said, for people: one line of bounded length, without the token.
    pub fn quote(&self, said: &str) -> String {
        quote(&self.redact(said))
    }

    /// What the gateway said without the token, which it may have quoted.
    pub fn redact(&self, said: &str) -> String {
        let token = self.token.expose();
        let mut encoded = String::new();
        percent::encode(&mut encoded, token);
        let mut text = said.to_owned();
        for secret in [token, &encoded] {
            if !secret.is_empty() {
                text = text.replace(secret, "…");
            }
        }
        text
    }
}

/// What somebody said, as one line of bounded length.
pub(super) fn quote(said: &str) -> String {
    let said = clipped(said, 4 * limits::QUOTED_BYTES);
    let words: Vec<_> = said.split_whitespace().collect();
    let line = printable(words.join(" ").chars());
    match clipped(&line, limits::QUOTED_BYTES) {
        start if start.len() < line.len() => format!("{start} …"),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(token: &str) -> Credentials {
        Credentials {
            runner_id: "my id".to_owned(),
            token: Secret::new(token.to_owned()),
            token_parameter: Some("token".to_owned()),
            id_parameter: Some("runnerId".to_owned()),
            header: false,
        }
    }

    #[test]
    fn the_token_travels_where_it_is_told_to() {
        let address = GatewayAddress::parse("wss://h/c?a=1", false).unwrap();
        let usual = credentials("rk_/1");
        assert_eq!(
            usual.path(&address),
            "/c?a=1&token=rk_%2F1&runnerId=my%20id"
        );
        assert_eq!(usual.authorization(), None);
        let header = Credentials {
            token_parameter: None,
            id_parameter: None,
            header: true,
            ..usual
        };
        assert_eq!(header.path(&address), "/c?a=1");
        assert_eq!(header.authorization().as_deref(), Some("Bearer rk_/1"));
        assert!(!format!("{header:?}").contains("rk_"));
    }

    #[test]
    fn what_the_gateway_says_is_one_line_without_the_token() {
        let quoted =
            credentials("rk_a+b").quote("<h1>no\r\n  rk_a+b</h1> \u{1b}[2J ?token=rk_a%2Bb&x");
        assert_eq!(quoted, "<h1>no …</h1> \u{fffd}[2J ?token=…&x");
        let long = credentials("rk_1").quote(&"é".repeat(5000));
        assert!(long.len() <= limits::QUOTED_BYTES + 5 && long.ends_with(" …"));
    }
}
