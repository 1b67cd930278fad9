//! The health listener and its client: tells a platform that the process is alive (`/health`), whether it can
//! answer jobs (`/ready`) and what it counts (`/metrics`). Not for anything that changes something: whoever
//! reaches the port may ask, so there is nothing to be had but figures and the names of sources.

mod ask;
mod listener;
mod response;

pub use ask::ask;
pub use listener::listen;
pub use response::{Response, respond};
