//! What the gateway is told of the failures of a source whose configuration is not the gateway's: the code, and the
//! database's own sentence with its SQLSTATE, but not where the database is, nor who asks it. The whole text is in the
//! local log.

use std::borrow::Cow;

use crate::error::{ErrorCode, JobError};

/// The error as it may cross.
pub(super) fn outside(error: &JobError) -> Cow<'_, JobError> {
    let sentence = match error.code {
        ErrorCode::SourceUnreachable => "the database of this source cannot be reached",
        ErrorCode::SourceAuthFailed => {
            "the database of this source does not accept the credentials"
        }
        // Names of variables, which the operator knows and the gateway may.
        ErrorCode::SourceConfig => return Cow::Owned(with(error, without_places(&error.message))),
        _ => return Cow::Borrowed(error),
    };
    let own = match own_words(&error.message) {
        Some(words) => format!(": {}", without_places(words)),
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
        outside(&JobError::new(code, message)).message.clone()
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
        let query = "column \"x\" does not exist (SQLSTATE 42703)";
        assert_eq!(crosses(ErrorCode::QueryFailed, query), query);
    }
}
