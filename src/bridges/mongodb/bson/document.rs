//! Reading documents where they lie. Everything here comes from a server, so every length is checked and a
//! document that is not one is an error, never a panic.

use std::borrow::Cow;
use std::fmt;

use super::Decimal;

/// A document's bytes, from its length to its final zero. Only these two are checked on the way in; the
/// elements are checked as they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document<'a>(&'a [u8]);

/// What should be BSON and is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server sent a document that cannot be read")
    }
}

/// A value inside a document. Text that is not UTF-8 has replacement characters where it is not.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    Double(f64),
    Text(Cow<'a, str>),
    Document(Document<'a>),
    Array(Document<'a>),
    Binary {
        subtype: u8,
        bytes: &'a [u8],
    },
    Undefined,
    ObjectId([u8; 12]),
    Bool(bool),
    /// Milliseconds since 1970.
    Date(i64),
    Null,
    Regex {
        pattern: Cow<'a, str>,
        options: Cow<'a, str>,
    },
    Pointer {
        namespace: Cow<'a, str>,
        id: [u8; 12],
    },
    Code {
        code: Cow<'a, str>,
        scope: Option<Document<'a>>,
    },
    Symbol(Cow<'a, str>),
    Int(i32),
    /// Seconds in the upper half, an ordinal in the lower.
    Timestamp(u64),
    Long(i64),
    Decimal(Decimal),
    MinKey,
    MaxKey,
}

impl<'a> Document<'a> {
    /// The document that these bytes are.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (document, rest) = Self::split(bytes)?;
        if rest.is_empty() {
            Ok(document)
        } else {
            Err(Malformed)
        }
    }

    /// The document these bytes begin with, and what follows it.
    pub fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let length = bytes
            .first_chunk()
            .map(|length| i32::from_le_bytes(*length));
        let length = length.and_then(|length| usize::try_from(length).ok());
        let (document, rest) = length
            .filter(|length| *length >= 5)
            .and_then(|length| bytes.split_at_checked(length))
            .ok_or(Malformed)?;
        match document.last() {
            Some(0) => Ok((Self(document), rest)),
            _ => Err(Malformed),
        }
    }

    /// All its bytes.
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Its elements in their order.
    pub fn elements(self) -> Elements<'a> {
        let last = self.0.len().saturating_sub(1);
        Elements {
            rest: self.0.get(4..last).unwrap_or_default(),
        }
    }

    /// The first element of this name.
    pub fn get(self, name: &str) -> Result<Option<Value<'a>>, Malformed> {
        self.raw(name)?
            .map(|(kind, bytes)| value(kind, bytes))
            .transpose()
    }

    /// Type and bytes of the first element of this name.
    pub fn raw(self, name: &str) -> Result<Option<(u8, &'a [u8])>, Malformed> {
        for element in self.elements() {
            let element = element?;
            if element.name == name.as_bytes() {
                return Ok(Some((element.kind, element.bytes)));
            }
        }
        Ok(None)
    }

    /// A number of this name, whatever its type; `None` when it is none or not there.
    pub fn number(self, name: &str) -> Result<Option<f64>, Malformed> {
        Ok(match self.get(name)? {
            Some(Value::Double(number)) => Some(number),
            Some(Value::Int(number)) => Some(number.into()),
            Some(Value::Long(number)) => Some(number as f64),
            Some(Value::Bool(truth)) => Some(truth.into()),
            _ => None,
        })
    }

    /// A whole number of this name.
    pub fn whole(self, name: &str) -> Result<Option<i64>, Malformed> {
        Ok(match self.get(name)? {
            Some(Value::Int(number)) => Some(number.into()),
            Some(Value::Long(number)) => Some(number),
            Some(Value::Double(number)) if number.fract() == 0.0 => Some(number as i64),
            _ => None,
        })
    }

    /// A text of this name.
    pub fn text(self, name: &str) -> Result<Option<Cow<'a, str>>, Malformed> {
        Ok(match self.get(name)? {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        })
    }

    /// True for what a server means by yes: `true`, or a number that is not zero.
    pub fn flag(self, name: &str) -> Result<bool, Malformed> {
        Ok(self.number(name)?.is_some_and(|number| number != 0.0))
    }

    /// A document of this name.
    pub fn document(self, name: &str) -> Result<Option<Document<'a>>, Malformed> {
        Ok(match self.get(name)? {
            Some(Value::Document(document) | Value::Array(document)) => Some(document),
            _ => None,
        })
    }
}

