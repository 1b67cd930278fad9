//! BSON (bsonspec.org): documents read in place from a server's bytes, and values put together for its commands.
//!
//! * `document`: reading, element by element; nothing is copied
//! * `value`: what is sent
//! * `decimal`: 128-bit decimals as text and back
//! * `json`: values as rows show them
//! * `row`: documents as rows
//! * `text`: values as JavaScript's `String(x)` has them, which is what keys are shown as

mod decimal;
mod document;
mod json;
mod row;
mod text;
mod value;

pub use decimal::{Decimal, parse_decimal};
pub use document::{Document, Malformed, Value, is_whole, value};
pub use json::{HiddenPaths, push_value};
pub use row::write_document;
pub use text::{key_text, value_text};
pub use value::{Bson, Fields};
pub(super) use value::{fields, list};
