//! What the gateway is told of the failures of a source whose configuration is not the gateway's: the code, and the
//! database's own sentence with its SQLSTATE, but not where the database is, nor who asks it. The whole text is in the
//! local log.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use serde_json::{Map, Value};

use crate::error::{ErrorCode, JobError};
use crate::net::percent;
use crate::text::longest_first;

/// The error as it may cross; `config` is what it must tell nothing of, and is asked for where that matters.
pub(super) fn outside(
    error: &JobError,
    config: impl FnOnce() -> Map<String, Value>,
) -> Cow<'_, JobError> {
    let sentence = match error.code {
        ErrorCode::SourceUnreachable => "the database of this source cannot be reached",
        ErrorCode::SourceAuthFailed => {
            "the database of this source does not accept the credentials"
        }
        // Names of variables, which the operator knows and the gateway may.
        ErrorCode::SourceConfig => {
            let message = without_places(&error.message);
            return Cow::Owned(with(error, without(&message, &places(&config()))));
        }
        ErrorCode::QueryFailed | ErrorCode::Overloaded | ErrorCode::Internal => {
            return Cow::Owned(with(error, without(&error.message, &places(&config()))));
        }
        _ => return Cow::Borrowed(error),
    };
    let own = match own_words(&error.message) {
        Some(words) => format!(": {}", without(&without_places(words), &places(&config()))),
        None => String::new(),
    };
    Cow::Owned(with(
        error,
        format!("{sentence}{own} (the runner's log says more)"),
    ))
}

fn with(error: &JobError, message: String) -> JobError {
    JobError {
        message,
        ..error.clone()
    }
}

/// What a configuration says of where the database is and who asks it, the longest first.
fn places(config: &Map<String, Value>) -> Vec<String> {
    const NAMED: [&str; 12] = [
        "host",
        "user",
        "username",
        "path",
        "socketPath",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "sslCa",
        "sslCert",
        "sslKey",
        "server",
    ];
    let text = |key: &str| config.get(key).and_then(Value::as_str);
    let mut places: Vec<_> = NAMED
        .iter()
        .filter_map(|key| text(key))
        .map(str::to_owned)
        .collect();
    for url in ["url", "connectionString"].into_iter().filter_map(text) {
        places_of_url(url, &mut places);
    }
    places.retain(|place| !place.is_empty());
    longest_first(&mut places);
    places
}

/// Not by a parser, for what no parser takes has places as well.
fn places_of_url(url: &str, places: &mut Vec<String>) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    // A password may have a slash in it.
    let (login, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
    let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut keep = |text: &str| places.extend([text.to_owned(), percent::decode(text)]);
    keep(login.split(':').next().unwrap_or_default());
    for host in hosts.split(',') {
        let bare = host.rsplit_once(':').map_or(host, |(host, _)| host);
        keep(bare.trim_matches(['[', ']']));
    }
    if hosts.is_empty() || hosts == "." {
        keep(&format!("/{path}"));
    }
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let value_is_place = value.contains('/') || value.contains("%2F");
        if value_is_place || name.contains("host") || name.contains("user") {
            keep(value);
        }
    }
}

