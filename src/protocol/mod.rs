//! The frames of the wire: what the gateway sends, parsed and bounded, and what we send.
//!
//! - `server_frame`: a frame of the gateway as types; `frame_parser`: the same, faster for the jobs of a session
//! - `scan`: how large and deep a text is, before it is parsed; `claim`: the memory it is given for that; `job_frame`, `job_parts`: a job; `frame_error`
//! - `client_frame`: what we send, but for rows and `done`, which are written where the rows are

mod claim;
pub mod client_frame;
mod frame_error;
mod frame_parser;
mod job_frame;
mod job_parts;
mod scan;
mod server_frame;

pub use claim::Claim;
pub use frame_error::FrameError;
pub use frame_parser::FrameParser;
pub use job_frame::JobFrame;
pub use server_frame::ServerFrame;
