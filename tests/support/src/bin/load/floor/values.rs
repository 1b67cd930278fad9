//! Documents as stores of JSON have them.

use std::fmt;
use std::hint::black_box;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Reads every value of a document as what it is, and throws it away. Panics when it is no JSON.
pub(super) fn read(text: &[u8]) {
    let Discarded = serde_json::from_slice(text).expect("JSON");
}

/// A value that was read.
struct Discarded;

impl<'de> Deserialize<'de> for Discarded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Discarded {
    type Value = Self;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self, E> {
        black_box(value);
        Ok(self)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self, E> {
        black_box(value);
        Ok(self)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self, E> {
        black_box(value);
        Ok(self)
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self, E> {
        black_box(value);
        Ok(self)
    }

    fn visit_str<E>(self, value: &str) -> Result<Self, E> {
        black_box(value);
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while let Some(Self) = members.next_element()? {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while let Some((Self, Self)) = members.next_entry()? {}
        Ok(self)
    }
}
