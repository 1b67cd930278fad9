//! What the configurations of sources have in common.

use serde_json::{Map, Value};

use crate::error::{ErrorCode, JobError};
use crate::limits;

/// `SOURCE_CONFIG`, with what is wrong. Never with a value.
pub(super) fn unusable(problem: impl Into<String>) -> JobError {
    JobError::new(ErrorCode::SourceConfig, problem)
}

/// The first of these keys that holds a text, without the white space around it: files end with a line's end. A number
/// counts as its digits.
pub(super) fn text(config: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    let text = secret(config, keys)?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// As [`text`], with every character of it (a password of digits may have been made a number on its way).
pub(super) fn secret(config: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| match config.get(*key) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    })
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