/// One element, not yet read.
#[derive(Debug, Clone, Copy)]
pub struct Element<'a> {
    /// Its name; not always UTF-8.
    pub name: &'a [u8],
    /// Number of its type.
    pub kind: u8,
    /// The bytes of its value.
    pub bytes: &'a [u8],
}

impl<'a> Element<'a> {
    /// Its value.
    pub fn value(&self) -> Result<Value<'a>, Malformed> {
        value(self.kind, self.bytes)
    }
}

/// The elements of a document. After an error there are no more.
pub struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Element<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let (&kind, rest) = self.rest.split_first()?;
        self.rest = &[];
        let element = || -> Result<_, Malformed> {
            let (name, rest) = c_string(rest)?;
            let (bytes, rest) = rest
                .split_at_checked(length(kind, rest)?)
                .ok_or(Malformed)?;
            Ok((Element { name, kind, bytes }, rest))
        };
        Some(element().map(|(element, rest)| {
            self.rest = rest;
            element
        }))
    }
}

fn c_string(bytes: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let end = bytes.iter().position(|byte| *byte == 0).ok_or(Malformed)?;
    match (bytes.get(..end), bytes.get(end + 1..)) {
        (Some(text), Some(rest)) => Ok((text, rest)),
        _ => Err(Malformed),
    }
}

/// The length that stands at the beginning of a value.
fn prefix(bytes: &[u8]) -> Result<usize, Malformed> {
    bytes
        .first_chunk()
        .and_then(|length| usize::try_from(i32::from_le_bytes(*length)).ok())
        .ok_or(Malformed)
}

/// How many of these bytes are the value of an element of this type.
fn length(kind: u8, bytes: &[u8]) -> Result<usize, Malformed> {
    Ok(match kind {
        0x01 | 0x09 | 0x11 | 0x12 => 8,
        0x02 | 0x0d | 0x0e => 4 + prefix(bytes)?,
        0x03 | 0x04 | 0x0f => prefix(bytes)?,
        0x05 => 5 + prefix(bytes)?,
        0x06 | 0x0a | 0x7f | 0xff => 0,
        0x07 => 12,
        0x08 => 1,
        0x0b => {
            let (_, rest) = c_string(bytes)?;
            let (_, rest) = c_string(rest)?;
            bytes.len() - rest.len()
        }
        0x0c => 4 + prefix(bytes)? + 12,
        0x10 => 4,
        0x13 => 16,
        _ => return Err(Malformed),
    })
}

