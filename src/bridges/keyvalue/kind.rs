//! The types of values, and the content of each.

use super::command::{Command, Reply};
use super::content::{Content, Reading, json_of, quoted};
use super::key::Key;
use crate::json::write_f64;

/// A type of values other than strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Hash,
    List,
    Set,
    SortedSet,
    Stream,
    Json,
    /// A type of a module, which only the module can read.
    Foreign,
}

impl Type {
    /// `None` for a key that is gone.
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "none" => return None,
            "string" => Self::Text,
            "hash" => Self::Hash,
            "list" => Self::List,
            "set" => Self::Set,
            "zset" => Self::SortedSet,
            "stream" => Self::Stream,
            "ReJSON-RL" => Self::Json,
            _ => Self::Foreign,
        })
    }

    /// The command that tells how much there is, for types of many parts.
    pub(super) fn measure(self) -> Option<&'static str> {
        Some(match self {
            Self::Hash => "HLEN",
            Self::List => "LLEN",
            Self::Set => "SCARD",
            Self::SortedSet => "ZCARD",
            Self::Stream => "XLEN",
            Self::Text | Self::Json | Self::Foreign => return None,
        })
    }

    /// The command for all of it.
    pub(super) fn whole(self, key: &Key) -> Command {
        let of = |name| Command::new(name).arg(key.bytes());
        match self {
            Self::Hash => of("HGETALL"),
            Self::List => of("LRANGE").arg("0").arg("-1"),
            Self::Set => of("SMEMBERS"),
            Self::SortedSet => of("ZRANGE").arg("0").arg("-1").arg("WITHSCORES"),
            Self::Stream => of("XRANGE").arg("-").arg("+"),
            Self::Json => of("JSON.GET"),
            Self::Text | Self::Foreign => of("GET"),
        }
    }

    /// The content of a reply; `None` when the value is gone, which an empty collection is.
    pub(super) fn content(self, reply: Reply, reading: Reading) -> Option<Content> {
        let json = |reply: Reply| json_of(&reply.into_bytes().unwrap_or_default(), reading);
        match self {
            Type::Text | Type::Json | Type::Foreign => {
                Some(Content::of_string(&reply.into_bytes()?, reading))
            }
            Type::Hash => {
                let fields = fields(reply.into_list(), reading);
                (fields != "{}").then_some(Content::Members(fields))
            }
            Type::List => non_empty(reply.into_list().into_iter().map(json)),
            Type::Set => {
                let mut members: Vec<_> = reply
                    .into_list()
                    .into_iter()
                    .filter_map(Reply::into_bytes)
                    .collect();
                members.sort_unstable();
                members.dedup();
                non_empty(members.iter().map(|member| json_of(member, reading)))
            }
            Type::SortedSet => {
                let mut parts = reply.into_list().into_iter();
                let pairs = std::iter::from_fn(|| Some((parts.next()?, parts.next()?)));
                non_empty(pairs.map(|(member, score)| {
                    let mut out = format!("{{\"member\":{},\"score\":", json(member));
                    write_f64(&mut out, score_of(score));
                    out.push('}');
                    out
                }))
            }
            // A stream without entries is still there.
            Type::Stream => Some(list(
                reply
                    .into_list()
                    .into_iter()
                    .map(|entry| entry_json(entry, reading)),
            )),
        }
    }
}

/// An entry of a stream.
fn entry_json(entry: Reply, reading: Reading) -> String {
    let mut parts = entry.into_list().into_iter();
    let id = parts.next().and_then(Reply::into_bytes).unwrap_or_default();
    let parts_of = parts.next().map(Reply::into_list).unwrap_or_default();
    format!(
        "{{\"id\":{},\"fields\":{}}}",
        quoted(&String::from_utf8_lossy(&id)),
        fields(parts_of, reading)
    )
}

/// Names and values in turn, as an object.
fn fields(parts: Vec<Reply>, reading: Reading) -> String {
    let mut out = String::from("{");
    let mut parts = parts
        .into_iter()
        .map(|part| part.into_bytes().unwrap_or_default());
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(&quoted(&String::from_utf8_lossy(&name)));
        out.push(':');
        out.push_str(&json_of(&value, reading));
    }
    out.push('}');
    out
}

fn score_of(score: Reply) -> f64 {
    let bytes = score.into_bytes().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.parse().unwrap_or(f64::NAN)
}

fn list(elements: impl Iterator<Item = String>) -> Content {
    let mut out = String::from("[");
    for (i, element) in elements.enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&element);
    }
    out.push(']');
    Content::Value(out)
}

/// As [`list`]; `None` for one without elements.
fn non_empty(elements: impl Iterator<Item = String>) -> Option<Content> {
    Some(list(elements)).filter(|list| *list != Content::Value("[]".to_owned()))
}
