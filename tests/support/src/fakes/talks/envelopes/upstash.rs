//! Upstash.

use std::sync::Arc;

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::{Body, HELD, SHORT, filled, joined, list_of, numbered, text, villain};
use crate::fakes::Villain;

/// What is said to a command of this name; `None` for what honest stores say.
type Talk = fn(&str) -> Option<Body>;

const LIST: (&str, &str) = ("[", "]");

const TALKS: [(&str, Talk); 12] = [
    ("keys without number", |command| {
        (command == "SCAN").then(|| keys(list_of("\"\"", HELD, LIST)))
    }),
    ("half a megabyte of keys", |command| {
        (command == "SCAN").then(|| keys(list_of("\"\"", SHORT, LIST)))
    }),
    ("lists instead of keys", |command| {
        (command == "SCAN").then(|| keys(list_of("[]", HELD, LIST)))
    }),
    ("numbers instead of keys", |command| {
        (command == "SCAN").then(|| keys(list_of("1", SHORT, LIST)))
    }),
    ("members without number", |command| {
        (command == "MGET").then(|| value("{  ", "\"\":1, ", 7 << 20, "\"\":1}"))
    }),
    ("half a megabyte of members", |command| {
        let members = || numbered(350 << 10, |n| format!("\"{n:x}\":1"));
        (command == "MGET").then(|| value(&format!("{{{}", members()), "   ", 0, "}"))
    }),
    ("a list of nothing", |command| {
        (command == "MGET").then(|| value("[  ", "1,1,1,", 7 << 20, "1]"))
    }),
    ("a text that is none", |command| {
        (command == "MGET").then(|| value("", b"\xff\xff\xff", 7 << 20, ""))
    }),
    ("fields without number", |command| match command {
        "MGET" => Some(text("[null]")),
        "HGETALL" => Some(list_of("\"\"", HELD, LIST)),
        _ => None,
    }),
    ("half a megabyte of fields", |command| match command {
        "MGET" => Some(text("[null]")),
        "HGETALL" => Some(list_of("\"\",\"\"", SHORT, LIST)),
        _ => None,
    }),
    ("fields in slices", |command| match command {
        "MGET" => Some(text("[null]")),
        "HLEN" => Some(text("20000000")),
        "HSCAN" => Some(joined([
            text("[\"MQ==\","),
            list_of("\"\",\"\"", SHORT, LIST),
            text("]"),
        ])),
        _ => None,
    }),
    ("words of an error", |_| {
        Some(joined([
            text("\"\"},{\"error\":\""),
            filled("no", HELD),
            text("\""),
        ]))
    }),
];

pub(super) fn villains() -> Vec<Villain> {
    let each = TALKS.into_iter().map(|(name, talk)| {
        let says = move |_: &str, body: &str| {
            let commands: Vec<Vec<String>> = serde_json::from_str(body).unwrap_or_default();
            let replies = commands.iter().enumerate().flat_map(|(place, command)| {
                let name = command.first().map(String::as_str).unwrap_or_default();
                let said = talk(name).unwrap_or_else(|| text(honest(name).to_string()));
                let comma = if place > 0 { "," } else { "" };
                joined([text(format!("{comma}{{\"result\":")), said, text("}")])
            });
            let replies: Body = replies.collect();
            joined([text("["), replies, text("]")])
        };
        villain(
            "upstash",
            name,
            Arc::new(says),
            |url| json!({ "url": url, "token": "t" }),
        )
    });
    each.collect()
}

fn honest(command: &str) -> Value {
    match command {
        "SCAN" => json!(["MA==", [BASE64.encode(b"t:1")]]),
        "MGET" => json!([BASE64.encode(b"{\"id\":1}")]),
        "TYPE" => json!(BASE64.encode(b"hash")),
        "HLEN" => json!(5),
        _ => json!([]),
    }
}

fn keys(keys: Body) -> Body {
    joined([text("[\"MA==\","), keys, text("]")])
}

/// The value of the one key: bytes between two others, again and again. In Base64 each stands for itself.
fn value(before: &str, filling: impl AsRef<[u8]>, length: usize, after: &str) -> Body {
    let encoded = |text: &[u8]| {
        let blanks = text.len().next_multiple_of(3) - text.len();
        BASE64.encode(&[text, &b"  "[..blanks]].concat())
    };
    joined([
        text(format!("[\"{}", encoded(before.as_bytes()))),
        filled(encoded(filling.as_ref()), length / 3 * 4),
        text(format!("{}\"]", encoded(after.as_bytes()))),
    ])
}
