//! The facts of bridge-d1, and how its sources are opened.

use serde_json::{Map, Value};

use super::D1;
use crate::bridges::config::{required, text, unusable};
use crate::bridges::service::Services;
use crate::bridges::{Opened, Registered, lite};
use crate::error::JobError;
use crate::job::{Key, NameRules, Package};
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
    let (d1, services) = read(config)?;
    lite::open_remote(&PACKAGE.package, d1, services, config)
}

fn read(config: &Map<String, Value>) -> Result<(D1, Services), JobError> {
    let required = |key| required(config, "D1Bridge", key);
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
    let account = format!("/accounts/{}", id("accountId")?);
    let database = id("databaseId")?;
    let token = required("apiToken")?;
    let base = text(config, &["baseUrl"]).unwrap_or_else(|| BASE_URL.to_owned());
    let mut services = Services::below("baseUrl", &base)?.with_token("apiToken", &token)?;
    services.root += &format!("{account}/d1/database/{database}");
    Ok((D1 { account }, services))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ids_and_token_are_needed_and_splice_no_path() {
        let read = |config: Value| read(config.as_object().unwrap());
        let config = json!({"accountId": "a1", "databaseId": "d-2_x", "apiToken": "s3cret\n"});
        let (_, services) = read(config.clone()).unwrap();
        assert_eq!(services.root, "/client/v4/accounts/a1/d1/database/d-2_x");
        assert_eq!(services.peer.authority(), "api.cloudflare.com:443");
        let token = ("Authorization", "Bearer s3cret".to_owned());
        assert!(services.headers.contains(&token));
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
        let (_, services) = read(config).unwrap();
        assert!(services.root.starts_with("/client/v4/accounts/"));
        assert_eq!(services.peer.authority(), "127.0.0.1:8787");
    }
}
