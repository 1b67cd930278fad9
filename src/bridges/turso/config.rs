//! A source's configuration, read as the official client reads it.

use serde_json::{Map, Value};
use url::Url;

use super::Turso;
use crate::bridges::config::{missing, text, unusable};
use crate::bridges::service::Services;
use crate::error::JobError;
use crate::json::{Raw, RawKind};
use crate::net::base64;

/// Reads what the bridge's constructor takes. A token in the URL counts before the key.
///
/// # Errors
/// `SOURCE_CONFIG`. No value is ever quoted.
pub(super) fn read(config: &Map<String, Value>) -> Result<(Turso, Services), JobError> {
    let url = config.get("url").and_then(Value::as_str);
    let url = url.filter(|url| !url.is_empty());
    let url = url.ok_or_else(|| missing("TursoBridge", "url"))?;
    let wrong = |problem: &str| unusable(format!("\"url\" {problem}"));
    if url.trim() != url {
        return Err(wrong("begins or ends with white space"));
    }
    if url.starts_with(":memory:")
        || url
            .get(..5)
            .is_some_and(|s| s.eq_ignore_ascii_case("file:"))
    {
        return Err(wrong(
            "names a database of this machine, not a server: a file is a source of bridge-sqlite",
        ));
    }
    let no_url = |error| wrong(&format!("is not a URL: {error}"));
    let parsed = Url::parse(url).map_err(no_url)?;
    let (tls, token) = parameters(&parsed).map_err(|problem| wrong(&problem))?;
    let encrypted = match (parsed.scheme(), tls) {
        ("libsql", Some(false)) if parsed.port().is_none() => {
            return Err(wrong("with tls=0 must name a port"));
        }
        ("libsql", tls) => tls.unwrap_or(true),
        ("https" | "wss", None | Some(true)) => true,
        ("http" | "ws", None | Some(false)) => false,
        ("https" | "wss" | "http" | "ws", Some(_)) => {
            return Err(wrong("has a tls that contradicts its scheme"));
        }
        _ => return Err(wrong("must begin with libsql://, https:// or http://")),
    };
    if parsed.fragment().is_some() {
        return Err(wrong("has a fragment (#…), which means nothing here"));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong(
            "holds a user or a password; what is needed is \"authToken\"",
        ));
    }
    // The same server and port answer both to HTTP and to WebSocket.
    let scheme = if encrypted { "https" } else { "http" };
    // Without what is behind the last slash.
    let place = parsed.join(".").map_err(no_url)?;
    let (_, place) = place.as_str().split_once(':').unwrap_or_default();
    let mut services = Services::below("url", &format!("{scheme}:{place}"))?;
    let token = token.or_else(|| text(config, &["authToken"]));
    let token = token.filter(|token| !token.is_empty());
    if let Some(token) = &token {
        services = services.with_token("authToken", token)?;
    }
    let read_only = token.as_deref().is_some_and(only_reads);
    Ok((Turso { read_only }, services))
}

/// What the query of a URL says of TLS, and the token in it.
fn parameters(url: &Url) -> Result<(Option<bool>, Option<String>), String> {
    let (mut tls, mut token) = (None, None);
    for (name, value) in url.query_pairs() {
        match (name.as_ref(), value.as_ref()) {
            ("tls", "0") => tls = Some(false),
            ("tls", "1") => tls = Some(true),
            ("tls", _) => return Err("has a tls that is neither 0 nor 1".to_owned()),
            ("authToken", _) => token = Some(value.into_owned()),
            _ => return Err("has a parameter that is neither tls nor authToken".to_owned()),
        }
    }
    Ok((tls, token))
}

