//! Asking the server. A connection of HTTP may be a new one each time; a scan goes on anywhere.

use super::rest;
use crate::bridges::keyvalue::{Command, Reading, Reply, Store, Trouble};
use crate::bridges::service::{Service, quoted, refused, unanswered, whole};
use crate::error::{ErrorCode, JobError};
use crate::job::{JobControl, KeptBy, Privileges, ServerFacts};
use crate::limits;
use crate::net::http::HttpError;

/// The service during one job.
pub(super) struct Asking<'s> {
    pub(super) service: &'s mut Service,
    pub(super) job: &'s JobControl,
}

impl Asking<'_> {
    /// The status of an answer and its text. What is made of it may be longer than it, and takes turns as it does.
    fn post(&mut self, body: &str, most: usize) -> Result<(u16, String), Trouble> {
        // Nothing but reading is asked for.
        let mut answer = self.service.post("/pipeline", body).map_err(failed)?;
        // Four characters for three bytes, and the text around them.
        let most = most / 3 * 4 + limits::STORE_REPLY_BYTES;
        let body = whole(&mut answer, self.job, most).map_err(Trouble::Job)?;
        let body = body.map_err(failed)?;
        let text = String::from_utf8(body)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        let room = rest::room(&text);
        if room > most {
            return Err(Trouble::TooLarge);
        }
        if room > limits::LARGE_ROW {
            self.job.receive_large().map_err(Trouble::Job)?;
        }
        Ok((answer.status(), text))
    }
}

fn failed(error: HttpError) -> Trouble {
    match error {
        HttpError::TooLarge { .. } => Trouble::TooLarge,
        error => Trouble::Job(unanswered(error)),
    }
}

/// The error for an answer that holds no replies.
fn refusal(status: u16, text: &str) -> Trouble {
    let problem = rest::error(text).unwrap_or_else(|| quoted(text));
    // The service has limits of its own, by plan: half of it may do.
    if status == 400 && problem.contains("max re") && problem.contains("size exceeded") {
        return Trouble::TooLarge;
    }
    let service = (
        "the REST interface of Upstash",
        "the REST URL of the database",
    );
    Trouble::Job(refused(status, &problem, service))
}

impl Store for Asking<'_> {
    fn ask(&mut self, commands: &[Command], most: usize) -> Result<Vec<Reply>, Trouble> {
        let (status, text) = self.post(&rest::body(commands), most)?;
        match rest::replies(&text, commands.len()) {
            Some(replies) if status == 200 => Ok(replies),
            _ => Err(refusal(status, &text)),
        }
    }

    fn refused(&self, error: &str) -> JobError {
        let word = error.split(' ').next().unwrap_or_default();
        match word {
            "WRONGPASS" | "NOAUTH" => JobError::new(ErrorCode::SourceAuthFailed, error),
            "NOPERM" if error.to_ascii_lowercase().contains("'scan'") => JobError::new(
                ErrorCode::SourceAuthFailed,
                format!(
                    "this token may not list keys, which reading needs: use the standard token of the database \
                     instead of its read-only one, or one of a user who may SCAN ({error})"
                ),
            ),
            _ => JobError::query_failed(error),
        }
    }

    fn reading(&self) -> Reading {
        Reading::Twice
    }

    /// Requests are JSON, whose texts are Unicode.
    fn can_name(&self, key: &[u8]) -> bool {
        std::str::from_utf8(key).is_ok()
    }

    fn largest(&self) -> usize {
        limits::REST_VALUE_BYTES
    }

    fn facts(&mut self) -> Result<ServerFacts, JobError> {
        Ok(ServerFacts {
            version: "Upstash".to_owned(),
            tls: self.service.encrypted(),
            // A token that may not write may not scan either.
            read_only: false,
            kept_by: KeptBy::Role,
        })
    }

    fn privileges(&mut self) -> Result<Privileges, JobError> {
        Ok(Privileges {
            role: "the token".to_owned(),
            beyond_reading: vec![
                "write keys, unless the rules of its user forbid it, which cannot be asked"
                    .to_owned(),
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        let code = |status, text: &str| match refusal(status, text) {
            Trouble::TooLarge => None,
            Trouble::Job(error) => Some(error.code),
        };
        let limit = r#"{"error":"ERR max request size exceeded. Limit: 1 bytes, Actual: 2 bytes"}"#;
        assert_eq!(code(400, limit), None);
        assert_eq!(
            code(400, r#"{"error":"ERR x"}"#),
            Some(ErrorCode::QueryFailed)
        );
        assert_eq!(
            code(401, r#"{"error":"WRONGPASS x"}"#),
            Some(ErrorCode::SourceAuthFailed)
        );
        assert_eq!(code(429, ""), Some(ErrorCode::SourceUnreachable));
        assert_eq!(code(503, "<html>"), Some(ErrorCode::SourceUnreachable));
        assert_eq!(code(301, ""), Some(ErrorCode::SourceUnreachable));
        assert_eq!(code(200, "<html>"), Some(ErrorCode::SourceUnreachable));
    }
}
