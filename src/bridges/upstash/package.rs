//! The facts of bridge-upstash, and how its sources are opened.

use std::sync::Arc;

use serde_json::{Map, Value};
use url::Url;

use super::Upstash;
use super::session::Session;
use crate::bridges::config::{pool_size, required, unusable};
use crate::bridges::keyvalue::{KeyValueBridge, rules};
use crate::bridges::places::Place;
use crate::bridges::pool::Connector;
use crate::bridges::{Opened, Registered};
use crate::error::JobError;
use crate::job::{JobControl, Key, NameRules, Package};
use crate::net::Peer;
use crate::net::http::peer_of;

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

/// Makes the sessions of one source. Nothing is connected until something is asked.
pub(super) struct UpstashConnector {
    peer: Peer,
    path: String,
    token: String,
}

fn open(config: &Map<String, Value>) -> Opened {
    let connector = UpstashConnector::new(config)?;
    let max = pool_size(config);
    Ok(Arc::new(KeyValueBridge::<Upstash>::new(connector, max)))
}

impl UpstashConnector {
    fn new(config: &Map<String, Value>) -> Result<Self, JobError> {
        let url = required(config, "UpstashBridge", "url")?;
        let token = required(config, "UpstashBridge", "token")?;
        let url =
            Url::parse(&url).map_err(|error| unusable(format!("\"url\" is not a URL: {error}")))?;
        let peer = peer_of(&url).map_err(|problem| unusable(format!("\"url\": {problem}")))?;
        Ok(Self {
            peer,
            path: format!("{}/pipeline", url.path().trim_end_matches('/')),
            token,
        })
    }
}

impl Connector for UpstashConnector {
    type Connection = Session;

    fn connect(&self, _: &Arc<JobControl>, _: &Place) -> Result<Session, JobError> {
        Ok(Session::new(
            self.peer.clone(),
            self.path.clone(),
            &self.token,
        ))
    }

    fn reusable(&self, session: &mut Session) -> bool {
        session.reusable()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_of_url_and_token_are_needed() {
        let open = |config: Value| UpstashConnector::new(config.as_object().unwrap());
        let source = open(json!({"url": "https://x.upstash.io/", "token": "t"})).unwrap();
        assert_eq!(source.path, "/pipeline");
        assert_eq!(source.peer.authority(), "x.upstash.io:443");
        let source = open(json!({"url": "http://localhost:8079/a/", "token": "t"})).unwrap();
        assert_eq!(source.path, "/a/pipeline");
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
