//! Walking a whole collection by its key, whatever types its keys are of. A comparison with a key stays inside of
//! its type, so what follows a key is looked for in steps: the rest of its type, then the types after it.

use super::bson::{Bson, Fields, Value, fields, is_whole, key_text, value};
use super::filter::object_id;
use crate::error::JobError;
use crate::net::base64;

/// Begins a cursor that is not the key's own text.
const MARK: &str = "$bson:";

const NULL: u8 = 0x0a;
const OBJECT_ID: u8 = 0x07;
const TEXT: u8 = 0x02;

/// The types in the order in which the server sorts them; those of one line are sorted among each other.
const ORDER: [&[u8]; 16] = [
    &[0xff],
    &[0x0a, 0x06],
    &[0x01, 0x10, 0x12, 0x13],
    &[0x02, 0x0e],
    &[0x03],
    &[0x04],
    &[0x05],
    &[0x07],
    &[0x08],
    &[0x09],
    &[0x11],
    &[0x0b],
    &[0x0c],
    &[0x0d],
    &[0x0f],
    &[0x7f],
];

/// A key: the number of its type and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    kind: u8,
    bytes: Vec<u8>,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The key of its last row.
    pub key: Key,
    /// How many rows with this key have been shown, when more with it follow: in a view a key may stand more than
    /// once, or not at all.
    pub seen: u64,
}

/// One of the queries that together find what follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The filter.
    pub filter: Fields,
    /// How many of its rows were shown before.
    pub skip: u64,
}

impl Key {
    /// The key of a document; without one, null, which sorts at the same place.
    pub fn of(element: Option<(u8, &[u8])>) -> Self {
        let mut key = Self {
            kind: NULL,
            bytes: Vec::new(),
        };
        key.set(element);
        key
    }

    /// Takes over the key of another document.
    pub fn set(&mut self, element: Option<(u8, &[u8])>) {
        let (kind, bytes) = element
            .filter(|(kind, _)| *kind != 0x06)
            .unwrap_or((NULL, &[]));
        self.kind = kind;
        self.bytes.clear();
        self.bytes.extend(bytes);
    }

    /// True when the server finds both where it is asked for one.
    pub fn is_same(&self, other: &Self) -> bool {
        self == other
            || (place(self.kind) == place(other.kind)
                && place(self.kind) == place(0x01)
                && self.text().is_some_and(|text| Some(text) == other.text()))
    }

    fn text(&self) -> Option<String> {
        key_text(&value(self.kind, &self.bytes).ok()?).ok()
    }

    fn bson(&self) -> Bson {
        Bson::Raw(self.kind, self.bytes.clone())
    }
}

fn place(kind: u8) -> usize {
    let found = ORDER.iter().position(|kinds| kinds.contains(&kind));
    found.unwrap_or(ORDER.len())
}

impl Position {
    /// Reads a cursor.
    ///
    /// # Errors
    /// `INVALID_OPTIONS` for one that was not given out.
    pub fn parse(cursor: &str) -> Result<Self, JobError> {
        let Some(code) = cursor.strip_prefix(MARK) else {
            let key = match object_id(cursor) {
                Some(id) => Key {
                    kind: OBJECT_ID,
                    bytes: id.to_vec(),
                },
                None => Key::text_key(cursor),
            };
            return Ok(Self { key, seen: 0 });
        };
        let read = || {
            let (seen, code) = code.split_once(':')?;
            let bytes = base64::decode(code)?;
            let (&kind, bytes) = bytes.split_first()?;
            // What followed it would be a part of the command.
            is_whole(kind, bytes).then_some(())?;
            let key = Key {
                kind,
                bytes: bytes.to_vec(),
            };
            Some(Self {
                key,
                seen: seen.parse().ok()?,
            })
        };
        read().ok_or_else(|| JobError::invalid_options("options.cursor", "was not given out here"))
    }

    /// The cursor: the key's text where that says it all, else the key itself in a code.
    pub fn cursor(&self) -> String {
        let plain = match value(self.key.kind, &self.key.bytes) {
            Ok(Value::ObjectId(_)) => self.key.text(),
            Ok(Value::Text(text))
                if !text.is_empty() && !text.starts_with(MARK) && object_id(&text).is_none() =>
            {
                Some(text.into_owned())
            }
            _ => None,
        };
        if let Some(plain) = plain.filter(|_| self.seen == 0) {
            return plain;
        }
        let mut bytes = vec![self.key.kind];
        bytes.extend(&self.key.bytes);
        format!("{MARK}{}:{}", self.seen, base64::encode(&bytes))
    }

