//! The frames of the wire (protocol.md): what the gateway sends, parsed and bounded, and what we send.

mod job_frame;

pub use job_frame::JobFrame;
