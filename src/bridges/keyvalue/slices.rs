//! Large values, a slice at a time.

use super::command::{Command, Reply, Store, Trouble};
use super::key::Key;
use super::kind::Type;
use crate::limits;

/// A large value, a slice at a time, so that the store serves others in between.
pub(super) fn in_slices(store: &mut dyn Store, key: &Key, kind: Type) -> Result<Reply, Trouble> {
    let mut whole = Vec::new();
    let mut size = 0;
    let mut place = b"0".to_vec();
    let slice = limits::SLICE_PARTS;
    let most = store.largest();
    loop {
        let of = |name| Command::new(name).arg(key.bytes());
        let command = match kind {
            Type::Hash => of("HSCAN")
                .arg(place.clone())
                .arg("COUNT")
                .arg(slice.to_string()),
            Type::Set => of("SSCAN")
                .arg(place.clone())
                .arg("COUNT")
                .arg(slice.to_string()),
            Type::List | Type::SortedSet => {
                let first = number_of(&place);
                let last = first + slice - 1;
                let (name, scores) = match kind {
                    Type::List => ("LRANGE", None),
                    _ => ("ZRANGE", Some("WITHSCORES")),
                };
                let range = of(name).arg(first.to_string()).arg(last.to_string());
                scores.into_iter().fold(range, Command::arg)
            }
            Type::Stream => {
                let from = if place == b"0" {
                    b"-".to_vec()
                } else {
                    place.clone()
                };
                of("XRANGE")
                    .arg(from)
                    .arg("+")
                    .arg("COUNT")
                    .arg(slice.to_string())
            }
            Type::Text | Type::Json | Type::Foreign => kind.whole(key),
        };
        let reply = store.ask_one(command, most)?;
        let (parts, next) = match kind {
            Type::Hash | Type::Set => {
                let mut answer = reply.into_list().into_iter();
                let next = answer
                    .next()
                    .and_then(Reply::into_bytes)
                    .unwrap_or_default();
                let parts = answer.next().map(Reply::into_list).unwrap_or_default();
                (
                    parts,
                    Some(next).filter(|next| next != b"0" && !next.is_empty()),
                )
            }
            Type::Stream => {
                let parts = reply.into_list();
                let next = last_id(&parts).filter(|_| parts.len() as u64 == slice);
                (parts, next)
            }
            _ => {
                let parts = reply.into_list();
                let full = parts.len() as u64 >= slice;
                let next = (number_of(&place) + slice).to_string().into_bytes();
                (parts, full.then_some(next))
            }
        };
        size += parts.iter().map(room).sum::<usize>();
        if size > most {
            return Err(Trouble::TooLarge);
        }
        whole.extend(parts);
        match next {
            Some(next) => place = next,
            None => return Ok(Reply::List(whole)),
        }
    }
}

/// Where the entry behind the last one begins.
fn last_id(entries: &[Reply]) -> Option<Vec<u8>> {
    let Some(Reply::List(entry)) = entries.last() else {
        return None;
    };
    match entry.first() {
        Some(Reply::Bytes(id)) => Some([b"(", id.as_slice()].concat()),
        _ => None,
    }
}

fn number_of(place: &[u8]) -> u64 {
    let text = std::str::from_utf8(place).unwrap_or_default();
    text.parse().unwrap_or(0)
}

/// Memory that a part takes.
fn room(part: &Reply) -> usize {
    size_of::<Reply>()
        + match part {
            Reply::Bytes(bytes) => bytes.len(),
            Reply::List(parts) => parts.iter().map(room).sum(),
            _ => 0,
        }
}
