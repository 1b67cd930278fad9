//! The facts of bridge-upstash, and how its sources are opened.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Upstash;
use crate::bridges::config::{pool_size, required};
use crate::bridges::keyvalue::{KeyValueBridge, rules};
use crate::bridges::service::Services;
use crate::bridges::{Opened, Registered};
use crate::error::JobError;
use crate::job::{Key, NameRules, Package};

/// Upstash.
pub(in crate::bridges) static PACKAGE: Registered = Registered {
    package: Package {
        names: NameRules::KEYS,
        keys: &[
            Key::secret("URL", "url"),
            Key::secret("TOKEN", "token"),
            Key::number("POOL_MAX", "pool.max"),
        ],
        enough: &[&[&["URL"], &["TOKEN"]]],
        found_by: &["URL"],
        ..Package::of(rules("@semilayer/bridge-upstash"))
    },
    open,
};

fn open(config: &Map<String, Value>) -> Opened {
    let services = services(config)?;
    let max = pool_size(config);
    Ok(Arc::new(KeyValueBridge::<Upstash>::new(services, max)))
}

fn services(config: &Map<String, Value>) -> Result<Services, JobError> {
    let required = |key| required(config, "UpstashBridge", key);
    let (url, token) = (required("url")?, required("token")?);
    let services = Services::below("url", &url)?.with_token("token", &token)?;
    Ok(services.with_header("Upstash-Encoding", "base64".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_of_url_and_token_are_needed() {
        let open = |config: Value| services(config.as_object().unwrap());
        let source = open(json!({"url": "https://x.upstash.io/", "token": "t"})).unwrap();
        assert_eq!(source.root, "");
        assert_eq!(source.peer.authority(), "x.upstash.io:443");
        let source = open(json!({"url": "http://localhost:8079/a/", "token": "t"})).unwrap();
        assert_eq!(source.root, "/a");
        for (config, problem) in [
            (json!({"token": "t"}), "requires a \"url\" config string"),
            (
                json!({"url": "https://h", "token": ""}),
                "requires a \"token\" config string",
            ),
            (json!({"url": "h", "token": "t"}), "not a URL"),
            (
                json!({"url": "redis://u:s3cret@h", "token": "t"}),
                "instead of https:",
            ),
        ] {
            let error = open(config.clone()).err().unwrap();
            assert!(error.message.contains(problem), "{config}: {error}");
            assert!(!error.message.contains("s3cret"));
        }
    }
}