    /// The queries that find what follows, one after the other.
    pub fn steps(&self) -> Vec<Step> {
        let step = |condition: Fields, skip| Step {
            filter: fields! { "_id": condition },
            skip,
        };
        let mut steps = Vec::new();
        if self.seen > 0 {
            steps.push(step(fields! { "$eq": self.key.bson() }, self.seen));
        }
        let place = place(self.key.kind);
        let more = match value(self.key.kind, &self.key.bytes) {
            // Nothing of their types follows them.
            Ok(Value::Null | Value::MinKey | Value::MaxKey) | Err(_) => None,
            // The least of numbers, and comparable with no other.
            Ok(Value::Double(number)) if number.is_nan() => {
                Some(fields! { "$gte": f64::NEG_INFINITY })
            }
            Ok(_) => Some(fields! { "$gt": self.key.bson() }),
        };
        steps.extend(more.map(|condition| step(condition, 0)));
        let later: Vec<Bson> = ORDER
            .iter()
            .skip(place + 1)
            .flat_map(|kinds| kinds.iter())
            .map(|kind| Bson::Int((*kind).into()))
            .collect();
        if !later.is_empty() {
            steps.push(step(fields! { "$type": later }, 0));
        }
        steps
    }
}

impl Key {
    fn text_key(text: &str) -> Self {
        let length = u32::try_from(text.len() + 1)
            .unwrap_or(u32::MAX)
            .to_le_bytes();
        Self {
            kind: TEXT,
            bytes: [&length, text.as_bytes(), &[0]].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridges::mongodb::bson::{Document, list};

    fn key(value: impl Into<Bson>) -> Key {
        let bytes = fields! { "_id": value }.encode();
        Key::of(Document::new(&bytes).unwrap().raw("_id").unwrap())
    }

    fn position(value: impl Into<Bson>, seen: u64) -> Position {
        Position {
            key: key(value),
            seen,
        }
    }

    #[test]
    fn cursors_go_both_ways() {
        for (value, plain) in [
            (Bson::from("A-1"), Some("A-1")),
            (Bson::ObjectId([0x5f; 12]), Some("5f5f5f5f5f5f5f5f5f5f5f5f")),
            (Bson::from("5f5f5f5f5f5f5f5f5f5f5f5f"), None),
            (Bson::from("$bson:"), None),
            (Bson::from(""), None),
            (Bson::Long(5), None),
            (Bson::Null, None),
            (fields! {"a": 1}.into(), None),
        ] {
            for seen in [0, 3] {
                let position = position(value.clone(), seen);
                let cursor = position.cursor();
                assert_eq!(Position::parse(&cursor).unwrap(), position);
                if seen == 0
                    && let Some(plain) = plain
                {
                    assert_eq!(cursor, plain);
                }
            }
        }
        for cursor in [
            "$bson:",
            "$bson:0:",
            "$bson:0:AQ==",
            "$bson:x:Cg==",
            "$bson:0:EgAAAAA=",
            // A null, a text and bytes, each with an operator behind it.
            "$bson:0:ChBhAAEAAAA=",
            "$bson:0:AgIAAAB4ABBhAAEAAAA=",
            "$bson:0:BQAAAAAAEGEAAQAAAA==",
        ] {
            assert!(Position::parse(cursor).is_err(), "{cursor}");
        }
    }

    #[test]
    fn what_follows_is_found_in_steps() {
        let filters = |position: Position| -> Vec<_> {
            position
                .steps()
                .into_iter()
                .map(|step| (step.filter, step.skip))
                .collect()
        };
        let steps = filters(position(5, 2));
        assert_eq!(steps.len(), 3);
        assert_eq!(steps[0].1, 2);
        assert_eq!(
            steps[1].0,
            fields! {"_id": fields! {"$gt": Bson::Raw(0x10, vec![5, 0, 0, 0])}}
        );
        let null = filters(position(Bson::Null, 0));
        assert_eq!(null.len(), 1);
        assert_eq!(filters(position(Bson::Raw(0x7f, vec![]), 0)), []);
        let nan = filters(position(f64::NAN, 0));
        assert_eq!(
            nan[0].0,
            fields! {"_id": fields! {"$gte": f64::NEG_INFINITY}}
        );
        let timestamp = filters(position(Bson::Raw(0x11, vec![0; 8]), 0));
        assert_eq!(
            timestamp[1].0,
            fields! {"_id": fields! {"$type": list![0x0b, 0x0c, 0x0d, 0x0f, 0x7f]}}
        );
    }

    #[test]
    fn numbers_are_the_same_whatever_their_types() {
        assert!(key(1).is_same(&key(1.0)));
        assert!(!key(1).is_same(&key("1")));
        assert!(key(Bson::Null).is_same(&Key::of(None)));
    }
}
