//! Values as JSON text, appended to a frame's buffer. The one place where the forms of the official runner
//! (`JSON.stringify` of Node driver values) are written; which form a column takes is the bridge's business.

mod bytes;
mod javascript;
mod number;
mod passthrough;
mod string;
mod time;
mod time_label;

pub use bytes::write_bytes;
pub use javascript::{js_date_text, js_string, write_number_of_text};
pub use number::{js_number, number_text, write_f32, write_f64, write_i64, write_u64};
pub use passthrough::write_document;
pub use string::write_string;
#[cfg(feature = "mysql")]
pub(crate) use time::civil_from_days;
pub use time::{write_date, write_timestamp};
pub use time_label::write_time_label;
