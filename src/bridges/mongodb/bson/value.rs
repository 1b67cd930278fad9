//! Values on their way to a server: commands, filters, pipelines.

use std::sync::Arc;

use super::Decimal;
use crate::limits;

/// Twelve bytes, usually shown as 24 hexadecimal digits.
pub type ObjectId = [u8; 12];

/// Names and values in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields(pub Vec<(String, Bson)>);

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Bson {
    Double(f64),
    Text(String),
    Document(Fields),
    Array(Vec<Bson>),
    Binary(u8, Vec<u8>),
    ObjectId(ObjectId),
    Bool(bool),
    /// Milliseconds since 1970.
    Date(i64),
    Null,
    /// Pattern and options.
    Regex(String, &'static str),
    Int(i32),
    Long(i64),
    Decimal(Decimal),
    /// A value as it came: the number of its type and its bytes.
    Raw(u8, Vec<u8>),
    /// A value that stands in several places; a clone of it costs nothing.
    Shared(Arc<Bson>),
}

/// A document: `fields! { "name": value, … }`.
macro_rules! fields {
    ($($name:literal : $value:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut made = $crate::bridges::mongodb::bson::Fields::default();
        $(made.push($name, $value);)*
        made
    }};
}

/// An array: `list![value, …]`.
macro_rules! list {
    ($($value:expr),* $(,)?) => {
        $crate::bridges::mongodb::bson::Bson::Array(vec![$($value.into()),*])
    };
}

pub(in crate::bridges::mongodb) use {fields, list};

impl Fields {
    /// Adds a field at the end. A zero in a name would end it early: names from outside are checked before, and
    /// here it is dropped so that the document stays one whatever happens.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<Bson>) {
        self.0.push((name.into(), value.into()));
    }

    /// With one more field.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Bson>) -> Self {
        self.push(name, value);
        self
    }

    /// A document of one field.
    pub fn one(name: impl Into<String>, value: impl Into<Bson>) -> Self {
        Self::default().with(name, value)
    }

    /// True without any field.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its bytes.
    #[cfg(test)]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        self.write(&mut out);
        out
    }

    /// Appends its bytes. Of what would be longer than any server takes the end is missing.
    pub fn write(&self, out: &mut Vec<u8>) {
        framed(out, |out| {
            for (name, value) in &self.0 {
                value.write_named(out, name);
            }
        });
    }
}

/// A length, whatever `content` writes, and a zero.
fn framed(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; 4]);
    content(out);
    out.push(0);
    let length = i32::try_from(out.len() - start).unwrap_or(i32::MAX);
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    out.extend(i32::try_from(length).unwrap_or(i32::MAX).to_le_bytes());
}

fn push_c_string(out: &mut Vec<u8>, text: &str) {
    out.extend(text.bytes().filter(|byte| *byte != 0));
    out.push(0);
}

impl Bson {
    /// It, to be cloned often.
    pub fn shared(value: impl Into<Self>) -> Self {
        Self::Shared(Arc::new(value.into()))
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Double(_) => 0x01,
            Self::Text(_) => 0x02,
            Self::Document(_) => 0x03,
            Self::Array(_) => 0x04,
            Self::Binary(..) => 0x05,
            Self::ObjectId(_) => 0x07,
            Self::Bool(_) => 0x08,
            Self::Date(_) => 0x09,
            Self::Null => 0x0a,
            Self::Regex(..) => 0x0b,
            Self::Int(_) => 0x10,
            Self::Long(_) => 0x12,
            Self::Decimal(_) => 0x13,
            Self::Raw(kind, _) => *kind,
            Self::Shared(value) => value.kind(),
        }
    }

    fn write_named(&self, out: &mut Vec<u8>, name: &str) {
        if out.len() > limits::MONGODB_COMMAND {
            return;
        }
        out.push(self.kind());
        push_c_string(out, name);
        self.write_value(out);
    }

    fn write_value(&self, out: &mut Vec<u8>) {
        match self {
            Self::Double(number) => out.extend(number.to_le_bytes()),
            Self::Text(text) => {
                push_length(out, text.len() + 1);
                out.extend(text.as_bytes());
                out.push(0);
            }
            Self::Document(fields) => fields.write(out),
            Self::Array(values) => framed(out, |out| {
                let mut index = itoa::Buffer::new();
                for (i, value) in values.iter().enumerate() {
                    value.write_named(out, index.format(i));
                }
            }),
            Self::Binary(subtype, bytes) => {
                push_length(out, bytes.len());
                out.push(*subtype);
                out.extend(bytes);
            }
            Self::ObjectId(id) => out.extend(id),
            Self::Bool(truth) => out.push((*truth).into()),
            Self::Int(number) => out.extend(number.to_le_bytes()),
            Self::Date(number) | Self::Long(number) => out.extend(number.to_le_bytes()),
            Self::Null => {}
            Self::Regex(pattern, options) => {
                push_c_string(out, pattern);
                push_c_string(out, options);
            }
            Self::Decimal(Decimal(bits)) => out.extend(bits.to_le_bytes()),
            Self::Raw(_, bytes) => out.extend(bytes),
            Self::Shared(value) => value.write_value(out),
        }
    }
}

macro_rules! from {
    ($($source:ty => $make:expr),* $(,)?) => {
        $(impl From<$source> for Bson {
            fn from(value: $source) -> Self {
                #[allow(clippy::redundant_closure_call)]
                ($make)(value)
            }
        })*
    };
}

from! {
    f64 => Self::Double,
    &str => |text: &str| Self::Text(text.to_owned()),
    String => Self::Text,
    bool => Self::Bool,
    i32 => Self::Int,
    i64 => Self::Long,
    u64 => |number: u64| Self::Long(i64::try_from(number).unwrap_or(i64::MAX)),
    Fields => Self::Document,
    Vec<Bson> => Self::Array,
    Vec<Fields> => |documents: Vec<Fields>| Self::Array(documents.into_iter().map(Self::Document).collect()),
    Decimal => Self::Decimal,
}

/// A value of a job's JSON. Whole numbers stay exact: what no 64-bit integer holds becomes a decimal.
impl From<&serde_json::Value> for Bson {
    fn from(value: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match value {
            Json::Null => Self::Null,
            Json::Bool(truth) => Self::Bool(*truth),
            Json::String(text) => Self::Text(text.clone()),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Self::Long(number),
                (None, Some(number)) => Self::Decimal(Decimal::whole(number)),
                (None, None) => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::Array(values) => Self::Array(values.iter().map(Self::from).collect()),
            Json::Object(members) => {
                let fields = members
                    .iter()
                    .map(|(name, value)| (name.clone(), value.into()));
                Self::Document(Fields(fields.collect()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_specification() {
        assert_eq!(fields! {}.encode(), b"\x05\0\0\0\0");
        let hello = fields! { "hello": "world" }.encode();
        assert_eq!(hello, b"\x16\0\0\0\x02hello\0\x06\0\0\0world\0\0");
        let list = fields! { "a": list![true] }.encode();
        assert_eq!(list, b"\x11\0\0\0\x04a\0\x09\0\0\0\x080\0\x01\0\0");
    }

    #[test]
    fn long_integers_are_exact() {
        let of = |text: &str| Bson::from(&serde_json::from_str::<serde_json::Value>(text).unwrap());
        assert_eq!(of("9007199254740993"), Bson::Long(9_007_199_254_740_993));
        assert_eq!(
            of("18446744073709551615"),
            Bson::Decimal(Decimal::whole(u64::MAX))
        );
        assert_eq!(of("1.0"), Bson::Double(1.0));
    }
}
