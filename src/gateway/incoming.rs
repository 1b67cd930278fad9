//! Frames from the gateway as far as they are read before anybody knows what they mean.

use std::collections::BTreeSet;

use tungstenite::protocol::{CloseFrame, Message};

use crate::gateway::credentials::Credentials;
use crate::gateway::end::End;
use crate::limits;

/// The text of a message. JSON in a binary frame is JSON all the same.
pub fn text_of(message: &Message) -> Option<&str> {
    match message {
        Message::Text(text) => Some(text),
        Message::Binary(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

/// The end that a close frame is. Without a code in it that is 1005.
pub fn end_of(frame: Option<CloseFrame>, credentials: &Credentials) -> End {
    frame.map_or_else(
        || End::Closed {
            code: 1005,
            reason: String::new(),
        },
        |frame| End::Closed {
            code: frame.code.into(),
            reason: credentials.redact(&frame.reason),
        },
    )
}

/// What was told already of frames that mean nothing to us. The gateway may send one at every heartbeat.
#[derive(Debug, Default)]
pub struct Told(BTreeSet<String>);

impl Told {
    /// True for a text that was not told yet, as long as there are few of them.
    pub fn is_new(&mut self, text: &str) -> bool {
        self.0.len() < limits::UNKNOWN_FRAMES && self.0.insert(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_a_binary_frame_is_text() {
        assert_eq!(text_of(&Message::binary(&b"{}"[..])), Some("{}"));
        assert_eq!(text_of(&Message::text("{}")), Some("{}"));
        assert_eq!(text_of(&Message::binary(&b"\xff"[..])), None);
        assert_eq!(text_of(&Message::Ping("{}".into())), None);
    }

    #[test]
    fn a_gateway_cannot_fill_the_log_with_what_means_nothing() {
        let mut told = Told::default();
        assert!(told.is_new("a") && !told.is_new("a"));
        let more = (0..1000).filter(|n| told.is_new(&n.to_string()));
        assert_eq!(more.count(), limits::UNKNOWN_FRAMES - 1);
    }
}
