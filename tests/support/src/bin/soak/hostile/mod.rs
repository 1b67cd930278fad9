//! The hostile mode: one source and the gateway do all they can, while the other sources are asked all the time.

mod frames;
mod gateway;
mod source;
mod witness;

pub use gateway::HostileGateway;
pub use source::HostileSource;
pub use witness::Witness;
