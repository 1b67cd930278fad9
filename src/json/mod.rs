//! Values as JSON text, appended to a frame's buffer. The one place where the forms of the official runner
//! (`JSON.stringify` of Node driver values) are written; which form a column takes is the bridge's business.
//!
//! - `number`, `string`, `bytes`, `time`: the values of columns; `object`: objects of ours
//! - `passthrough`: JSON that a database holds, as the official runner shows it
//! - `javascript`: what JavaScript makes of a value where it wants a string or a number; `instant` and `legacy_date`:
//!   where it wants a date; `utf16`: its order of texts
//! - `raw`: JSON as the text it came in, for whoever filters and groups it; `stream`: the same while it comes in;
//!   `syntax`: whether it is JSON; `token`: its pieces

mod bytes;
mod instant;
mod javascript;
mod legacy_date;
mod memory;
mod number;
mod object;
mod passthrough;
mod plain;
mod raw;
mod stream;
mod string;
mod syntax;
mod text;
mod time;
mod token;
mod utf16;

pub use bytes::{write_byte_list, write_bytes};
pub(crate) use instant::js_date_millis;
pub(crate) use javascript::{js_date_text, js_number_of, js_string, write_number_of_text};
pub(crate) use memory::memory;
pub(crate) use number::{js_number, number_text, two_digits};
pub use number::{write_f32, write_f64, write_i64, write_u64};
pub(crate) use object::{Object, members, object, write_object};
pub use passthrough::write_document;
pub use raw::{Raw, RawKind};
pub use stream::Stream;
pub use string::{write_lossy, write_string};
pub use text::{Out, Text};
pub(crate) use time::{MAX_MICROS, MICROS_PER_DAY, civil_from_days, days_from_civil, write_millis};
pub use time::{write_date, write_timestamp};
pub(crate) use utf16::utf16_order;
