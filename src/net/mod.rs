//! What every link needs, whatever is at its other end: names and addresses, one budget for connecting,
//! connections that can be cut, and HTTP.

pub(crate) mod base64;
mod budget;
pub mod http;
pub(crate) mod http_date;
mod http_head;
mod link;
mod names;

pub use budget::{Budget, Budgeted, Phase};
pub(crate) use http_head::{HttpHead, not_http};
pub use link::{Cutter, DialError, Link, Peer};
pub use names::{resolve, resolve_unless};
