//! The frames of the wire (protocol.md): what the gateway sends, parsed and bounded, and what we send.

pub mod client_frame;
mod frame_parser;
mod job_frame;
mod job_kind;
mod scan;
mod server_frame;

pub use frame_parser::FrameParser;
pub use job_frame::JobFrame;
pub use job_kind::JobKind;
pub use scan::TooMuch;
pub use server_frame::{FrameError, ServerFrame};
