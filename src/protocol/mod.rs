//! The frames of the wire (protocol.md): what the gateway sends, parsed and bounded, and what we send.

pub mod client_frame;
mod frame_parser;
mod job_frame;
mod scan;
mod server_frame;

pub use frame_parser::FrameParser;
pub use job_frame::JobFrame;
pub use server_frame::{FrameError, ServerFrame};
