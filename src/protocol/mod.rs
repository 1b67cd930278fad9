//! The frames of the wire: what the gateway sends, parsed and bounded, and what we send.
//!
//! - `server_frame`: a frame of the gateway as types; `frame_parser`: the same, faster for the jobs of a session
//! - `scan`: how large and deep a text is, before it is parsed; `job_frame`: a job
//! - `client_frame`: what we send, but for rows and `done`, which are written where the rows are

pub mod client_frame;
mod frame_parser;
mod job_frame;
mod scan;
mod server_frame;

pub use frame_parser::FrameParser;
pub use job_frame::JobFrame;
pub use server_frame::{FrameError, ServerFrame};