/// A text with its length before it and a zero after it.
fn text(bytes: &[u8]) -> Result<(Cow<'_, str>, &[u8]), Malformed> {
    let length = prefix(bytes)?;
    let (text, rest) = bytes
        .get(4..)
        .and_then(|bytes| bytes.split_at_checked(length))
        .ok_or(Malformed)?;
    match text.split_last() {
        Some((0, text)) => Ok((String::from_utf8_lossy(text), rest)),
        _ => Err(Malformed),
    }
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Malformed> {
    bytes.try_into().map_err(|_| Malformed)
}

/// True when a value of this type takes all of these bytes.
pub fn is_whole(kind: u8, bytes: &[u8]) -> bool {
    length(kind, bytes) == Ok(bytes.len()) && value(kind, bytes).is_ok()
}

/// Reads a value of this type, and does not mind what follows it.
pub fn value(kind: u8, bytes: &[u8]) -> Result<Value<'_>, Malformed> {
    Ok(match kind {
        0x01 => Value::Double(f64::from_le_bytes(array(bytes)?)),
        0x02 => Value::Text(text(bytes)?.0),
        0x03 => Value::Document(Document::new(bytes)?),
        0x04 => Value::Array(Document::new(bytes)?),
        0x05 => binary(bytes)?,
        0x06 => Value::Undefined,
        0x07 => Value::ObjectId(array(bytes)?),
        0x08 => Value::Bool(array::<1>(bytes)? != [0]),
        0x09 => Value::Date(i64::from_le_bytes(array(bytes)?)),
        0x0a => Value::Null,
        0x0b => {
            let (pattern, rest) = c_string(bytes)?;
            Value::Regex {
                pattern: String::from_utf8_lossy(pattern),
                options: String::from_utf8_lossy(c_string(rest)?.0),
            }
        }
        0x0c => {
            let (namespace, rest) = text(bytes)?;
            Value::Pointer {
                namespace,
                id: array(rest)?,
            }
        }
        0x0d => Value::Code {
            code: text(bytes)?.0,
            scope: None,
        },
        0x0e => Value::Symbol(text(bytes)?.0),
        0x0f => {
            let (code, scope) = text(bytes.get(4..).ok_or(Malformed)?)?;
            Value::Code {
                code,
                scope: Some(Document::new(scope)?),
            }
        }
        0x10 => Value::Int(i32::from_le_bytes(array(bytes)?)),
        0x11 => Value::Timestamp(u64::from_le_bytes(array(bytes)?)),
        0x12 => Value::Long(i64::from_le_bytes(array(bytes)?)),
        0x13 => Value::Decimal(Decimal(u128::from_le_bytes(array(bytes)?))),
        0xff => Value::MinKey,
        0x7f => Value::MaxKey,
        _ => return Err(Malformed),
    })
}

/// Subtype 2, which is old, has its length a second time.
fn binary(bytes: &[u8]) -> Result<Value<'_>, Malformed> {
    let (&subtype, bytes) = bytes
        .get(4..)
        .and_then(<[u8]>::split_first)
        .ok_or(Malformed)?;
    let bytes = if subtype == 2 {
        bytes.get(4..).ok_or(Malformed)?
    } else {
        bytes
    };
    Ok(Value::Binary { subtype, bytes })
}

#[cfg(test)]
mod tests {
    use super::super::{Bson, fields, list};
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let written = fields! {
            "a": 1_i64, "b": "x\0y", "c": list![true, Bson::Null, 0.5], "d": fields! {}, "e": Bson::Date(-1),
        };
        let bytes = written.encode();
        let document = Document::new(&bytes).unwrap();
        let values: Vec<_> = document
            .elements()
            .map(|element| element.unwrap().value().unwrap())
            .collect();
        assert_eq!(values[0], Value::Long(1));
        assert_eq!(values[1], Value::Text("x\0y".into()));
        assert_eq!(values[4], Value::Date(-1));
        let Value::Array(array) = &values[2] else {
            panic!()
        };
        let names: Vec<_> = array.elements().map(|e| e.unwrap().name).collect();
        assert_eq!(names, [b"0", b"1", b"2"]);
        assert_eq!(document.whole("a").unwrap(), Some(1));
        assert_eq!(document.text("nope").unwrap(), None);
    }

    #[test]
    fn lengths_that_lie_are_errors() {
        for bytes in [
            &b""[..],
            b"\x04\0\0\0",
            b"\x05\0\0\0\x01",
            b"\x06\0\0\0\0",
            b"\xff\xff\xff\xff\0",
        ] {
            assert_eq!(Document::new(bytes), Err(Malformed), "{bytes:x?}");
        }
        for bytes in [
            // A text that is longer than the document, one without its zero, an unknown type, no name.
            &b"\x10\0\0\0\x02a\0\xff\0\0\0x\0\0\0\0"[..],
            b"\x0d\0\0\0\x02a\0\x01\0\0\0x\0",
            b"\x08\0\0\0\x20a\0\0",
            b"\x07\0\0\0\x0aa\0",
        ] {
            let document = Document::new(bytes).unwrap();
            let read = document.elements().try_for_each(|e| e?.value().map(drop));
            assert_eq!(read, Err(Malformed), "{bytes:x?}");
        }
    }
}
