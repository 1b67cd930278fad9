//! Values as JSON text, appended to a frame's buffer. The one place where the forms of the official runner
//! (`JSON.stringify` of Node driver values) are written; which form a column takes is the bridge's business.

mod bytes;
mod javascript;
mod number;
mod passthrough;
mod string;
mod time;

pub use bytes::write_bytes;
pub use javascript::{js_date_text, js_string, write_number_of_text};
pub use number::{
    js_number, number_text, push_ascii, two_digits, write_f32, write_f64, write_i64, write_u64,
};
pub use passthrough::write_document;
pub use string::write_string;
pub(crate) use time::{MAX_MICROS, MICROS_PER_DAY, civil_from_days, days_from_civil};
pub use time::{write_date, write_millis, write_timestamp};
