//! What the configurations of sources have in common.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use serde_json::{Map, Value};

use crate::error::{ErrorCode, JobError};
use crate::{files, limits, tls};

/// `SOURCE_CONFIG`, with what is wrong. Never with a value.
pub(super) fn unusable(problem: impl Into<String>) -> JobError {
    JobError::new(ErrorCode::SourceConfig, problem)
}

/// The text of a key without which `bridge` has no source.
///
/// # Errors
/// It is missing.
pub(super) fn required(
    config: &Map<String, Value>,
    bridge: &str,
    key: &str,
) -> Result<String, JobError> {
    text(config, &[key]).ok_or_else(|| missing(bridge, key))
}

/// For a key that is missing, in the official words.
pub(super) fn missing(bridge: &str, key: &str) -> JobError {
    let article = if key.starts_with('a') { "an" } else { "a" };
    unusable(format!(
        "{bridge} requires {article} \"{key}\" config string"
    ))
}

/// Whether a file may be named.
///
/// # Errors
/// It may not.
pub(super) fn check_file(path: &Path) -> Result<(), JobError> {
    files::allowed(path).map_err(|error| unusable(error.to_string()))
}

/// TLS as it is where nothing is said of it: the server is verified by the runner's roots.
///
/// # Errors
/// There are no such roots.
pub(super) fn verified() -> Result<Arc<ClientConfig>, JobError> {
    tls::verified().map_err(|error| unusable(error.to_string()))
}

/// The name of a URL's parameter, as messages tell it: not where an `@` stands behind the `?`, because then it may be part
/// of a password that was not encoded.
pub(super) fn parameter<'a>(url: &str, name: &'a str) -> &'a str {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    match query.contains('@') {
        true => "(not shown: an @ stands behind it)",
        false => name,
    }
}

/// The first of these keys that holds a text, without the white space around it: files end with a line's end. A number
/// counts as its digits.
pub(super) fn text(config: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    let text = line(config, keys)?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// As [`text`], with every character of it but a line's end (a password of digits may have been made a number on its
/// way).
pub(super) fn line(config: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    let texts = keys.iter().filter_map(|key| match config.get(*key) {
        Some(Value::String(text)) => Some(without_line_end(text).to_owned()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    });
    texts.into_iter().find(|text| !text.is_empty())
}

fn without_line_end(text: &str) -> &str {
    let line = text.strip_suffix('\n').unwrap_or(text);
    line.strip_suffix('\r').unwrap_or(line)
}

/// The key `port`, if it is there and not empty.
///
/// # Errors
/// It is no port.
pub(super) fn port(config: &Map<String, Value>) -> Result<Option<u16>, JobError> {
    let text = match config.get("port") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(other) => other.to_string(),
    };
    let port = text.parse().ok().filter(|port| *port > 0);
    port.map(Some).ok_or_else(no_port)
}

/// For a text that is none.
pub(super) fn no_port() -> JobError {
    unusable("\"port\" must be a number from 1 to 65535")
}

/// Refuses a host that is none: credentials in it would be told with it, and asked name servers for.
pub(super) fn check_host(config: &Map<String, Value>) -> Result<(), JobError> {
    let host = config.get("host").and_then(Value::as_str);
    match host.is_some_and(|host| host.contains('@') || host.contains("://")) {
        true => Err(unusable(
            "host is the name or address of a machine alone; user and password have keys of their own, and so has a URL",
        )),
        false => Ok(()),
    }
}

/// True when a switch is on.
pub(super) fn is_on(config: &Map<String, Value>, key: &str) -> bool {
    config.get(key) == Some(&Value::Bool(true))
}

/// Refuses keys that ask for TLS where it is asked for in another way, which `instead` names: passed over, they would let
/// in plain text what was to be encrypted. `no` and its like ask for nothing.
pub(super) fn check_plain(config: &Map<String, Value>, instead: &str) -> Result<(), JobError> {
    let asks = |(key, value): &(&String, &Value)| {
        let key = key.to_ascii_lowercase();
        let about_tls = key.starts_with("tls") || key.starts_with("ssl") || key == "secure";
        let no = match value {
            Value::Null => true,
            Value::String(word) => {
                let word = word.trim().to_ascii_lowercase();
                ["", "0", "false", "no", "off", "disable", "disabled"].contains(&word.as_str())
            }
            value => value.as_bool() == Some(false) || value.as_f64() == Some(0.0),
        };
        about_tls && !no
    };
    match config.iter().find(asks) {
        None => Ok(()),
        Some((key, _)) => Err(unusable(format!("\"{key}\" is not supported: {instead}"))),
    }
}

/// Connections a source may have: `pool.max` of its configuration, or the default.
pub(super) fn pool_size(config: &Map<String, Value>) -> usize {
    config
        .get("pool")
        .and_then(|pool| pool.get("max"))
        .and_then(Value::as_u64)
        .and_then(|max| usize::try_from(max).ok())
        .map_or(limits::POOL_MAX, |max| max.clamp(1, limits::POOL_CEILING))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_port_is_a_number_and_nothing_else() {
        let of = |port: Value| super::port(json!({ "port": port }).as_object().unwrap());
        for none in [json!(null), json!(""), json!(" \n")] {
            assert_eq!(of(none).unwrap(), None);
        }
        for port in [json!(5432), json!("5432"), json!(" 5432 \r\n")] {
            assert_eq!(of(port).unwrap(), Some(5432));
        }
        for odd in [
            json!(0),
            json!(65536),
            json!("65536"),
            json!("x"),
            json!(-1),
            json!(1.5),
            json!("54 32"),
            json!(true),
            json!({}),
        ] {
            assert!(of(odd.clone()).is_err(), "{odd}");
        }
    }

    #[test]
    fn what_asks_for_encryption_is_not_passed_over() {
        let of = |config: Value| check_plain(config.as_object().unwrap(), "x").is_ok();
        for quiet in [
            json!({"host": "h"}),
            json!({"ssl": false, "tls": null, "sslmode": "disable", "secure": 0}),
        ] {
            assert!(of(quiet.clone()), "{quiet}");
        }
        for asking in [
            json!({"tls": true}),
            json!({"ssl": "require"}),
            json!({"sslmode": "verify-ful"}),
            json!({"tls": {}}),
            json!({"secure": 1}),
            json!({"SSL_CA": "/ca.pem"}),
            json!({"tlsCAFile": "x"}),
        ] {
            assert!(!of(asking.clone()), "{asking}");
        }
    }

    #[test]
    fn a_line_end_is_no_part_of_a_password() {
        let of = |password: &str| {
            line(json!({ "p": password }).as_object().unwrap(), &["p"]).unwrap_or_default()
        };
        for (password, expected) in [
            (" p ", " p "),
            ("p\n", "p"),
            ("p\r\n", "p"),
            ("p\n\n", "p\n"),
            ("\n", ""),
        ] {
            assert_eq!(of(password), expected, "{password:?}");
        }
    }

    #[test]
    fn the_size_is_configured_within_bounds() {
        for (config, size) in [
            (json!({}), limits::POOL_MAX),
            (json!({"pool": {"max": 7}}), 7),
            (json!({"pool": {"max": 0}}), 1),
            (json!({"pool": {"max": 1_000_000}}), limits::POOL_CEILING),
            (json!({"pool": {"max": "7"}}), limits::POOL_MAX),
        ] {
            assert_eq!(pool_size(config.as_object().unwrap()), size, "{config}");
        }
    }
}
