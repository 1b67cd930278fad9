//! What every link needs, whatever is at its other end: names and addresses, one budget for connecting, and the
//! parts of HTTP that travel in heads.

pub(crate) mod base64;
mod budget;
pub(crate) mod http_date;
mod http_head;
mod names;

pub use budget::{Budget, Budgeted, Phase};
pub(crate) use http_head::{HttpHead, not_http};
pub use names::resolve;
