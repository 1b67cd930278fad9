//! The connection string of a source.

use serde_json::{Map, Value};
use url::form_urlencoded;

use super::Flavour;
use crate::bridges::config::{line, port, text, unusable};
use crate::error::JobError;

/// A connection string split into what the driver parses and what we decide.
pub(super) struct Url {
    /// Where, and who logs in.
    pub(super) base: String,
    /// What follows the `?`, decoded.
    pub(super) parameters: Vec<(String, String)>,
}

impl Url {
    /// Takes a connection string apart.
    ///
    /// # Errors
    /// Its scheme is another one.
    pub(super) fn parse(url: &str) -> Result<Self, JobError> {
        const SCHEMES: [&str; 3] = ["postgres", "postgresql", "cockroachdb"];
        let rest = url
            .split_once("://")
            .filter(|(scheme, _)| {
                SCHEMES
                    .iter()
                    .any(|known| scheme.eq_ignore_ascii_case(known))
            })
            .map(|(_, rest)| rest)
            .ok_or_else(|| unusable("the url must begin with postgres:// or postgresql://"))?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let place = one_at_sign(place);
        let parameters = form_urlencoded::parse(query.as_bytes())
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect();
        Ok(Self {
            base: format!("postgresql://{place}"),
            parameters,
        })
    }

    /// The same of single keys.
    pub(super) fn from_fields(
        config: &Map<String, Value>,
        flavour: Flavour,
    ) -> Result<Self, JobError> {
        let (Some(host), Some(database)) =
            (text(config, &["host"]), text(config, &["database", "db"]))
        else {
            return Err(unusable(flavour.missing_config()));
        };
        let is_address = host.contains(':') && !host.starts_with(['[', '/']);
        let host = if is_address {
            format!("[{host}]")
        } else {
            host
        };
        let mut base = String::from("postgresql://");
        if let Some(user) = text(config, &["user", "username"]) {
            base.extend(form_urlencoded::byte_serialize(user.as_bytes()).map(plus_is_space));
            if let Some(password) = line(config, &["password"]) {
                base.push(':');
                base.extend(
                    form_urlencoded::byte_serialize(password.as_bytes()).map(plus_is_space),
                );
            }
            base.push('@');
        }
        if host.starts_with('/') {
            base.extend(form_urlencoded::byte_serialize(host.as_bytes()));
        } else {
            base.push_str(&host);
        }
        if let Some(port) = port(config)? {
            base.push_str(&format!(":{port}"));
        }
        base.push('/');
        base.extend(form_urlencoded::byte_serialize(database.as_bytes()).map(plus_is_space));
        Ok(Self {
            base,
            parameters: Vec::new(),
        })
    }
}

/// The last `@` is what ends the credentials, as in every URL; the driver would take the first, and what follows it of
/// a password for the host.
fn one_at_sign(place: &str) -> String {
    let (authority, path) = match place.find('/') {
        Some(at) => place.split_at(at),
        None => (place, ""),
    };
    match authority.rsplit_once('@') {
        Some((credentials, host)) => format!("{}@{host}{path}", credentials.replace('@', "%40")),
        None => place.to_owned(),
    }
}

/// Form encoding writes a space as `+`, which a URL's other parts take literally.
fn plus_is_space(piece: &str) -> &str {
    if piece == "+" { "%20" } else { piece }
}
