//! HTTP/1.1 as a client of databases that speak it: one connection that is kept, bodies that stream, and a
//! bound on everything an answer may hold. No redirect is followed: a request carries credentials, and they
//! are for the host that was configured.

mod answer;
mod client;
mod error;
mod head;
mod lines;
mod peer;
mod request;

pub(crate) use answer::body_start;
pub use answer::{Answer, read_answer};
pub use client::Client;
pub use error::HttpError;
pub use head::Head;
pub(super) use head::nonsense;
pub use peer::peer_of;
pub use request::{Method, Request, basic, bearer};

#[cfg(test)]
mod tests;
