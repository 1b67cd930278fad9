//! How a session ended, or why it never began: the official words, and what somebody can do.

use std::time::Duration;

use crate::gateway::advice;
use crate::gateway::error::GatewayError;
use crate::text::printable;
use crate::tls::chain;

/// The end of one attempt to have a session.
#[derive(Debug)]
pub enum End {
    /// It never began.
    Failed(GatewayError),
    /// The gateway closed it.
    Closed {
        /// The close code; 1005 when the frame had none.
        code: u16,
        /// The close frame's text, often empty.
        reason: String,
    },
    /// The connection broke without a close frame, or fell silent, or we gave it up; the text says which.
    Lost(String),
}

impl End {
    /// The close code that stands for it in figures; `None` when there was no session.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Failed(_) => None,
            Self::Closed { code, .. } => Some(*code),
            Self::Lost(_) => Some(1006),
        }
    }

    /// As the official runner prints it after `disconnected: `.
    pub fn reason(&self) -> String {
        match self {
            Self::Closed { code, reason } if reason.is_empty() => format!("close {code}"),
            Self::Closed { code, reason } => format!("{code} {}", printable(reason.chars())),
            Self::Failed(_) | Self::Lost(_) => "close 1006".to_owned(),
        }
    }

    /// What happened, in our words.
    pub fn detail(&self) -> String {
        match self {
            Self::Failed(error) => chain(error),
            Self::Closed { .. } => format!("the gateway closed the session: {}", self.reason()),
            Self::Lost(detail) => detail.clone(),
        }
    }

    /// What somebody can do about it.
    pub fn advice(&self) -> String {
        match self {
            Self::Failed(error) => error.advice(),
            Self::Lost(_) => {
                "if this repeats, look for a firewall or proxy that cuts idle connections, and at the \
                 service's status page"
                    .to_owned()
            }
            Self::Closed { code, reason } => close_advice(*code, &reason.to_lowercase()).to_owned(),
        }
    }

    /// True when other names for the credentials may do better.
    pub fn may_be_misnamed(&self) -> bool {
        match self {
            Self::Failed(error) => error.may_be_misnamed(),
            Self::Closed { code, reason } => match code {
                4401 => !reason.to_lowercase().contains("runner"),
                1008 | 4400 | 4403 => true,
                _ => false,
            },
            Self::Lost(_) => false,
        }
    }

    /// True when the credentials were refused.
    pub fn unauthorized(&self) -> bool {
        match self {
            Self::Failed(error) => error.unauthorized(),
            Self::Closed { code, .. } => *code == 4401,
            Self::Lost(_) => false,
        }
    }

    /// When the gateway asked us to come back.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Failed(error) => error.retry_after(),
            Self::Closed { .. } | Self::Lost(_) => None,
        }
    }
}

fn close_advice(code: u16, reason: &str) -> &'static str {
    match code {
        4401 if reason.contains("runner") => {
            "no runner has this id: compare SEMILAYER_RUNNER_ID with the Console"
        }
        // What is missing was sent, under a name that is not looked for.
        4401 if reason.contains("token") && !says_missing(reason) => {
            "the token is wrong or revoked: mint a new one in the Console and set SEMILAYER_RUNNER_TOKEN"
        }
        4401 | 4400 | 4403 | 1008 => advice::CREDENTIALS,
        1000 | 1001 | 1012 | 1013 => "nothing to do here, the gateway is restarting or moving us",
        1009 => "the gateway refuses a frame as too large: lower SEMILAYER_CHUNK_BYTES",
        1002 | 1003 | 1007 | 1011 => {
            "the gateway did not like something: please report it with the time and the runner's id"
        }
        _ => "if this repeats, ask the service's support with the time and the runner's id",
    }
}

fn says_missing(reason: &str) -> bool {
    let words = [
        "missing", "required", "no token", "without", "absent", "empty",
    ];
    words.iter().any(|word| reason.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(code: u16, reason: &str) -> End {
        End::Closed {
            code,
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn reasons_read_as_the_documentation_has_them() {
        assert_eq!(closed(4401, "bad token").reason(), "4401 bad token");
        assert_eq!(closed(1001, "").reason(), "close 1001");
        assert_eq!(End::Lost("reset".into()).reason(), "close 1006");
        assert_eq!(closed(4000, "a\nb").reason(), "4000 a\u{fffd}b");
    }

    #[test]
    fn refused_credentials_are_known_and_explained() {
        assert!(closed(4401, "bad token").unauthorized());
        assert!(
            closed(4401, "bad token")
                .advice()
                .contains("mint a new one")
        );
        assert!(
            closed(4401, "unknown runner")
                .advice()
                .contains("SEMILAYER_RUNNER_ID")
        );
        for (code, reason) in [
            (4401, "missing token"),
            (4401, "Token required"),
            (4401, ""),
            (4400, "bad request"),
            (1008, "policy"),
        ] {
            let end = closed(code, reason);
            assert!(end.advice().contains("SEMILAYER_TOKEN_PARAM"), "{reason}");
            assert!(!end.advice().contains("mint") && end.may_be_misnamed());
        }
        assert!(closed(4401, "bad token").may_be_misnamed());
        assert!(!closed(4401, "unknown runner").may_be_misnamed());
        assert!(!closed(1001, "").unauthorized());
        assert!(!End::Lost(String::new()).unauthorized());
    }
}
