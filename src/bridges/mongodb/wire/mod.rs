//! What travels between runner and server.
//!
//! * `message`: OP_MSG, the one form of message since MongoDB 3.6
//! * `connection`: commands and their answers

mod connection;
mod message;

pub use connection::{Connection, Failure};
pub use message::read_message;