/// Without these words, and without addresses of machines.
fn without(text: &str, places: &[String]) -> String {
    let mut text = text.to_owned();
    for place in places {
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, after)) = split_at_word(rest, place) {
            out.push_str(before);
            out.push('…');
            // A port.
            let port = after
                .strip_prefix(':')
                .map(|port| port.trim_start_matches(|c: char| c.is_ascii_digit()));
            rest = port.unwrap_or(after);
        }
        out.push_str(rest);
        text = out;
    }
    let words = text.split(' ').map(|word| match is_address(word) {
        true => "…",
        false => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What is before and after the first such word, in whatever case.
fn split_at_word<'t>(text: &'t str, word: &str) -> Option<(&'t str, &'t str)> {
    let (lower, word) = (text.to_ascii_lowercase(), word.to_ascii_lowercase());
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    lower.match_indices(&word).find_map(|(start, found)| {
        let before = text.get(..start)?;
        let after = text.get(start + found.len()..)?;
        let whole = !before.ends_with(is_part) && !after.starts_with(is_part);
        whole.then_some((before, after))
    })
}

fn is_address(word: &str) -> bool {
    let word = word.trim_matches(['(', ')', ',', ';', '\'', '"', '`']);
    let word = word.trim_end_matches(['.', ':']);
    word.parse::<IpAddr>().is_ok() || word.parse::<SocketAddr>().is_ok()
}

/// What the database said. Only databases know of SQLSTATEs; before their words stands the place.
fn own_words(message: &str) -> Option<&str> {
    message.contains("SQLSTATE ").then(|| {
        let after_place = message.split_once(": ").map(|(_, words)| words);
        after_place.unwrap_or(message)
    })
}

/// Without what stands in quotes, and without words that are paths or addresses.
fn without_places(text: &str) -> String {
    let mut out = String::new();
    let mut quote = None;
    for character in text.chars() {
        match (quote, character) {
            (Some(open), c) if c == open => {
                quote = None;
                out.push('…');
                out.push(c);
            }
            (Some(_), _) => {}
            // The one in "client's" opens nothing.
            (None, '\'') if out.ends_with(char::is_alphanumeric) => out.push('\''),
            (None, '"' | '\'' | '`') => {
                quote = Some(character);
                out.push(character);
            }
            (None, c) => out.push(c),
        }
    }
    let words = out.split(' ').map(|word| match is_place(word) {
        true => "…",
        false => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

fn is_place(word: &str) -> bool {
    let word = word.trim_matches(['(', ')', ',', ';', ':', '.']);
    let has_digit = word.contains(|c: char| c.is_ascii_digit());
    word.contains(['/', '@', '\\']) || has_digit && word.matches(['.', ':']).count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crosses(code: ErrorCode, message: &str) -> String {
        outside(&JobError::new(code, message), Map::new)
            .message
            .clone()
    }

    #[test]
    fn nothing_of_the_configuration_crosses_in_a_databases_own_words() {
        let config = serde_json::json!({
            "url": "postgres://re%61der:p/w@db.house,db-2.house:5433/shop?sslrootcert=%2Fsrv%2Fca.pem",
            "path": "/srv/hr.db",
        });
        let Value::Object(config) = config else {
            panic!()
        };
        for (message, crosses) in [
            (
                "db.house:8123: the server answers with HTTP 418",
                "…: the server answers with HTTP 418",
            ),
            (
                "permission denied for READER, not for readers",
                "permission denied for …, not for readers",
            ),
            ("not master: DB-2.House:5433 is", "not master: … is"),
            ("moved to 10.1.2.3:6380, (::1)", "moved to … …"),
            (
                "cannot open /srv/hr.db nor /srv/ca.pem",
                "cannot open … nor …",
            ),
            (
                "column \"x\" at 2020-01-01 10:00:00 does not exist",
                "column \"x\" at 2020-01-01 10:00:00 does not exist",
            ),
        ] {
            let error = JobError::new(ErrorCode::QueryFailed, message);
            assert_eq!(outside(&error, || config.clone()).message, crosses);
        }
    }

    #[test]
    fn neither_place_nor_person_crosses() {
        for (code, message) in [
            (
                ErrorCode::SourceUnreachable,
                "db.internal:5432: Connection refused",
            ),
            (
                ErrorCode::SourceUnreachable,
                "cannot open the SQLite database \"/srv/internal/hr.db\": gone",
            ),
            (
                ErrorCode::SourceAuthFailed,
                "db.internal:5432: password authentication failed for user \"internal\" (SQLSTATE 28P01)",
            ),
            (
                ErrorCode::SourceAuthFailed,
                "db.internal:3306: Access denied for user 'internal'@'10.1.2.3' (error 1045, SQLSTATE 28000)",
            ),
            (
                ErrorCode::SourceUnreachable,
                "db.internal:5432: no pg_hba.conf entry for host \"10.1.2.3\", user \"internal\" (SQLSTATE 28000)",
            ),
            (
                ErrorCode::SourceConfig,
                "SEMILAYER_SOURCE_HR_URL_FILE: /run/internal/hr: No such file",
            ),
        ] {
            let crosses = crosses(code, message);
            for secret in ["internal", "5432", "3306", "10.1.2.3"] {
                assert!(!crosses.contains(secret), "{crosses}");
            }
            assert_eq!(
                crosses.contains("SQLSTATE"),
                message.contains("SQLSTATE"),
                "{crosses}"
            );
        }
        let named = crosses(ErrorCode::SourceConfig, "set SEMILAYER_SOURCE_HR_URL");
        assert_eq!(named, "set SEMILAYER_SOURCE_HR_URL");
        let whole = crosses(
            ErrorCode::SourceConfig,
            "the client's key 'internal' is none",
        );
        assert_eq!(whole, "the client's key '…' is none");
        let query = "column \"x\" does not exist (SQLSTATE 42703)";
        assert_eq!(crosses(ErrorCode::QueryFailed, query), query);
    }
}
