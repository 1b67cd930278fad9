//! The facts of bridge-d1, and how its sources are opened.

use std::sync::Arc;

use serde_json::{Map, Value};
use url::Url;

use super::D1;
use crate::bridges::config::{pool_size, text, unusable};
use crate::bridges::places::Place;
use crate::bridges::pool::Connector;
use crate::bridges::service::Service;
use crate::bridges::sql::SqlBridge;
use crate::bridges::{Opened, Registered};
use crate::error::JobError;
use crate::job::{JobControl, Key, NameRules, Package};
use crate::net::Peer;
use crate::net::http::peer_of;
use crate::options::OptionRules;

/// Where all databases are.
const BASE_URL: &str = "https://api.cloudflare.com/client/v4";

/// D1.
pub(in crate::bridges) static PACKAGE: Registered = Registered {
    package: Package {
        names: NameRules {
            system_prefixes: &["sqlite_", "pragma_", "dbstat", "_cf_"],
            ..NameRules::ANY_CASE
        },
        keys: &[
            Key::secret("ACCOUNT_ID", "accountId"),
            Key::text("DATABASE_ID", "databaseId"),
            Key::secret("API_TOKEN", "apiToken"),
            // With a name that ends in URL it would be the URL of a source of its own.
            Key::text("ENDPOINT", "baseUrl"),
            Key::number("POOL_MAX", "pool.max"),
        ],
        enough: &[&[&["ACCOUNT_ID"], &["DATABASE_ID"], &["API_TOKEN"]]],
        found_by: &["DATABASE_ID"],
        told_by: Some("DATABASE_ID"),
        ..Package::of(OptionRules::usual("@semilayer/bridge-d1"))
    },
    open,
};

fn open(config: &Map<String, Value>) -> Opened {
    let (source, connector) = read(config)?;
    Ok(Arc::new(SqlBridge::new(
        source,
        connector,
        pool_size(config),
    )))
}

/// Makes what the jobs of one source ask with. Nothing is connected until something is asked.
pub(super) struct D1Connector {
    peer: Peer,
    token: String,
}

/// The source, and what asks there.
fn read(config: &Map<String, Value>) -> Result<(D1, D1Connector), JobError> {
    let required = |key: &str| {
        let article = if key.starts_with('a') { "an" } else { "a" };
        let missing = || {
            unusable(format!(
                "D1Bridge requires {article} \"{key}\" config string"
            ))
        };
        text(config, &[key]).ok_or_else(missing)
    };
    // They become parts of a path.
    let id = |key| {
        let id = required(key)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        match id.chars().all(plain) {
            true => Ok(id),
            false => Err(unusable(format!(
                "\"{key}\" must be letters, digits, \"-\" and \"_\""
            ))),
        }
    };
    let (account, database) = (id("accountId")?, id("databaseId")?);
    let token = required("apiToken")?;
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unusable("\"apiToken\" holds characters that no token has"));
    }
    let base = text(config, &["baseUrl"]).unwrap_or_else(|| BASE_URL.to_owned());
    let url = Url::parse(&base)
        .map_err(|error| unusable(format!("\"baseUrl\" is not a URL: {error}")))?;
    let peer = peer_of(&url).map_err(|problem| unusable(format!("\"baseUrl\": {problem}")))?;
    let root = url.path().trim_end_matches('/');
    Ok((
        D1::new(root, &account, &database),
        D1Connector { peer, token },
    ))
}

impl Connector for D1Connector {
    type Connection = Service;

    fn connect(&self, _: &Arc<JobControl>, _: &Place) -> Result<Service, JobError> {
        Ok(Service::new(self.peer.clone(), Some(&self.token)))
    }

    fn reusable(&self, service: &mut Service) -> bool {
        service.reusable()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ids_and_token_are_needed_and_splice_no_path() {
        let read = |config: Value| read(config.as_object().unwrap());
        let config = json!({"accountId": "a1", "databaseId": "d-2_x", "apiToken": "s3cret\n"});
        let (source, connector) = read(config.clone()).unwrap();
        assert_eq!(source.path, "/client/v4/accounts/a1/d1/database/d-2_x/raw");
        assert_eq!(connector.peer.authority(), "api.cloudflare.com:443");
        assert_eq!(connector.token, "s3cret");
        for (key, value, problem) in [
            (
                "accountId",
                json!(null),
                "requires an \"accountId\" config string",
            ),
            (
                "databaseId",
                json!(""),
                "requires a \"databaseId\" config string",
            ),
            (
                "apiToken",
                json!(" "),
                "requires an \"apiToken\" config string",
            ),
            (
                "accountId",
                json!("a/../b"),
                "\"accountId\" must be letters",
            ),
            (
                "databaseId",
                json!("db/raw?"),
                "\"databaseId\" must be letters",
            ),
            (
                "databaseId",
                json!("%2e%2e"),
                "\"databaseId\" must be letters",
            ),
            ("databaseId", json!(".."), "\"databaseId\" must be letters"),
            ("apiToken", json!("s3cret\ns3cret"), "that no token has"),
            ("baseUrl", json!("s3cret"), "\"baseUrl\" is not a URL"),
            ("baseUrl", json!("ftp://u:s3cret@h"), "instead of https:"),
        ] {
            let mut config = config.clone();
            config[key] = value;
            let error = read(config.clone()).err().unwrap();
            assert!(error.message.contains(problem), "{config}: {error}");
            assert!(!error.message.contains("s3cret"), "{error}");
        }
        let mut config = config;
        config["baseUrl"] = json!("http://127.0.0.1:8787/client/v4/");
        let (source, connector) = read(config).unwrap();
        assert!(source.path.starts_with("/client/v4/accounts/"));
        assert_eq!(connector.peer.authority(), "127.0.0.1:8787");
    }
}
