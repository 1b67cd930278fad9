//! The text of requests and answers. Knows nothing of sockets.

use crate::bridges::keyvalue::{Command, Reply};
use crate::bridges::service::message;
use crate::json::{Raw, RawKind, write_lossy};
use crate::net::base64;

/// Answers nest two deep in all that is asked; a little more is no harm.
const MAX_DEPTH: usize = 8;

/// The body of a request: a list of commands, each a list of texts.
pub(super) fn body(commands: &[Command]) -> String {
    let mut out = String::from("[");
    for (i, command) in commands.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push('[');
        for (i, part) in command.0.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            write_lossy(&mut out, part);
        }
        out.push(']');
    }
    out.push(']');
    out
}

/// About as much memory as an answer takes with what is made of it: whatever a member of a list is, a comma stands
/// before it.
pub(super) fn room(text: &str) -> usize {
    let commas = text.bytes().filter(|byte| *byte == b',').count();
    text.len().saturating_add(commas * size_of::<Reply>())
}

/// The replies to so many commands; `None` for a text that is something else.
pub(super) fn replies(text: &str, count: usize) -> Option<Vec<Reply>> {
    let list = Raw::parse(text)?;
    if list.kind() != RawKind::List {
        return None;
    }
    let replies = list.elements().take(count.saturating_add(1));
    let replies: Vec<_> = replies.map(entry).collect::<Option<_>>()?;
    (replies.len() == count).then_some(replies)
}

/// What is wrong, when that is all an answer says.
pub(super) fn error(text: &str) -> Option<String> {
    message(Raw::parse(text)?.member("error")?)
}

fn entry(entry: Raw<'_>) -> Option<Reply> {
    if let Some(problem) = entry.member("error") {
        return Some(Reply::Error(message(problem)?));
    }
    reply(entry.member("result")?, 0)
}

fn reply(value: Raw<'_>, depth: usize) -> Option<Reply> {
    Some(match value.kind() {
        RawKind::Null => Reply::Nil,
        RawKind::Number => Reply::Int(value.as_str().parse().ok()?),
        RawKind::Text => match value.text()?.as_ref() {
            // The one word that is not encoded, and could not be.
            "OK" => Reply::Status("OK".to_owned()),
            code => Reply::Bytes(base64::decode(code)?),
        },
        RawKind::List if depth < MAX_DEPTH => {
            let members = value.elements().map(|member| reply(member, depth + 1));
            Reply::List(members.collect::<Option<_>>()?)
        }
        RawKind::List | RawKind::Object | RawKind::Bool(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_lists_of_texts() {
        let commands = [Command::new("GET").arg("a\"b"), Command::new("PING")];
        assert_eq!(body(&commands), r#"[["GET","a\"b"],["PING"]]"#);
    }

    #[test]
    fn answers_of_every_kind_are_read() {
        let text = r#"[{"result":null},{"result":-5},{"result":"/w=="},{"result":"OK"},{"error":"ERR no"},
            {"result":["MA==",["YTox",null]]}]"#;
        let bytes = |bytes: &[u8]| Reply::Bytes(bytes.to_vec());
        assert_eq!(
            replies(text, 6).unwrap(),
            [
                Reply::Nil,
                Reply::Int(-5),
                bytes(b"\xff"),
                Reply::Status("OK".into()),
                Reply::Error("ERR no".into()),
                Reply::List(vec![
                    bytes(b"0"),
                    Reply::List(vec![bytes(b"a:1"), Reply::Nil])
                ]),
            ]
        );
    }

    #[test]
    fn room_is_taken_by_members_however_short_they_are() {
        let one = size_of::<Reply>();
        assert_eq!(room(r#"[{"result":[1,"",null]}]"#), 24 + 2 * one);
        assert!(room("x") < one);
    }

    #[test]
    fn nonsense_is_none() {
        let deep = format!("[{{\"result\":{}{}}}]", "[".repeat(9), "]".repeat(9));
        for text in [
            "",
            "[]",
            "[{}]",
            "{\"result\":1}",
            "[1]",
            "[{\"result\":true}]",
            "[{\"result\":\"not base64\"}]",
            "[{\"result\":1.5}]",
            "[{\"error\":5}]",
            "[{\"result\":1},{\"result\":1}]",
            &deep,
        ] {
            assert_eq!(replies(text, 1), None, "{text}");
        }
        assert_eq!(
            error(r#"{"error":"WRONGPASS x"}"#).as_deref(),
            Some("WRONGPASS x")
        );
        assert_eq!(error("<html>"), None);
    }
}