/// True when the claims of a token say that it only reads. The server alone can tell whether they are true.
fn only_reads(token: &str) -> bool {
    let claims = token.split('.').nth(1).and_then(base64::decode_bare);
    let claims = claims.and_then(|claims| String::from_utf8(claims).ok());
    let access = claims.as_deref().and_then(Raw::parse);
    let access = access.filter(|claims| claims.kind() == RawKind::Object);
    let access = access.and_then(|claims| claims.member("a"));
    access.and_then(Raw::text).as_deref() == Some("ro")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(config: &Value) -> Result<(Turso, Services), JobError> {
        super::read(config.as_object().unwrap())
    }

    fn token(services: &Services) -> Option<String> {
        let mut headers = services.headers.iter();
        let found = headers.find_map(|(_, value)| value.strip_prefix("Bearer "));
        found.map(str::to_owned)
    }

    #[test]
    fn a_url_names_server_encryption_and_path() {
        for (url, place, encrypted, path) in [
            (
                "libsql://db-name.turso.io",
                "db-name.turso.io:443",
                true,
                "",
            ),
            ("LIBSQL://h?tls=1", "h:443", true, ""),
            (
                "libsql://127.0.0.1:8080/?tls=0",
                "127.0.0.1:8080",
                false,
                "",
            ),
            ("wss://h/a/b", "h:443", true, "/a"),
            ("https://h/a/b/", "h:443", true, "/a/b"),
            ("ws://[::1]:8080", "[::1]:8080", false, ""),
            ("http://h?tls=0", "h:80", false, ""),
        ] {
            let (_, found) = read(&json!({ "url": url })).unwrap();
            assert_eq!(found.peer.authority(), place, "{url}");
            assert_eq!(found.peer.tls.is_some(), encrypted, "{url}");
            assert_eq!(found.root, path, "{url}");
            assert_eq!(token(&found), None);
        }
    }

    #[test]
    fn what_cannot_be_is_refused_without_a_secret() {
        for url in [
            ":memory:",
            "file:/tmp/s3cret.db",
            "FILE:x",
            "libsql://h?tls=0",
            "libsql://h?tls=yes",
            "http://h?tls=1",
            "wss://h?tls=0",
            "libsql://h?authtoken=s3cret",
            "libsql://h#s3cret",
            "libsql://u:s3cret@h",
            "libsql://s3cret@h",
            "libsql://",
            "postgres://h/s3cret",
            " libsql://h",
            "libsql://h\n",
            "s3cret",
            "libsql://h?authToken=a%20s3cret",
            "",
        ] {
            let error = read(&json!({ "url": url })).err().expect(url);
            assert!(
                error.message.contains("url") || error.message.contains("authToken"),
                "{url}"
            );
            assert!(!error.message.contains("s3cret"), "{}", error.message);
        }
        let missing = read(&json!({ "authToken": "t" })).err().unwrap();
        assert_eq!(
            missing.message,
            "TursoBridge requires a \"url\" config string"
        );
    }

    #[test]
    fn the_token_of_the_url_counts_before_the_key() {
        let token = |config: Value| token(&read(&config).unwrap().1);
        let both = json!({ "url": "libsql://h?authToken=of%2Durl", "authToken": "of-key" });
        assert_eq!(token(both).as_deref(), Some("of-url"));
        let key = json!({ "url": "libsql://h", "authToken": " of-key\n" });
        assert_eq!(token(key).as_deref(), Some("of-key"));
        for none in [json!(null), json!("")] {
            assert_eq!(
                token(json!({ "url": "libsql://h", "authToken": none })),
                None
            );
        }
    }

    #[test]
    fn a_token_tells_whether_it_only_reads() {
        let token = |claims: &str| {
            let claims = base64::encode(claims.as_bytes()).replace('=', "");
            format!("eyJ9.{claims}.c2ln")
        };
        assert!(only_reads(&token(r#"{"a":"ro","iat":1}"#)));
        for claims in [
            r#"{"a":"rw"}"#,
            r#"{"iat":1}"#,
            r#"["ro"]"#,
            "ro",
            r#"{"a":5}"#,
        ] {
            assert!(!only_reads(&token(claims)), "{claims}");
        }
        assert!(!only_reads("not-a-token") && !only_reads("a.!.b"));
    }
}
