//! Values as JSON text, appended to a frame's buffer. The one place where the forms of the official runner
//! (`JSON.stringify` of Node driver values) are written; which form a column takes is the bridge's business.

mod bytes;
mod number;
mod passthrough;
mod string;
mod time;

pub use bytes::write_bytes;
pub use number::{js_number, number_text, write_f32, write_f64, write_i64, write_u64};
pub use passthrough::write_document;
pub use string::write_string;
#[cfg(feature = "mysql")]
pub(crate) use time::civil_from_days;
pub use time::{write_date, write_timestamp};
